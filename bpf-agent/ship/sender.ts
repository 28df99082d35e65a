// How do profiles get out? One request at a time, the oldest first, repeated as it is until the backend has it or says
// never. While the backend is away they wait in memory; what must go is counted in samples, under its reason:
//   buffer_full  the oldest, when the buffer is full     refused        the backend will never take it
//   shutdown     left over when the agent had to end     encode_failed  could not be compressed
import { STATUS_CODES } from 'node:http'
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { type Answer, isExportAnswer, profilesIn, rejectionOf, sentenceOf } from './answer.ts'
import { endpointOf } from './endpoint.ts'
import { createPoster } from './post.ts'
import { memoryQueue, type Parcel, type Queue } from './queue.ts'
import { judgeAnswer, waitMsBefore } from './retry.ts'

export interface SenderParts {
  /** The backend: http://127.0.0.1:4040. */
  readonly url: string
  readonly token: string | undefined
  readonly bufferBytesMax: number
  /** One line for people; never holds the token. */
  readonly log: (line: string) => void
  readonly queue?: Queue
}

export interface Sender {
  /** Takes an encoded request; never throws, never blocks. */
  send(body: Uint8Array, samples: number): void
  /** Samples lost since the start, by reason. */
  dropped(): ReadonlyMap<string, number>
  /** What waits, the request on its way included. */
  pending(): { readonly bytes: number; readonly samples: number }
  /** Tries to send the rest for at most `deadlineMs` from now and counts what is left as `shutdown`. What is sent
   *  afterwards is counted so too. */
  close(deadlineMs: number): Promise<void>
}

const ATTEMPT_MS = 30_000 // an acknowledgement takes below 1 s; a silent peer must not hold the line for ever
const POISONED_ATTEMPTS = 5 // a request that gets nothing but 500 meets a bug that time will not cure
const CLOSING_WAIT_MS = 200
const REASONS_REMEMBERED = 100

const compress = promisify(gzip)
const inflate = promisify(gunzip)

/** Starts a sender.  Throws an Error that names the cure when URL and token do not go together. */
export function createSender(parts: SenderParts): Sender {
  const { url, token, bufferBytesMax, log, queue = memoryQueue(bufferBytesMax) } = parts
  const endpoint = endpointOf(url, token)
  if (!endpoint.ok) throw new Error(endpoint.error.message)
  const { origin } = endpoint.value.url
  const poster = createPoster(endpoint.value)
  const lost = new Map<string, number>()
  const said = new Set<string>()
  const broken = new WeakMap<Parcel, number>()
  const inHand = { bytes: 0, samples: 0 } // being compressed, or on its way
  let compressing = Promise.resolve()
  let pumping: Promise<void> | undefined
  let outage: { readonly sinceMs: number; failures: number } | undefined
  let closesAtMs = Number.POSITIVE_INFINITY
  let isAbandoned = false
  let wakeUp = () => {}

  function send(body: Uint8Array, samples: number): void {
    if (closesAtMs !== Number.POSITIVE_INFINITY) {
      drop('shutdown', samples)
      return
    }
    hold(body.length, samples)
    compressing = compressing.then(() => pack(body, samples)) // a chain, so that the order is kept
  }

  async function pack(body: Uint8Array, samples: number): Promise<void> {
    try {
      const parcel = { body: new Uint8Array(await compress(body)), samples }
      hold(-body.length, -samples)
      countGone(queue.push(parcel))
      if (closesAtMs === Number.POSITIVE_INFINITY) startPump()
    } catch (error) {
      hold(-body.length, -samples)
      drop('encode_failed', samples)
      sayOnce(`a request of ${body.length} bytes could not be compressed: ${(error as Error).message}`)
    }
  }

  function startPump(): Promise<void> {
    pumping ??= pump().finally(() => {
      pumping = undefined
    })
    return pumping
  }

  /** Sends until nothing waits, or the time is over. */
  async function pump(): Promise<void> {
    while (performance.now() < closesAtMs && !isAbandoned) {
      const parcel = queue.take()
      if (parcel === undefined) return
      hold(parcel.body.length, parcel.samples)
      const waitMs = await attempt(parcel)
      hold(-parcel.body.length, -parcel.samples)
      if (waitMs > 0) await pause(waitMs)
    }
  }

  /** One try.  out  how long to wait before the next one */
  async function attempt(parcel: Parcel): Promise<number> {
    const leftMs = Math.max(1, closesAtMs - performance.now())
    const answer = await poster.post(parcel.body, Math.min(ATTEMPT_MS, leftMs))
    if (answer instanceof Error) {
      countGone(queue.putBack(parcel))
      // The agent wants to end and nobody is there: waiting longer helps no one.
      isAbandoned =
        closesAtMs !== Number.POSITIVE_INFINITY && 'code' in answer && answer.code === 'ECONNREFUSED'
      return waitAfter(`cannot reach the backend at ${origin}: ${reasonOf(answer)}`, undefined)
    }
    const verdict = judgeAnswer({ status: answer.status, retryAfter: answer.retryAfter, nowMs: Date.now() })
    if (verdict.kind === 'later') {
      if (answer.status !== 500) countGone(queue.putBack(parcel))
      else if (!keepsBreaking(parcel))
        countGone(queue.push(parcel)) // behind the others: it may be this one's fault
      else return refuse(parcel, answer)
      return waitAfter(`the backend at ${origin} answers ${describe(answer)}`, verdict.waitMs)
    }
    if (verdict.kind === 'refused' || !isExportAnswer(answer)) return refuse(parcel, answer)
    endOutage()
    await countRejected(parcel, answer)
    return 0
  }

  function keepsBreaking(parcel: Parcel): boolean {
    const attempts = (broken.get(parcel) ?? 0) + 1
    broken.set(parcel, attempts)
    return attempts >= POISONED_ATTEMPTS
  }

  function waitAfter(reason: string, askedMs: number | undefined): number {
    outage ??= { sinceMs: performance.now(), failures: 0 }
    outage.failures++
    sayOnce(`${reason}; profiles wait in memory (at most ${Math.round(bufferBytesMax / 2 ** 20)} MB)`)
    if (closesAtMs !== Number.POSITIVE_INFINITY) return CLOSING_WAIT_MS
    const failingMs = performance.now() - outage.sinceMs
    return waitMsBefore({ failures: outage.failures, failingMs, askedMs, random: Math.random() })
  }

  function endOutage(): void {
    if (outage === undefined) return
    const seconds = Math.round((performance.now() - outage.sinceMs) / 1000)
    log(`the backend at ${origin} takes profiles again after ${seconds} s; ${queue.count} requests wait`)
    outage = undefined
    said.clear()
  }

  function refuse(parcel: Parcel, answer: Answer): number {
    drop('refused', parcel.samples)
    sayOnce(`${origin} refuses profiles: ${describe(answer)}`)
    return 0
  }

  /** A success may name profiles that were refused, but not which: their share of the samples is counted. */
  async function countRejected(parcel: Parcel, answer: Answer): Promise<void> {
    const { profiles, message } = rejectionOf(answer)
    if (profiles <= 0) return
    const inside = profilesIn(new Uint8Array(await inflate(parcel.body)))
    drop('refused', Math.ceil(parcel.samples * Math.min(1, profiles / inside)))
    sayOnce(`${origin} refused ${profiles} of ${inside} profiles: ${message}`)
  }

  function countGone(gone: readonly Parcel[]): void {
    for (const { samples } of gone) drop('buffer_full', samples)
  }

  function hold(bytes: number, samples: number): void {
    inHand.bytes += bytes
    inHand.samples += samples
  }

  function drop(reason: string, samples: number): void {
    lost.set(reason, (lost.get(reason) ?? 0) + samples)
  }

  function sayOnce(line: string): void {
    if (said.has(line)) return
    if (said.size >= REASONS_REMEMBERED) said.clear() // a reason may hold numbers
    said.add(line)
    log(line)
  }

  function pause(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, waitMs)
      wakeUp = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  async function close(deadlineMs: number): Promise<void> {
    closesAtMs = Math.min(closesAtMs, performance.now() + deadlineMs)
    const timer = setTimeout(() => {
      poster.close()
      wakeUp()
    }, deadlineMs)
    wakeUp()
    await compressing
    await pumping
    await startPump()
    clearTimeout(timer)
    poster.close()
    const left = queue.samples
    while (queue.take() !== undefined);
    if (left === 0) return
    drop('shutdown', left)
    log(`${left} samples could not be sent to ${origin} before the end`)
  }

  return {
    send,
    dropped: () => new Map(lost),
    pending: () => ({ bytes: queue.bytes + inHand.bytes, samples: queue.samples + inHand.samples }),
    close,
  }
}

/** "503 Service Unavailable: the store is full". */
function describe(answer: Answer): string {
  const { status } = answer
  const head = `${status} ${STATUS_CODES[status] ?? ''}`.trim()
  if (status < 300) return `${head} as ${answer.type}: this is no receiver of profiles; is the address right?`
  if (status < 400) return `${head}: redirects are not followed; give the final address`
  const sentence = sentenceOf(answer)
  return sentence === '' ? head : `${head}: ${sentence}`
}

/** Node joins the errors of several addresses (localhost as ::1 and 127.0.0.1) into one without a message. */
function reasonOf(error: Error): string {
  if (error.message !== '') return error.message
  const first = error instanceof AggregateError ? error.errors[0] : undefined
  return first instanceof Error ? first.message : 'connection failed'
}

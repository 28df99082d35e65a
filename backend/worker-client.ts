// How does the HTTP side reach the store? By messages to the worker that holds it. If that thread dies, whoever waits hears
// so at once, and another one opens the same directory: what was acknowledged is on the disk.
import { Worker } from 'node:worker_threads'
import type { ErrorAnswer } from '#profile/wire/query-api'
import { ServiceError } from './errors.ts'
import type { PushRequest } from './ingest/receive.ts'
import type { Limits } from './limits.ts'
import type { Service } from './service.ts'

type Method = keyof Service
export interface WorkerData {
  readonly dataDirectory: string
  readonly limits: Limits
  readonly retention: { readonly ageMs: number; readonly bytes: number }
}
export interface ToWorker {
  readonly id: number
  readonly method: Method
  readonly args: readonly unknown[]
}
export type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'refused'; readonly answer: ErrorAnswer }
  | { readonly kind: 'log'; readonly line: string }
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'refusal'; readonly id: number; readonly answer: ErrorAnswer }

interface Waiting {
  readonly method: Method
  readonly resolve: (value: unknown) => void
  readonly reject: (error: ServiceError) => void
}

const RESTART_MS_FIRST = 200
const RESTART_MS_MOST = 30_000

/** Starts the worker and resolves when its store is open. Bodies passed to `receive` are moved, not copied: the caller's
 *  buffer is empty afterwards. Throws ServiceError with one sentence if the data directory cannot be used. */
export async function createStoreClient(
  options: WorkerData & { readonly workerUrl: URL; readonly log: (line: string) => void },
): Promise<Service> {
  const link = new WorkerLink(options)
  await link.start()
  const call = <M extends Method>(method: M) =>
    ((...args: unknown[]) => link.call(method, args)) as unknown as Service[M]
  return {
    receive: (request) => {
      const body = ownBytes(request.body)
      const sent: PushRequest = { ...request, body }
      return link.call('receive', [sent], [body.buffer]) as ReturnType<Service['receive']>
    },
    series: call('series'),
    flame: call('flame'),
    iceberg: call('iceberg'),
    diff: call('diff'),
    exportFile: call('exportFile'),
    top: call('top'),
    quality: call('quality'),
    labels: call('labels'),
    labelValues: call('labelValues'),
    profileTypes: call('profileTypes'),
    storeStatus: call('storeStatus'),
    close: () => link.close(),
  }
}

class WorkerLink {
  readonly #data: WorkerData
  readonly #url: URL
  readonly #log: (line: string) => void
  readonly #waiting = new Map<number, Waiting>()
  #worker: Worker | undefined
  #calls = 0
  #restartMs = RESTART_MS_FIRST
  #restart: NodeJS.Timeout | undefined
  #isClosing = false

  constructor(options: WorkerData & { readonly workerUrl: URL; readonly log: (line: string) => void }) {
    const { workerUrl, log, dataDirectory, limits, retention } = options
    this.#url = workerUrl
    this.#log = log
    this.#data = { dataDirectory, limits, retention }
  }

  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      const worker = new Worker(this.#url, { workerData: this.#data, name: 'store' })
      let isOpen = false
      worker.on('message', (message: FromWorker) => {
        if (message.kind === 'ready') {
          isOpen = true
          if (this.#isClosing) void worker.terminate()
          this.#worker = worker
          this.#restartMs = RESTART_MS_FIRST
          resolve()
        } else if (message.kind === 'refused') reject(ServiceError.fromAnswer(message.answer))
        else this.#take(message)
      })
      worker.on('error', (error) => this.#log(`the store thread failed: ${error.stack ?? error.message}`))
      worker.on('exit', (code) => {
        if (!isOpen)
          reject(new ServiceError('internal', `the store thread ended with code ${code} before it was open`))
        else this.#onGone(code)
      })
    })
  }

  call(method: Method, args: readonly unknown[], transfer: readonly ArrayBuffer[] = []): Promise<unknown> {
    const worker = this.#worker
    if (worker === undefined)
      return Promise.reject(
        this.#isClosing
          ? new ServiceError('stopping', 'the backend is stopping', { retryAfterS: 5 })
          : new ServiceError('starting', 'the store is opening again; come back in a moment', {
              retryAfterS: 5,
            }),
      )
    return new Promise((resolve, reject) => {
      const id = this.#calls++
      this.#waiting.set(id, { method, resolve, reject })
      worker.postMessage({ id, method, args } satisfies ToWorker, [...transfer])
    })
  }

  async close(): Promise<void> {
    if (this.#isClosing) return
    this.#isClosing = true
    clearTimeout(this.#restart)
    const worker = this.#worker
    if (worker === undefined) return
    const gone = new Promise((resolve) => worker.once('exit', resolve))
    await this.call('close', [])
    await gone
  }

  #take(message: Exclude<FromWorker, { readonly kind: 'ready' | 'refused' }>): void {
    if (message.kind === 'log') {
      this.#log(message.line)
      return
    }
    const waiting = this.#waiting.get(message.id)
    this.#waiting.delete(message.id)
    if (message.kind === 'answer') waiting?.resolve(message.value)
    else waiting?.reject(ServiceError.fromAnswer(message.answer))
  }

  #onGone(code: number): void {
    this.#worker = undefined
    for (const { method, reject } of this.#waiting.values()) reject(lostAnswer(method))
    this.#waiting.clear()
    if (this.#isClosing) return
    this.#log(`the store thread ended with code ${code}; it starts again`)
    this.#restartSoon()
  }

  #restartSoon(): void {
    this.#restart = setTimeout(async () => {
      try {
        await this.start()
        this.#log('the store is open again')
      } catch (error) {
        if (this.#isClosing) return
        this.#log(`the store does not open: ${(error as Error).message}`)
        this.#restartSoon()
      }
    }, this.#restartMs)
    this.#restartMs = Math.min(RESTART_MS_MOST, this.#restartMs * 2)
  }
}

/** A push may come again with the same bytes, stored or not; a query that kills the thread should not. */
function lostAnswer(method: Method): ServiceError {
  return method === 'receive'
    ? new ServiceError('starting', 'the store thread ended before it answered; send the same request again', {
        retryAfterS: 5,
      })
    : new ServiceError(
        'internal',
        'the store thread ended on this request or one beside it; its log says why',
      )
}

/** Bytes whose buffer can be moved. Those that are a part of a larger one (Node's pool) are copied into one of their own. */
function ownBytes(body: Uint8Array): Uint8Array<ArrayBuffer> {
  const isWhole = body.byteOffset === 0 && body.byteLength === body.buffer.byteLength
  return isWhole && body.buffer instanceof ArrayBuffer
    ? (body as Uint8Array<ArrayBuffer>)
    : new Uint8Array(body)
}

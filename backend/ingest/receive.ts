// What happens to one pushed request? Bytes ─► decode ─► admit ─► append, and a result that says what was stored, what
// was refused and why. Runs where the store lives, in the worker; the answer leaves only after the commit.
import { createHash } from 'node:crypto'
import type { AgentReport } from '#profile/model/accounting'
import { decodeOtlpProfiles, decodeOtlpProfilesJson, type Rejected } from '#profile/wire/otlp-profiles'
import { ServiceError } from '../errors.ts'
import type { Limits } from '../limits.ts'
import type { RequestKey, Store } from '../store/store.ts'
import { accountsOf } from './accounts.ts'
import { admitByClock, type ByClock, clockShift, countSamples } from './admit.ts'

export interface PushRequest {
  /** The protocol's own path, the same for its aliases: part of the identity of the request. */
  readonly route: string
  /** Inflated. */
  readonly body: Uint8Array
  readonly format: 'protobuf' | 'json'
  readonly receivedMs: number
  /** The sender's clock by its header `Date`. */
  readonly sentMs: number | undefined
}

/** Reason, count and the sentence that names what came, what is allowed and the key. */
export interface Discard {
  readonly reason: string
  readonly count: number
  readonly message: string
}
/** What became of a request; travels between threads as it is. */
export interface ReceiveResult {
  /** False: stored before, or nothing to store. */
  readonly stored: boolean
  readonly duplicate: boolean
  /** Samples stored now, counted as the sender counts them. */
  readonly samples: number
  /** Profiles refused, wholly or in part. */
  readonly rejectedProfiles: number
  readonly discarded: readonly Discard[]
  /** Things kept shortened: reason and count. */
  readonly cut: readonly { readonly reason: string; readonly count: number }[]
  readonly warnings: readonly string[]
  readonly agents: readonly AgentReport[]
  /** Our clock minus the sender's, if it said its own. */
  readonly clockOffsetMs: number | undefined
}

/** The one method of whoever takes requests in: this file beside the store, or the client of the worker it runs in. */
export interface PushService {
  receive(request: PushRequest): Promise<ReceiveResult>
}

/** Takes one request in.
 *  A repeat of a request under way waits for the same commit; one of a request stored before is a success.
 *  throws ServiceError: invalid for a body that cannot be decoded at all, and what the store throws
 *  cost hashing and decoding are synchronous: 2 ms for 185 kB */
export async function receive(
  request: PushRequest & { readonly store: Store; readonly limits: Limits },
): Promise<ReceiveResult> {
  const key = requestKey(request.route, request.body)
  const underWay = requestsUnderWay(request.store)
  const first = underWay.get(key)
  if (first !== undefined) return { ...(await first), stored: false, duplicate: true, samples: 0 }
  const result = takeIn(key, request)
  underWay.set(key, result)
  try {
    return await result
  } finally {
    underWay.delete(key)
  }
}

/** Identity of a request: the same bytes to the same protocol. */
export function requestKey(route: string, body: Uint8Array): RequestKey {
  return createHash('sha256').update(`${route}\n`).update(body).digest('hex').slice(0, 32)
}

/** Keyed by store, so that two stores of one process never answer for each other. */
const UNDER_WAY = new WeakMap<Store, Map<RequestKey, Promise<ReceiveResult>>>()

function requestsUnderWay(store: Store): Map<RequestKey, Promise<ReceiveResult>> {
  const known = UNDER_WAY.get(store)
  if (known !== undefined) return known
  const fresh = new Map<RequestKey, Promise<ReceiveResult>>()
  UNDER_WAY.set(store, fresh)
  return fresh
}

async function takeIn(
  key: RequestKey,
  { body, format, receivedMs, sentMs, store, limits }: PushRequest & { store: Store; limits: Limits },
): Promise<ReceiveResult> {
  const decoded =
    format === 'json'
      ? decodeOtlpProfilesJson(utf8(body), { limits, receivedMs })
      : decodeOtlpProfiles(body, { limits, receivedMs })
  if (!decoded.ok) throw new ServiceError('invalid', decoded.error.message)
  const { profiles, agents, rejected, cut, warnings } = decoded.value
  const shiftMs = clockShift(receivedMs, sentMs)
  const admitted = admitByClock(profiles, {
    receivedMs,
    shiftMs,
    maxAheadMs: limits['ingest.maxAhead'],
    maxAgeMs: limits['ingest.maxAge'],
  })
  const discarded = [
    ...rejected.map(decoderDiscard),
    ...(admitted.ahead.samples > 0 ? [aheadDiscard(admitted.ahead, limits)] : []),
  ]
  const base = {
    rejectedProfiles: rejected.reduce((sum, { count }) => sum + count, 0) + admitted.ahead.profiles,
    discarded,
    cut,
    warnings: [
      ...warnings,
      ...(shiftMs === 0 ? [] : [shiftWarning(shiftMs)]),
      ...(admitted.old.samples > 0 ? [oldWarning(admitted.old, limits)] : []),
    ],
    agents,
    clockOffsetMs: sentMs === undefined ? undefined : receivedMs - sentMs,
  }
  if (admitted.profiles.length === 0) return { ...base, stored: false, duplicate: false, samples: 0 }
  const { stored } = await store.append({
    key,
    profiles: admitted.profiles,
    receivedMs,
    accounts: accountsOf(agents),
  })
  const samples = stored ? admitted.profiles.reduce((sum, profile) => sum + countSamples(profile), 0) : 0
  return { ...base, stored, duplicate: !stored, samples }
}

const decoderDiscard = ({ reason, count, message }: Rejected): Discard => ({
  reason,
  count,
  message: `${count} ${count === 1 ? 'profile' : 'profiles'} refused: ${message}`,
})

const aheadDiscard = (ahead: ByClock, limits: Limits): Discard => ({
  reason: 'samples_ahead',
  count: ahead.samples,
  message:
    `${ahead.samples} samples refused: up to ${printSpan(ahead.farthestMs)} ahead of the backend's clock, allowed ` +
    `${printSpan(limits['ingest.maxAhead'])} (limits.ingest.maxAhead); set the sender's clock or let it send a Date header`,
})

const oldWarning = (old: ByClock, limits: Limits) =>
  `${old.samples} samples are up to ${printSpan(old.farthestMs)} old; they are stored, but a repeat of this request is ` +
  `recognised for ${printSpan(limits['ingest.maxAge'])} only (limits.ingest.maxAge)`

const shiftWarning = (shiftMs: number) =>
  `the sender's clock is ${printSpan(Math.abs(shiftMs))} ${shiftMs > 0 ? 'behind' : 'ahead of'} the backend's; all times were shifted by that`

/** "26 h", "2.5 min", "40 s": rounded for people. */
function printSpan(ms: number): string {
  const [unit, length] =
    ms >= 2 * 3_600_000 ? ['h', 3_600_000] : ms >= 120_000 ? ['min', 60_000] : (['s', 1_000] as const)
  return `${Math.round((ms / length) * 10) / 10} ${unit}`
}

function utf8(body: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch (error) {
    throw new ServiceError('invalid', 'the JSON body is no UTF-8', { cause: error })
  }
}

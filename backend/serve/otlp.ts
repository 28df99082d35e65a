// How do profiles come in? As OTLP over HTTP, protobuf or JSON; the answer has the request's encoding, and 200 means
// committed to disk. Errors carry a google.rpc.Status; what is refused in part stands in partial_success.
import {
  encodeExportResponse,
  encodeStatus,
  exportResponseJson,
  statusJson,
} from '#profile/wire/otlp-profiles'
import { ServiceError } from '../errors.ts'
import { ENCODINGS_ACCEPTED, inflateBody } from '../ingest/inflate.ts'
import type { PushRequest, PushService, ReceiveResult } from '../ingest/receive.ts'
import type { Limits } from '../limits.ts'
import type { Ledger } from './ledger.ts'
import { type Answer, type Ask, bodyChunks, bodyLength, type Route } from './route.ts'

export interface OtlpParts {
  readonly service: PushService
  readonly ledger: Ledger
  readonly limits: Limits
  readonly room: Room
}

const PATH = '/v1development/profiles'

export function otlpRoutes(parts: OtlpParts): readonly Route[] {
  const route = (path: string): Route => ({
    method: 'POST',
    path,
    scope: 'write',
    answer: (ask) => push(parts, ask),
    encodeError: (error, ask) => encodeError(parts.ledger, error, ask),
  })
  return [route(PATH), route('/v1/profiles')]
}

async function push({ service, ledger, limits, room }: OtlpParts, ask: Ask): Promise<Answer> {
  const format = formatOf(ask)
  const { headers } = ask.incoming
  const place = room.enter()
  const started = performance.now()
  let result: ReceiveResult
  try {
    const body = await inflateBody({
      chunks: bodyChunks(ask.incoming),
      encoding: headers['content-encoding'],
      length: bodyLength(ask.incoming),
      limits,
      grow: place.grow,
    })
    const request: PushRequest = {
      route: PATH,
      body,
      format,
      receivedMs: ask.receivedMs,
      sentMs: dateOf(headers.date),
    }
    result = await service.receive(request)
  } finally {
    place.leave()
  }
  ledger.accepted(result, ask.receivedMs, performance.now() - started)
  return encodeResult(result, format)
}

/** The sender's clock by its header `Date`; undefined without one, or one that is none. */
function dateOf(header: string | undefined): number | undefined {
  const sentMs = Date.parse(header ?? '')
  return Number.isNaN(sentMs) ? undefined : sentMs
}

function formatOf(ask: Ask): PushRequest['format'] {
  const header = ask.incoming.headers['content-type'] ?? ''
  const type = header.split(';')[0]!.trim().toLowerCase()
  if (type === 'application/x-protobuf' || type === 'application/protobuf') return 'protobuf'
  if (type === 'application/json') return 'json'
  throw new ServiceError(
    'unsupported',
    `Content-Type "${header.slice(0, 100)}" is not taken here; send OTLP profiles as application/x-protobuf or application/json`,
  )
}

/** A request of which nothing could be stored is refused; what was refused in part, or only warned of, is told. */
function encodeResult(result: ReceiveResult, format: PushRequest['format']): Answer {
  const { discarded, warnings, cut, rejectedProfiles } = result
  const message = [
    ...discarded.map((discard) => discard.message),
    ...cut.map(({ reason, count }) => `${count} cut: ${reason}`),
    ...warnings,
  ].join('; ')
  const isNothing = !result.stored && !result.duplicate && result.agents.length === 0
  if (isNothing && discarded.length > 0) return statusAnswer(new ServiceError('invalid', message), format)
  const success = { rejectedProfiles, message }
  return format === 'json'
    ? { status: 200, headers: JSON_TYPE, body: exportResponseJson(success) }
    : { status: 200, headers: PROTOBUF_TYPE, body: encodeExportResponse(success) }
}

const PROTOBUF_TYPE = { 'content-type': 'application/x-protobuf' }
const JSON_TYPE = { 'content-type': 'application/json' }

function encodeError(ledger: Ledger, error: ServiceError, ask: Ask): Answer {
  ledger.refused(error, ask.receivedMs)
  const type = ask.incoming.headers['content-type'] ?? ''
  return statusAnswer(error, /^application\/(x-)?protobuf/i.test(type) ? 'protobuf' : 'json')
}

function statusAnswer(error: ServiceError, format: PushRequest['format']): Answer {
  const headers = error.code === 'unsupported' ? { 'accept-encoding': ENCODINGS_ACCEPTED } : {}
  const status = { code: error.grpcCode, message: error.message.slice(0, MESSAGE_MAX) }
  return format === 'json'
    ? { status: error.httpStatus, headers: { ...JSON_TYPE, ...headers }, body: statusJson(status) }
    : { status: error.httpStatus, headers: { ...PROTOBUF_TYPE, ...headers }, body: encodeStatus(status) }
}

const MESSAGE_MAX = 4_096 // of a refusal; senders log it

/** How much may be worked on at once: push requests, and the bytes that they hold. */
export interface Room {
  enter(): { grow(bytes: number): void; leave(): void }
  inflight(): number
}

/** errors  queue_full, with a moment to wait, different for each sender so that they do not come back together */
export function createRoom(limits: Limits, random: () => number): Room {
  const requestsMax = limits.ingestInflight
  // A single request always fits: the queue's bytes come on top of the one body being read.
  const bytesMax = limits['ingest.queue'] + limits.decompressedBytes
  let requests = 0
  let held = 0
  const full = (key: string, limit: number, what: string) =>
    new ServiceError(
      'queue_full',
      `${what} at once; the limit is ${limit}. Send again later or raise limits.${key}.`,
      {
        key: `limits.${key}`,
        limit,
        retryAfterS: 1 + Math.floor(random() * 5),
      },
    )
  return {
    inflight: () => requests,
    enter() {
      if (requests >= requestsMax) throw full('ingestInflight', requestsMax, `${requests} push requests`)
      requests++
      let own = 0
      return {
        grow(bytes) {
          if (held + bytes > bytesMax)
            throw full('ingest.queue', limits['ingest.queue'], 'too many bytes of bodies')
          held += bytes
          own += bytes
        },
        leave() {
          requests--
          held -= own
          own = 0
        },
      }
    },
  }
}

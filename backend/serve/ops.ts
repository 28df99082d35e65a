// Is it alive, is it ready, what does it cost? Health for supervisors, in one word each, and numbers for Prometheus.
import type { ErrorCode } from '#profile/wire/query-api'
import { ServiceError } from '../errors.ts'
import type { QueryService } from '../query/query-service.ts'
import type { Gate } from './auth.ts'
import type { Ledger } from './ledger.ts'
import { type Family, family, histograms, type Point, printMetrics } from './metrics.ts'
import type { Room } from './otlp.ts'
import type { QueryMeter } from './query-http.ts'
import { type Ask, type Route, textAnswer } from './route.ts'

/** Where the life of the backend stands. */
export type Phase = 'starting' | 'ready' | 'stopping'

export interface OpsParts {
  readonly service: Pick<QueryService, 'storeStatus'>
  readonly phase: () => Phase
  readonly ledger: Ledger
  readonly gate: Gate
  readonly room: Room
  readonly meter: QueryMeter
  readonly version: string
  /** Runs without tokens where others can reach it. */
  readonly isInsecure: boolean
  /** How late the event loop was lately, seconds. */
  readonly loopLagS: () => number
}

const LAG_MAX_S = 5 // a loop that is later than this is stuck: restart it

export function opsRoutes(parts: OpsParts): readonly Route[] {
  const word = (path: string, answer: (ask: Ask) => void): Route => ({
    method: 'GET',
    path,
    scope: 'none',
    isEarly: true,
    answer: (ask) => {
      answer(ask)
      return textAnswer('ok\n')
    },
    encodeError: (error) => textAnswer(`${error.message}\n`, error.httpStatus),
  })
  const ready = (ask: Ask) => {
    const phase = parts.phase()
    if (phase !== 'ready') throw new ServiceError(phase, phase, { retryAfterS: 1 })
    if (ask.params.get('for') === 'write' && !parts.ledger.isWritable(ask.receivedMs))
      throw new ServiceError('storage_full', 'storage_full', { retryAfterS: 30 })
  }
  return [
    word('/healthz', () => {
      if (parts.loopLagS() > LAG_MAX_S) throw new ServiceError('deadline', 'late')
    }),
    word('/readyz', ready),
    word('/ready', ready),
    {
      method: 'GET',
      path: '/metrics',
      scope: 'metrics',
      answer: async (ask) => ({
        status: 200,
        headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' },
        body: printMetrics(await families(parts, ask.receivedMs)),
      }),
    },
  ]
}

async function families(parts: OpsParts, nowMs: number): Promise<readonly Family[]> {
  const { ledger, meter } = parts
  const ingest = ledger.ingest()
  const cut = ledger.cut()
  const store = await parts.service.storeStatus()
  const one = (value: number): readonly Point[] => [[{}, value]]
  return [
    family('gauge', 'build_info', 'Always 1; the version stands in the label.', [
      [{ version: parts.version }, 1],
    ]),
    family(
      'gauge',
      'insecure',
      '1 if it listens off loopback without tokens.',
      one(parts.isInsecure ? 1 : 0),
    ),
    family('gauge', 'event_loop_lag_seconds', 'How late the main thread was lately.', one(parts.loopLagS())),
    family('counter', 'auth_failures_total', 'Requests with a wrong token.', one(parts.gate.failures())),
    family(
      'counter',
      'ingest_requests_total',
      'Push requests by answer.',
      [...ledger.requests()].map(([code, count]): Point => [{ protocol: 'otlp', code }, count]),
    ),
    family('counter', 'ingest_samples_total', 'Samples stored.', one(ingest.samples)),
    family('counter', 'duplicates_total', 'Push requests that were stored before.', one(ingest.duplicates)),
    family(
      'counter',
      'discarded_total',
      'Profiles, samples or requests refused, by reason.',
      [...ledger.discarded()].map(([reason, count]): Point => [{ reason }, count]),
    ),
    family(
      'counter',
      'cut_total',
      'Things kept shortened, by reason.',
      [...cut].map(([reason, count]): Point => [{ reason }, count]),
    ),
    histograms('ack_seconds', 'From the first byte of a push request to its commit.', [
      [{}, ledger.ackSeconds],
    ]),
    family('gauge', 'requests_inflight', 'Push requests worked on.', one(parts.room.inflight())),
    family('gauge', 'senders', 'Agents that have reported.', one(ledger.agents().length)),
    family(
      'gauge',
      'clock_offset_seconds_max',
      'Largest distance of a sender to our clock in the last ten minutes.',
      one(ledger.clockOffsetS(nowMs)),
    ),
    family(
      'counter',
      'query_total',
      'Queries by route and answer.',
      [...meter.counts].map(([key, count]): Point => {
        const [route = '', code = ''] = key.split(' ')
        return [{ route, code: code as ErrorCode }, count]
      }),
    ),
    histograms(
      'query_seconds',
      'Time to answer a query.',
      [...meter.seconds].map(([route, histogram]) => [{ route }, histogram]),
    ),
    family('gauge', 'query_waiting', 'Queries that run or wait.', one(meter.running)),
    family('gauge', 'store_bytes', 'Bytes on disk.', [[{ kind: 'slot' }, store.bytes]]),
    family('gauge', 'store_files', 'Files of the store.', one(store.files)),
    family(
      'gauge',
      'store_oldest_seconds',
      'Age of the oldest sample.',
      store.oldestMs === null ? [] : one((nowMs - store.oldestMs) / 1_000),
    ),
    family(
      'gauge',
      'store_writable',
      '0 for half a minute after the disk was full.',
      one(ledger.isWritable(nowMs) ? 1 : 0),
    ),
    family('gauge', 'series_active', 'Series of the last hour.', one(store.series)),
    family('counter', 'quarantined_total', 'Files set aside because they could not be read.', [
      [{ kind: 'slot' }, store.quarantined.length],
    ]),
  ]
}

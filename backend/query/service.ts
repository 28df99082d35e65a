// How do all queries of one store live together? So many at once, so many waiting, each with a deadline; the rest is
// refused with a word on when to come again.
import { findLabel } from '#profile/labels/lookup'
import { labelsText } from '#profile/model/labels'
import { printProfileType } from '#profile/model/profile-type'
import type { StatusAnswer } from '#profile/wire/query-api'
import { ServiceError } from '../errors.ts'
import type { Limits } from '../limits.ts'
import type { Store } from '../store/store.ts'
import { diff } from './diff-query.ts'
import { exportFile } from './export-query.ts'
import { labels, labelValues, profileTypes } from './label-query.ts'
import { type Asked, flame, iceberg } from './profile-query.ts'
import { quality } from './quality-query.ts'
import type { DrawPicture, QueryService } from './query-service.ts'
import { series } from './series-query.ts'
import { top } from './top-query.ts'

const STATUS_RANGE_MS = 3_600_000 // what counts as alive: anything seen in the last hour
const AHEAD_MS = 600_000 // clocks of senders may run ahead of ours by so much

export interface QueryParts {
  readonly store: Store
  readonly limits: Limits
  readonly retention: { readonly ageMs: number; readonly bytes: number }
  readonly clock: () => number
  /** Absent: exports know no pictures. */
  readonly drawPicture?: DrawPicture
}

export function createQueryService(parts: QueryParts): QueryService {
  const { store, limits, clock } = parts
  const turn = createTurns({ running: limits.queriesRunning, waiting: limits['query.queue'] })
  const ask = <T>(query: (asked: Asked) => Promise<T>): Promise<T> => {
    const nowMs = clock()
    const tookMs = () => clock() - nowMs
    return withDeadline(limits, () => turn(() => query({ store, limits, nowMs, tookMs })))
  }
  return {
    series: (request) => ask((asked) => series(request, asked)),
    flame: (request) => ask((asked) => flame(request, asked)),
    iceberg: (request) => ask((asked) => iceberg(request, asked)),
    diff: (request) => ask((asked) => diff(request, asked)),
    exportFile: (request) =>
      ask((asked) => exportFile(request, { ...asked, drawPicture: parts.drawPicture })),
    top: (request) => ask((asked) => top(request, asked)),
    quality: (request) => ask((asked) => quality(request, asked)),
    labels: (request) => ask((asked) => labels(request, asked)),
    labelValues: (name, request) => ask((asked) => labelValues(name, request, asked)),
    profileTypes: (request) => ask((asked) => profileTypes(request, asked)),
    storeStatus: () => storeStatus(parts),
  }
}

async function storeStatus({ store, retention, clock }: QueryParts): Promise<StatusAnswer['store']> {
  const nowMs = clock()
  const range = { fromMs: nowMs - STATUS_RANGE_MS, toMs: nowMs + AHEAD_MS }
  const stats = await store.stats()
  const { value } = await store.series({ type: undefined, matchers: [], ...range })
  const distinct = (name: string) =>
    new Set(value.map((one) => findLabel(one.labels, name)).filter(Boolean)).size
  return {
    files: stats.files,
    bytes: stats.bytes,
    oldestMs: stats.oldestMs ?? null,
    newestMs: stats.newestMs ?? null,
    series: new Set(value.map((one) => `${printProfileType(one.type)} ${labelsText(one.labels)}`)).size,
    services: distinct('service_name'),
    hosts: distinct('host'),
    retention,
    quarantined: stats.quarantined,
  }
}

/** Runs so many at once and lets so many wait, first come, first served; throws ServiceError `queue_full` beyond. */
export function createTurns(most: { readonly running: number; readonly waiting: number }) {
  let running = 0
  const waiting: (() => void)[] = []
  return async <T>(run: () => Promise<T>): Promise<T> => {
    if (running >= most.running) {
      if (waiting.length >= most.waiting)
        throw new ServiceError(
          'queue_full',
          `${most.waiting} queries wait already; ask again in a moment or raise limits.query.queue`,
          { key: 'limits.query.queue', limit: most.waiting, retryAfterS: 2 },
        )
      await new Promise<void>((resolve) => waiting.push(resolve))
    } else running++
    try {
      return await run()
    } finally {
      const next = waiting.shift()
      if (next === undefined) running--
      else next()
    }
  }
}

/** The asker hears no later than the deadline; what still runs then ends by the deadline of its own reads. */
async function withDeadline<T>({ queryDeadline }: Limits, run: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const seconds = Math.round(queryDeadline / 1_000)
      const detail = { key: 'limits.queryDeadline', limit: queryDeadline }
      const message = `no answer after ${seconds} s; narrow the time range or add a matcher`
      reject(new ServiceError('deadline', message, detail))
    }, queryDeadline)
  })
  try {
    return await Promise.race([run(), late])
  } finally {
    clearTimeout(timer)
  }
}

// How is the data source asked from inside a panel? As Grafana asks it: found by its uid, a request, an observable.
import {
  CoreApp,
  type DataFrame,
  type DataQueryRequest,
  type DataQueryResponse,
  dateTime,
  LoadingState,
  rangeUtil,
  type TimeRange,
} from '@grafana/data'
import { getDataSourceSrv } from '@grafana/runtime'
import { defer, from, map, type Observable, switchMap } from 'rxjs'
import type { Span } from './brush.ts'
import type { Question } from './question.ts'

export interface AskOptions {
  /** Global in Grafana: of two requests with one id the older is cancelled. */
  readonly requestId: string
  /** Points over time that can be drawn. */
  readonly points: number
}

/** Asks.    out  the frames;  errors  with the data source's sentence;  unsubscribing aborts */
export const ask = (question: Question, options: AskOptions): Observable<readonly DataFrame[]> =>
  defer(() => getDataSourceSrv().get({ uid: question.uid })).pipe(
    switchMap((dataSource) => from(dataSource.query(requestOf(question, options)))),
    map(framesOf),
  )

function framesOf({ data, error, errors, state }: DataQueryResponse): readonly DataFrame[] {
  const sentence = errors?.[0]?.message ?? error?.message
  if (sentence !== undefined || state === LoadingState.Error)
    throw new Error(sentence ?? 'The data source failed without a word of why.')
  return data as DataFrame[]
}

function requestOf({ query, span }: Question, { requestId, points }: AskOptions): DataQueryRequest {
  const range = rangeOf(span)
  const { interval, intervalMs } = rangeUtil.calculateInterval(range, points, '10s')
  return {
    requestId,
    interval,
    intervalMs,
    maxDataPoints: points,
    range,
    rangeRaw: range.raw,
    scopedVars: {},
    targets: [query],
    timezone: 'browser',
    app: CoreApp.Unknown,
    startTime: Date.now(),
  }
}

function rangeOf({ fromMs, toMs }: Span): TimeRange {
  const [start, end] = [dateTime(fromMs), dateTime(toMs)]
  return { from: start, to: end, raw: { from: start, to: end } }
}

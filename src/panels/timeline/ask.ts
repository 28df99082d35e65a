// How is the data source asked from inside a panel? As Grafana asks it: found by its uid, a request, an observable.
import { type DataFrame, type DataQueryResponse, dateTime, LoadingState, type TimeRange } from '@grafana/data'
import { getDataSourceSrv } from '@grafana/runtime'
import { defer, from, map, type Observable, switchMap } from 'rxjs'
import type { Span } from './brush.ts'
import { type RequestOptions, requestOf } from './query-request.ts'
import type { Question } from './question.ts'

/** Asks.    out  the frames;  errors  with the data source's sentence;  unsubscribing aborts */
export const ask = (question: Question, options: RequestOptions): Observable<readonly DataFrame[]> =>
  defer(() => getDataSourceSrv().get({ uid: question.uid })).pipe(
    switchMap((dataSource) =>
      from(dataSource.query(requestOf({ query: question.query, range: rangeOf(question.span) }, options))),
    ),
    map(framesOf),
  )

function framesOf({ data, error, errors, state }: DataQueryResponse): readonly DataFrame[] {
  const sentence = errors?.[0]?.message ?? error?.message
  if (sentence !== undefined || state === LoadingState.Error)
    throw new Error(sentence ?? 'The data source failed without a word of why.')
  return data as DataFrame[]
}

function rangeOf({ fromMs, toMs }: Span): TimeRange {
  const [start, end] = [dateTime(fromMs), dateTime(toMs)]
  return { from: start, to: end, raw: { from: start, to: end } }
}

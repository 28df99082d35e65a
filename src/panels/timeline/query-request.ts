// What does Grafana hand to a data source? For whoever asks one by himself: the strip of a panel, the viewer.
import { CoreApp, type DataQuery, type DataQueryRequest, rangeUtil, type TimeRange } from '@grafana/data'

export interface RequestOptions {
  /** Global in Grafana: of two requests with one id the older is cancelled. */
  readonly requestId: string
  /** Points over time that can be drawn. */
  readonly points: number
}

/** A request for one query, of no app's. */
export function requestOf<Query extends DataQuery>(
  { query, range }: { readonly query: Query; readonly range: TimeRange },
  { requestId, points }: RequestOptions,
): DataQueryRequest<Query> {
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

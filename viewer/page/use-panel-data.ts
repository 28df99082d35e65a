// What does the data source answer to this query, now? Runs it when query or range change, keeps the last answer while
// the next one is under way, and aborts what nobody waits for any more.
import {
  type DataFrame,
  type DataQueryRequest,
  LoadingState,
  type PanelData,
  type TimeRange,
} from '@grafana/data'
import { useEffect, useMemo, useState } from 'react'
import type { ProfileDataSource } from '../../src/datasource/datasource.ts'
import type { ProfileQuery } from '../../src/datasource/query.ts'
import { requestOf } from '../../src/panels/timeline/query-request.ts'

export interface PanelQuestion {
  /** Its own name: two questions of one page never cancel each other. */
  readonly name: string
  readonly dataSource: ProfileDataSource
  readonly query: ProfileQuery
  readonly range: TimeRange
  readonly panelPluginId: string
  readonly widthCss: number
}

/** out  nothing yet: state Loading and no series; after a failure: state Error, the sentence in `errors`, no series */
export function usePanelData(question: PanelQuestion): PanelData {
  const { name, dataSource, query, range, panelPluginId, widthCss } = question
  const [data, setData] = useState<PanelData>({ state: LoadingState.Loading, series: [], timeRange: range })
  // Steps of a tenth of a thousand pixels: dragging a window's edge does not ask anew at every pixel.
  const points = Math.max(100, Math.ceil(widthCss / 100) * 100)
  const key = useMemo(() => JSON.stringify(query), [query])
  useEffect(() => {
    if (widthCss === 0) return
    const options = { requestId: `viewer-${name}`, points }
    const request: DataQueryRequest<ProfileQuery> = { ...requestOf({ query, range }, options), panelPluginId }
    setData((last) => ({ ...last, state: LoadingState.Loading, request }))
    const subscription = dataSource.query(request).subscribe({
      next: (response) =>
        setData({
          state: response.state ?? LoadingState.Done,
          series: response.data as DataFrame[],
          timeRange: range,
          request,
          ...(response.errors === undefined ? {} : { errors: response.errors }),
          ...(response.errors?.[0] === undefined ? {} : { error: response.errors[0] }),
        }),
      error: (error: Error) =>
        setData({
          state: LoadingState.Error,
          series: [],
          timeRange: range,
          request,
          errors: [{ message: error.message }],
          error: { message: error.message },
        }),
    })
    return () => subscription.unsubscribe()
  }, [name, dataSource, key, range, panelPluginId, points, widthCss === 0])
  // What another panel drew is nothing to this one: no answer yet is better than one of the wrong kind.
  const isForeign = data.request !== undefined && data.request.panelPluginId !== panelPluginId
  return isForeign ? { state: LoadingState.Loading, series: [], timeRange: range } : data
}

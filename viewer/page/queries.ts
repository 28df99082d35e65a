// Which queries stand behind the page's state? Those one would write in a dashboard: series for the chart, and for the
// view below it a profile, an inverted one, or a diff.
import { CPU_TYPE_ID, normalizeQuery, type ProfileQuery } from '../../src/datasource/query.ts'
import type { PageState, View } from './url-state.ts'

export const PANELS: Readonly<
  Record<View, { readonly id: string; readonly folder: string; readonly title: string }>
> = {
  flame: { id: 'flametrail-flamegraph-panel', folder: 'panels/flamegraph', title: 'Flame graph' },
  iceberg: { id: 'flametrail-iceberg-panel', folder: 'panels/iceberg', title: 'Iceberg' },
  diff: { id: 'flametrail-diff-panel', folder: 'panels/diff', title: 'Diff' },
}

/** What the query editor edits. */
export function profileQuery(state: PageState): ProfileQuery {
  const { baselineFrom, baselineTo, baselineShift, baselineQuery } = state
  return normalizeQuery({
    refId: 'A',
    queryType: state.view === 'diff' ? 'diff' : 'profile',
    profileTypeId: state.type,
    labelSelector: state.query,
    groupBy: state.groupBy,
    ...(state.view === 'iceberg' ? { invert: true } : {}),
    ...(state.view === 'diff'
      ? {
          baseline: {
            ...(baselineFrom === undefined || baselineTo === undefined
              ? {}
              : { from: baselineFrom, to: baselineTo }),
            ...(baselineShift === undefined ? {} : { shift: baselineShift }),
            ...(baselineQuery === undefined ? {} : { labelSelector: baselineQuery }),
          },
        }
      : {}),
  } as never)
}

/** The chart above: by service, unless the query groups by something else. */
export function seriesQuery(state: PageState): ProfileQuery {
  const { baseline: _, invert: __, ...query } = profileQuery({ ...state, view: 'flame' })
  return {
    ...query,
    queryType: 'metrics',
    groupBy: query.groupBy.length > 0 ? query.groupBy : ['service_name'],
    limit: 6, // as many as the legend beside the chart can name
  }
}

/** The page's state after the editor changed its query. */
export function withQuery(state: PageState, query: ProfileQuery): PageState {
  const { baselineFrom: _, baselineTo: __, baselineShift: ___, baselineQuery: ____, ...rest } = state
  const { from, to, shift, labelSelector } = query.baseline ?? {}
  // Other views do not show the baseline: what it was stays.
  const baseline =
    state.view !== 'diff'
      ? state
      : {
          ...rest,
          ...(from === undefined || to === undefined ? {} : { baselineFrom: from, baselineTo: to }),
          ...(shift === undefined ? {} : { baselineShift: shift }),
          ...(labelSelector === undefined ? {} : { baselineQuery: labelSelector }),
        }
  // The short word where there is one: links are for people, too.
  const type = query.profileTypeId === CPU_TYPE_ID ? 'cpu' : query.profileTypeId
  return { ...baseline, type, query: query.labelSelector, groupBy: query.groupBy }
}

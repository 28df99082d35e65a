// What does the strip ask the data source? The query's series over the panel's range, and what is marked of its profile.
import type { DataQuery } from '@grafana/data'
import { type Brushed, type MarkKind, marksOf, type Span, withinChart, withoutMark } from './brush.ts'
import { isSameQuery, type SourceQuery, type StripSource } from './strip-source.ts'

export interface Question {
  readonly uid: string
  readonly query: DataQuery
  readonly span: Span
}

/** The series of the query as one line: what it groups by are the graph's first levels. */
export function seriesQuestion({ uid, query, chart }: StripSource): Question {
  const { invert: _, path: __, baseline: ___, limit: ____, ...rest } = query
  return { uid, query: { ...rest, queryType: 'metrics', groupBy: [] } as SourceQuery, span: chart }
}

/** What the graph shows of the marked ranges; undefined: nothing is marked, the panel's own answer is it.
 *
 *                     unmarked baseline            unmarked comparison
 *    a diff's query   what the query says          the panel's range
 *    two queries      the first one's range        the panel's range
 *    any other query  the panel's range            (then there is no diff) */
export function markedQuestion(source: StripSource, brushed: Brushed): Question | undefined {
  const { uid, query, chart } = source
  if (marksOf(brushed).length === 0) return undefined
  const span = brushed.graph ?? chart
  if (!brushed.isDiff) return { uid, query: { ...query, queryType: 'profile' }, span }
  const based = brushed.baseline ?? (source.isDiff ? source.baselineChart : chart)
  const side = typeof query.baseline === 'object' && query.baseline !== null ? query.baseline : {}
  const baseline = based === undefined ? query.baseline : { ...side, from: based.fromMs, to: based.toMs }
  if (source.isDiff) return { uid, query: { ...query, queryType: 'diff', baseline } as SourceQuery, span }
  // A flame diff, from an iceberg too: the viewer leaves the iceberg in the same way.
  const { invert: _, baseline: __, ...rest } = query
  const range = { from: based!.fromMs, to: based!.toMs }
  return { uid, query: { ...rest, queryType: 'diff', baseline: range } as SourceQuery, span }
}

/** Nothing marked. */
export const nothingMarked = ({ isDiff }: Pick<StripSource, 'isDiff'>): Brushed => ({
  isDiff,
  graph: undefined,
  baseline: undefined,
})

/** What is marked without one of its ranges. A diff that strokes made ends with its comparison: the graph shows again
 *  what it was compared with. */
export function cleared(source: StripSource, brushed: Brushed, kind: MarkKind): Brushed {
  if (kind === 'comparison' && !source.isDiff)
    return { isDiff: false, graph: brushed.baseline, baseline: undefined }
  return withoutMark(brushed, kind)
}

/** What stays marked when the panel's data changed: all that is still in the chart where the same query's range went on
 *  with the clock, as at every refresh; nothing where another query or another range was chosen. */
export function keptMarks(before: StripSource, after: StripSource, brushed: Brushed): Brushed {
  if (!isSameQuery(before, after) || !isGoingOn(before.chart, after.chart)) return nothingMarked(after)
  const kept = withinChart(brushed, after.chart)
  const isOver = kept.graph === undefined && brushed.graph !== undefined && !after.isDiff
  return isOver ? nothingMarked(after) : kept
}

const CLOCK_MS = 1_000 // `now` is read twice for one range, by hosts that round

/** True where a range follows the clock: its end later, its length the same (`now-1h`) or longer by as much (`now/d`). */
function isGoingOn(before: Span, after: Span): boolean {
  const laterMs = after.toMs - before.toMs
  const longerMs = after.toMs - after.fromMs - (before.toMs - before.fromMs)
  return laterMs >= 0 && longerMs >= -CLOCK_MS && longerMs <= laterMs + CLOCK_MS
}

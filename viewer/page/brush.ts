// What does a stroke over the chart mean?
//
//                    stroke                  stroke with Shift
//   flame, iceberg   the graph's range       a diff: what the graph showed is the baseline, the stroke the comparison
//   diff             the baseline            the comparison
//
// The chart stays as it is: what one looks at is not lost by looking closer. Clearing gives the graph the chart's range.
import { type PageState, withView } from './url-state.ts'

/** Epoch ms, `fromMs` before `toMs`. */
export interface Span {
  readonly fromMs: number
  readonly toMs: number
}

/** The ranges that may be marked in the chart. A diff has the last two, everything else the first. */
export const MARKS = ['graph', 'baseline', 'comparison'] as const
export type MarkKind = (typeof MARKS)[number]

export interface Mark {
  readonly kind: MarkKind
  readonly span: Span
}

const LEAST_MS = 1_000 // finer is finer than a pixel, and two handles must not meet

/** The page after a stroke. */
export function afterStroke(state: PageState, span: Span, isShift: boolean): PageState {
  if (state.view === 'diff') return withMark(state, { kind: isShift ? 'comparison' : 'baseline', span })
  if (!isShift) return withMark(state, { kind: 'graph', span })
  const before = spanOf(state.graphFrom, state.graphTo)
  const compared = withView(state, 'diff')
  const based = before === undefined ? compared : withMark(compared, { kind: 'baseline', span: before })
  return withMark(based, { kind: 'comparison', span })
}

/** What is marked now: one range, or the two sides of a diff, baseline first. */
export function marksOf(state: PageState): readonly Mark[] {
  const graph = spanOf(state.graphFrom, state.graphTo)
  const baseline = state.view === 'diff' ? spanOf(state.baselineFrom, state.baselineTo) : undefined
  return [
    ...(baseline === undefined ? [] : [{ kind: 'baseline', span: baseline } as const]),
    ...(graph === undefined
      ? []
      : [{ kind: state.view === 'diff' ? 'comparison' : 'graph', span: graph } as const]),
  ]
}

/** Puts a range where its kind belongs; whole milliseconds, at least a second. */
export function withMark(state: PageState, { kind, span }: Mark): PageState {
  const from = Math.round(span.fromMs)
  const to = Math.max(Math.round(span.toMs), from + LEAST_MS)
  if (kind !== 'baseline') return { ...state, graphFrom: from, graphTo: to }
  const { baselineShift: _, ...rest } = state
  return { ...rest, baselineFrom: from, baselineTo: to }
}

/** Takes a range away: the graph follows the chart again, the baseline is the time before. */
export function withoutMark(state: PageState, kind: MarkKind): PageState {
  if (kind === 'baseline') {
    const { baselineFrom: _, baselineTo: __, ...rest } = state
    return rest
  }
  const { graphFrom: _, graphTo: __, ...rest } = state
  return rest
}

/** The page with another range in its chart: a mark goes that is not in it, or that is all of it. */
export function withChart(state: PageState, bounds: Pick<PageState, 'from' | 'to'>, chart: Span): PageState {
  const next = { ...state, ...bounds }
  const graph = spanOf(state.graphFrom, state.graphTo)
  const isInside = graph !== undefined && graph.fromMs >= chart.fromMs && graph.toMs <= chart.toMs
  const isAll = isInside && graph.toMs - graph.fromMs === chart.toMs - chart.fromMs
  return isInside && !isAll ? next : withoutMark(next, 'graph')
}

/** A span with one end moved: the ends stay in order and in the chart. */
export function moveEnd(span: Span, end: keyof Span, toMs: number, chart: Span): Span {
  const least = end === 'fromMs' ? chart.fromMs : span.fromMs + LEAST_MS
  const most = end === 'fromMs' ? span.toMs - LEAST_MS : chart.toMs
  return { ...span, [end]: Math.min(Math.max(toMs, least), Math.max(least, most)) }
}

const spanOf = (fromMs: number | undefined, toMs: number | undefined): Span | undefined =>
  fromMs === undefined || toMs === undefined ? undefined : { fromMs, toMs }

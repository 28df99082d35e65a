// What does a stroke over a chart of time mean? The same in the panels' strip and in the viewer's chart.
//
//                    stroke                  stroke with Shift
//   flame, iceberg   the graph's range       a diff: what the graph showed is the baseline, the stroke the comparison
//   diff             the baseline            the comparison
//
// The chart stays as it is: what one looks at is not lost by looking closer. A range that nobody marked is the host's to
// know: the graph has the chart's, and a baseline has what the query says of it.

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

/** What is marked. */
export interface Brushed {
  /** A diff is shown: `graph` is its comparison. */
  readonly isDiff: boolean
  readonly graph: Span | undefined
  /** Kept while no diff is shown, and shown with the next one. */
  readonly baseline: Span | undefined
}

const LEAST_MS = 1_000 // finer is finer than a pixel, and two handles must not meet

/** Which range a stroke draws: with Shift always a comparison, for there is nothing else to compare. */
export const strokeKind = ({ isDiff }: Pick<Brushed, 'isDiff'>, isShift: boolean): MarkKind =>
  isShift ? 'comparison' : isDiff ? 'baseline' : 'graph'

/** What is marked after a stroke. */
export function afterStroke(brushed: Brushed, span: Span, isShift: boolean): Brushed {
  const becomesDiff = isShift && !brushed.isDiff
  const baseline = becomesDiff ? (brushed.graph ?? brushed.baseline) : brushed.baseline
  const based = { ...brushed, isDiff: brushed.isDiff || isShift, baseline }
  return withMark(based, { kind: strokeKind(brushed, isShift), span })
}

/** What is marked now: one range, or the two sides of a diff, baseline first. */
export function marksOf({ isDiff, graph, baseline }: Brushed): readonly Mark[] {
  const marks: Mark[] = []
  if (isDiff && baseline !== undefined) marks.push({ kind: 'baseline', span: baseline })
  if (graph !== undefined) marks.push({ kind: isDiff ? 'comparison' : 'graph', span: graph })
  return marks
}

/** Puts a range where its kind belongs; whole milliseconds, at least a second. */
export function withMark(brushed: Brushed, { kind, span }: Mark): Brushed {
  const fromMs = Math.round(span.fromMs)
  const whole = { fromMs, toMs: Math.max(Math.round(span.toMs), fromMs + LEAST_MS) }
  return kind === 'baseline' ? { ...brushed, baseline: whole } : { ...brushed, graph: whole }
}

/** Takes a range away. */
export const withoutMark = (brushed: Brushed, kind: MarkKind): Brushed =>
  kind === 'baseline' ? { ...brushed, baseline: undefined } : { ...brushed, graph: undefined }

/** What stays marked when the chart has another range: the graph's mark goes that is not in it, or that is all of it. A
 *  baseline may lie before any chart. */
export function withinChart(brushed: Brushed, chart: Span): Brushed {
  const { graph } = brushed
  if (graph === undefined) return brushed
  const isInside = graph.fromMs >= chart.fromMs && graph.toMs <= chart.toMs
  const isAll = isInside && graph.toMs - graph.fromMs === chart.toMs - chart.fromMs
  return isInside && !isAll ? brushed : withoutMark(brushed, 'graph')
}

/** A span with one end moved: the ends stay in order and in the chart. */
export function moveEnd(span: Span, end: keyof Span, toMs: number, chart: Span): Span {
  const least = end === 'fromMs' ? chart.fromMs : span.fromMs + LEAST_MS
  const most = end === 'fromMs' ? span.toMs - LEAST_MS : chart.toMs
  return { ...span, [end]: Math.min(Math.max(toMs, least), Math.max(least, most)) }
}

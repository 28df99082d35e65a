// What is marked in the page's chart, and what does a stroke over it change in the page? What strokes mean is said where
// the panels' own strip finds it, too: src/panels/timeline/brush.ts. Here it is put into the page's state, so that a link
// holds it. A baseline that nobody marked is the time just before the graph's.
import {
  type Brushed,
  type Mark,
  type MarkKind,
  withMark as markIn,
  withoutMark as markOut,
  marksOf as marksIn,
  type Span,
  afterStroke as strokeOf,
  withinChart,
} from '../../src/panels/timeline/brush.ts'
import { type PageState, withView } from './url-state.ts'

/** The page after a stroke. */
export const afterStroke = (state: PageState, span: Span, isShift: boolean): PageState =>
  changed(state, (brushed) => strokeOf(brushed, span, isShift))

/** What is marked now: one range, or the two sides of a diff, baseline first. */
export const marksOf = (state: PageState): readonly Mark[] => marksIn(brushedOf(state))

/** Puts a range where its kind belongs. */
export const withMark = (state: PageState, mark: Mark): PageState =>
  changed(state, (brushed) => markIn(brushed, mark))

/** Takes a range away: the graph follows the chart again, the baseline is the time before. */
export const withoutMark = (state: PageState, kind: MarkKind): PageState =>
  changed(state, (brushed) => markOut(brushed, kind))

/** The page with another range in its chart: a mark goes that is not in it, or that is all of it. */
export const withChart = (state: PageState, bounds: Pick<PageState, 'from' | 'to'>, chart: Span): PageState =>
  changed({ ...state, ...bounds }, (brushed) => withinChart(brushed, chart))

const brushedOf = (state: PageState): Brushed => ({
  isDiff: state.view === 'diff',
  graph: spanOf(state.graphFrom, state.graphTo),
  baseline: spanOf(state.baselineFrom, state.baselineTo),
})

function changed(state: PageState, change: (brushed: Brushed) => Brushed): PageState {
  const before = brushedOf(state)
  const { isDiff, graph, baseline } = change(before)
  const viewed = isDiff ? withView(state, 'diff') : state
  const { graphFrom: _, graphTo: __, baselineFrom: ___, baselineTo: ____, baselineShift, ...rest } = viewed
  // A range of its own takes the place of a shift.
  const keepsShift = baselineShift !== undefined && (baseline === undefined || baseline === before.baseline)
  return {
    ...rest,
    ...(graph === undefined ? {} : { graphFrom: graph.fromMs, graphTo: graph.toMs }),
    ...(baseline === undefined ? {} : { baselineFrom: baseline.fromMs, baselineTo: baseline.toMs }),
    ...(keepsShift ? { baselineShift } : {}),
  }
}

const spanOf = (fromMs: number | undefined, toMs: number | undefined): Span | undefined =>
  fromMs === undefined || toMs === undefined ? undefined : { fromMs, toMs }

// Where does a series stand in the strip? In the unit square: x is time from the chart's one end to the other, y is the
// value's share of the largest. Steps are drawn as steps, for a rate holds for all of its step.
//
//    values 1 2 – 1            ┌─┐
//                  ─►        ┌─┘ │   ┌─┐     two runs: between them nobody reported
//                            └───┘   └─┘
import type { MarkKind, Span } from './brush.ts'
import type { StripSeries } from './series.ts'

/** Neighbouring steps without a gap between them. */
export interface StripRun {
  /** Left edge of each step, and the right edge of the last: one more than there are heights. 0 to 1. */
  readonly edges: readonly number[]
  /** Share of the largest value, 0 to 1. */
  readonly heights: readonly number[]
}

/** The runs of a series within the chart; steps outside are left out, those that stand over its edge are cut.
 *  cost O(steps) */
export function stripRuns(series: StripSeries, chart: Span): readonly StripRun[] {
  const { timesMs, values, stepMs, max } = series
  const runs: { edges: number[]; heights: number[] }[] = []
  let endMs = Number.NEGATIVE_INFINITY // of the step before, where it was drawn
  for (let row = 0; row < timesMs.length; row++) {
    const fromMs = timesMs[row]!
    const value = values[row]!
    if (value === null || fromMs >= chart.toMs || fromMs + stepMs <= chart.fromMs) continue
    // A step may come late by less than itself without anybody having been silent.
    if (fromMs >= endMs + stepMs / 2) runs.push({ edges: [unitX(fromMs, chart)], heights: [] })
    const run = runs.at(-1)!
    endMs = Math.min(fromMs + stepMs, timesMs[row + 1] ?? Number.POSITIVE_INFINITY)
    run.edges.push(unitX(endMs, chart))
    run.heights.push(max > 0 ? value / max : 0)
  }
  return runs
}

/** A moment's place in the chart, 0 to 1. */
export const unitX = (moment: number, { fromMs, toMs }: Span): number =>
  Math.min(1, Math.max(0, (moment - fromMs) / (toMs - fromMs)))

/** The moment at a place, never out of the chart. */
export const momentAt = (unit: number, { fromMs, toMs }: Span): number =>
  fromMs + Math.min(1, Math.max(0, unit)) * (toMs - fromMs)

/** The moments between two places of the pointer, in order, whichever way it went. */
export function spanBetween(oneMs: number, otherMs: number): Span {
  return { fromMs: Math.min(oneMs, otherMs), toMs: Math.max(oneMs, otherMs) }
}

const THIRDS: Readonly<Record<MarkKind, number>> = { baseline: 0, graph: 1, comparison: 2 }

/** Where a mark begins that no stroke drew: each kind in a third of its own, in the order of time. */
export const thirdFor = (kind: MarkKind, chart: Span): Span => ({
  fromMs: momentAt(THIRDS[kind] / 3, chart),
  toMs: momentAt((THIRDS[kind] + 1) / 3, chart),
})

// How is this very picture read? One rule per orientation and kind, printed under the graph.

/** Roots at the bottom, or on top. */
export type Orientation = 'flame' | 'icicle'

export interface RuleInput {
  readonly orientation: Orientation
  readonly isInverted: boolean
  readonly isDiff: boolean
}

/** The reading rule of what is shown. */
export function readingRule({ orientation, isInverted, isDiff }: RuleInput): string {
  const base = isInverted ? icebergRule(orientation) : stackRule(orientation)
  return isDiff ? `${base} ${DIFF_RULE}` : base
}

const stackRule = (orientation: Orientation): string =>
  orientation === 'flame'
    ? 'Start at the bottom. A bar was called by the bar under it; its width is its share of the samples, callees ' +
      'included. Where a bar has nothing on top, the CPU ran that function itself. Left and right carry no time.'
    : 'Start at the top. A bar was called by the bar over it; its width is its share of the samples, callees ' +
      'included. Where a bar has nothing below, the CPU ran that function itself. Left and right carry no time.'

const icebergRule = (orientation: Orientation): string =>
  orientation === 'flame'
    ? 'Start at the bottom. The first row is the functions by their own time, widest first; what lies on a bar are ' +
      'its callers. Left and right carry no time.'
    : 'Start at the top. The first row is the functions by their own time, widest first; what hangs under a bar are ' +
      'its callers. Left and right carry no time.'

const DIFF_RULE =
  'Width is the mean of both shares. ▲ takes more of the comparison than of the baseline, ▼ less; the stronger the ' +
  'color, the larger the factor.'

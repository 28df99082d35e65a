// What does a bench say? Figures, one JSON object a line, each with the bound that it must keep, if there is one. Names of
// benches, cases, metrics and units are a contract: whoever reads two runs compares them by these words.

export interface Figure {
  readonly case: string
  readonly metric: string
  readonly value: number
  readonly unit: string
  readonly better: 'lower' | 'higher'
}

export interface Demand {
  readonly bench: string
  readonly case: string
  readonly metric: string
  /** The last value that is still good. */
  readonly bound: number
}

/** What is demanded now. Tighten a row when a run on a quiet machine allows it; never loosen one to make a run pass. */
export const DEMANDS: readonly Demand[] = [
  { bench: 'agent', case: 'busy-19', metric: 'cpu_share', bound: 0.5 },
  { bench: 'agent', case: 'busy-19', metric: 'rss', bound: 110 },
  { bench: 'flamegraph', case: '100k/ours', metric: 'first_draw', bound: 100 },
  { bench: 'flamegraph', case: '100k/ours', metric: 'zoom', bound: 16 },
  { bench: 'host', case: 'mixed', metric: 'complete', bound: 98 },
  { bench: 'host', case: 'mixed', metric: 'delivered', bound: 97 },
  { bench: 'host', case: 'mixed', metric: 'accounting_gap', bound: 1 },
  { bench: 'host', case: 'mixed', metric: 'named', bound: 95 },
  { bench: 'host', case: 'storm', metric: 'complete', bound: 85 },
  { bench: 'host', case: 'storm', metric: 'rootless', bound: 3 },
  { bench: 'host', case: 'storm', metric: 'delivered', bound: 97 },
  { bench: 'host', case: 'storm', metric: 'accounting_gap', bound: 1 },
  { bench: 'start', case: 'npm-start-warm', metric: 'first_flame', bound: 15 },
]

/** A figure as it is printed, and whether it misses its demand. */
export interface Judged {
  readonly line: {
    readonly bench: string
    readonly case: string
    readonly metric: string
    readonly value: number
    readonly unit: string
    readonly better: 'lower' | 'higher'
    /** null: nothing is demanded yet. */
    readonly demand: number | null
  }
  readonly isMissed: boolean
}

/** Sets a figure beside its demand. A value that is no number misses any demand. */
export function judge(bench: string, figure: Figure, demands: readonly Demand[] = DEMANDS): Judged {
  const demand = demands.find(
    (row) => row.bench === bench && row.case === figure.case && row.metric === figure.metric,
  )
  const { value, better } = figure
  const isKept = demand === undefined || (better === 'lower' ? value <= demand.bound : value >= demand.bound)
  return {
    line: {
      bench,
      case: figure.case,
      metric: figure.metric,
      value: rounded(value),
      unit: figure.unit,
      better,
      demand: demand?.bound ?? null,
    },
    isMissed: !isKept,
  }
}

/** Demands of a bench that no figure answered: a case that was not measured must not pass in silence. */
export function unanswered(
  bench: string,
  figures: readonly Figure[],
  demands: readonly Demand[] = DEMANDS,
): readonly Demand[] {
  return demands.filter(
    (row) =>
      row.bench === bench &&
      !figures.some((figure) => figure.case === row.case && figure.metric === row.metric),
  )
}

/** The middle one; of an even number the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Four digits are more than a shared machine can tell. */
const rounded = (value: number): number => Number(value.toPrecision(4))

// When is a difference a failure? `+5pt`: any function's own time grew by more than five percentage points of the whole.
// `json.Marshal:+2pt`: the time of this function with its callees did. Chance never fails.
import { failure, type Result, success } from '#profile/model/result'
import { type FunctionChange, isNoise } from './function-changes.ts'

export interface Threshold {
  /** As it was written. */
  readonly text: string
  /** Name of a function; undefined: any. */
  readonly name: string | undefined
  /** Share, 0 to 1. */
  readonly growth: number
}
export interface Exceeded {
  readonly threshold: Threshold
  readonly row: FunctionChange
}

/** Parses `[FUNCTION:]+Npt`. The name may hold colons: `std::sort:+1pt`.  errors  what came and what would do */
export function parseThreshold(text: string): Result<Threshold> {
  const parts = /^(?:(.+):)?\+?(\d{1,3}(?:\.\d{1,6})?) ?pt$/.exec(text)
  const points = Number(parts?.[2])
  if (parts === null || points > 100)
    return failure(
      `${text.slice(0, 100)} is no threshold; write +5pt for any function, or json.Marshal:+2pt for one, 0 to 100 points`,
    )
  return success({ text, name: parts[1], growth: points / 100 })
}

/** Rows that grew beyond a threshold, by more than chance.  cost O(thresholds · rows) */
export function exceeded(
  thresholds: readonly Threshold[],
  rows: readonly FunctionChange[],
): readonly Exceeded[] {
  return thresholds.flatMap((threshold) =>
    rows.filter((row) => grows(row, threshold)).map((row) => ({ threshold, row })),
  )
}

/** Thresholds for functions that occur on neither side: a slip of the pen should be heard of. */
export const withoutFunction = (
  thresholds: readonly Threshold[],
  rows: readonly FunctionChange[],
): readonly Threshold[] =>
  thresholds.filter(({ name }) => name !== undefined && !rows.some((row) => row.name === name))

function grows(row: FunctionChange, { name, growth }: Threshold): boolean {
  if (name !== undefined && row.name !== name) return false
  const measured = name === undefined ? row.self : row.total
  return measured.change > growth && !isNoise(measured)
}

// Which functions take another share of the whole than before, and is that more than chance? Shares, because two profiles
// are never equally long; counted in samples, because chance acts on samples, not on time.
import type { DiffTree } from '#profile/tree/call-tree'
import { functionTable } from '#profile/tree/functions'

/** Shares of one function, 0 to 1 of each side's total. */
export interface ShareChange {
  readonly baseline: number
  readonly comparison: number
  /** comparison - baseline. */
  readonly change: number
  /** Of the two-share test; undefined where the number of samples is not known. */
  readonly z: number | undefined
}
export interface FunctionChange {
  readonly name: string
  readonly mapping: string
  readonly self: ShareChange
  /** With callees, recursion counted once. */
  readonly total: ShareChange
}
export interface SampleCounts {
  readonly baseline: number | undefined
  readonly comparison: number | undefined
}

/** Below three standard deviations, one comparison in 370 would differ by chance alone: tables have hundreds of rows. */
export const Z_CHANGE = 3

/** True if the change may well be chance. Unknown counts of samples never are: then the numbers speak alone. */
export const isNoise = ({ z }: ShareChange): boolean => z !== undefined && Math.abs(z) < Z_CHANGE

/** One row per function that occurs on either side, by the change of own time, most first; of equal ones by that of total.
 *  cost O(nodes + functions · log functions) */
export function functionChanges(tree: DiffTree, samples: SampleCounts): readonly FunctionChange[] {
  const { frames, depth, frame } = tree
  const baseline = functionTable({ frames, depth, frame, self: tree.baselineSelf, total: tree.baselineTotal })
  const comparison = functionTable({
    frames,
    depth,
    frame,
    self: tree.comparisonSelf,
    total: tree.comparisonTotal,
  })
  const wholes = { baseline: tree.baselineTotal[0]!, comparison: tree.comparisonTotal[0]! }
  const changeOf = (before: number, after: number) => shareChange(before, after, { wholes, samples })
  const rows = Array.from(baseline.frame, (row, i) => ({
    name: frames.name[row]!,
    mapping: frames.mapping[row]!,
    self: changeOf(baseline.self[i]!, comparison.self[i]!), // rows of both sides are the same
    total: changeOf(baseline.total[i]!, comparison.total[i]!),
  }))
  const size = ({ change }: ShareChange) => Math.abs(change)
  return rows.sort((one, other) => size(other.self) - size(one.self) || size(other.total) - size(one.total))
}

function shareChange(
  before: number,
  after: number,
  {
    wholes,
    samples,
  }: {
    readonly wholes: { readonly baseline: number; readonly comparison: number }
    readonly samples: SampleCounts
  },
): ShareChange {
  const baseline = wholes.baseline > 0 ? before / wholes.baseline : 0
  const comparison = wholes.comparison > 0 ? after / wholes.comparison : 0
  return { baseline, comparison, change: comparison - baseline, z: zOf(baseline, comparison, samples) }
}

/** z = Δp ÷ √(p(1−p)(1/N₁ + 1/N₂)) with the pooled share p; 0 where nothing differs or a side is empty. */
function zOf(before: number, after: number, { baseline, comparison }: SampleCounts): number | undefined {
  if (baseline === undefined || comparison === undefined) return undefined
  if (before === after || baseline === 0 || comparison === 0) return 0
  const pooled = (before * baseline + after * comparison) / (baseline + comparison)
  const variance = pooled * (1 - pooled) * (1 / baseline + 1 / comparison)
  return variance > 0 ? (after - before) / Math.sqrt(variance) : 0
}

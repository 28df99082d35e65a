// How do trees read in a terminal? As folded lines, and as a list of what changed. Pure.
import type { CallTree, DiffTree } from '#profile/tree/call-tree'
import { functionTable } from '#profile/tree/functions'
import { foldedTreeLines } from '#profile/wire/folded-tree'

/** Folded lines of a tree's self values as one text; see `foldedTreeLines`. */
export const foldedLines = (tree: CallTree, samples: number | undefined): string =>
  Array.from(foldedTreeLines(tree, samples)).join('')

/** A function on both sides of a diff: its own time as a share of each side's total. */
export interface ChangedFunction {
  readonly name: string
  readonly mapping: string
  readonly baseline: number
  readonly comparison: number
}

/** Functions by how much their share of own time changed, most first. */
export function changedFunctions(tree: DiffTree): readonly ChangedFunction[] {
  const share = (self: Float64Array, total: Float64Array) => {
    const rows = functionTable({ frames: tree.frames, depth: tree.depth, frame: tree.frame, self, total })
    const shares = new Float64Array(tree.frames.name.length)
    rows.frame.forEach((frame, i) => {
      shares[frame] = total[0]! > 0 ? rows.self[i]! / total[0]! : 0
    })
    return shares
  }
  const baseline = share(tree.baselineSelf, tree.baselineTotal)
  const comparison = share(tree.comparisonSelf, tree.comparisonTotal)
  return tree.frames.name
    .map((name, frame) => ({
      name,
      mapping: tree.frames.mapping[frame]!,
      baseline: baseline[frame]!,
      comparison: comparison[frame]!,
    }))
    .filter((row) => row.baseline !== row.comparison)
    .sort(
      (one, other) => Math.abs(other.comparison - other.baseline) - Math.abs(one.comparison - one.baseline),
    )
}

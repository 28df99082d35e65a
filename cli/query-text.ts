// How do trees read in a terminal? As folded lines, and as a list of what changed. Pure.
import type { CallTree, DiffTree } from '#profile/tree/call-tree'
import { functionTable } from '#profile/tree/functions'
import { escapeName } from '#profile/wire/folded'

/** Folded lines of a tree's self values: `root;child;leaf 10`, for flamegraph tools.
 *  in   samples  what the root's total stands for; undefined: print the values themselves
 *  out  nodes with self value only, in the tree's order; names escaped so that parseFolded gives them back
 *  cost O(nodes · depth) characters */
export function foldedLines(tree: CallTree, samples: number | undefined): string {
  const scale = samples === undefined || tree.total[0] === 0 ? 1 : samples / tree.total[0]!
  const path: string[] = []
  const lines: string[] = []
  for (let node = 1; node < tree.depth.length; node++) {
    path.length = tree.depth[node]! - 1
    path.push(escapeName(tree.frames.name[tree.frame[node]!]!))
    const value = Math.round(tree.self[node]! * scale)
    if (value > 0) lines.push(`${path.join(';')} ${value}`)
  }
  return lines.length > 0 ? `${lines.join('\n')}\n` : ''
}

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

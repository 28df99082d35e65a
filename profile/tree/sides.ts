// How does one verb serve a call tree and a diff tree? A tree is a shape (nodes and their frames) and one or two sides
// (values); a verb works on both lists and never asks which kind it has.
import type { CallTree, DiffTree, FrameTable } from './call-tree.ts'

/** The nodes of a tree in pre-order, without values. */
export interface Shape {
  readonly frames: FrameTable
  readonly depth: Uint16Array
  readonly frame: Uint32Array
  readonly folded?: Uint32Array
}

/** The values of one side, a column each. */
export interface Side {
  readonly self: Float64Array
  readonly total: Float64Array
}

/** One side of a call tree; baseline and comparison of a diff tree. cost: none, the columns are shared */
export function sidesOf(tree: CallTree | DiffTree): readonly Side[] {
  if ('total' in tree) return [{ self: tree.self, total: tree.total }]
  return [
    { self: tree.baselineSelf, total: tree.baselineTotal },
    { self: tree.comparisonSelf, total: tree.comparisonTotal },
  ]
}

export function callTreeOf(shape: Shape, sides: readonly Side[]): CallTree {
  const { frames, depth, frame, folded } = shape
  const { self, total } = sides[0]!
  return { frames, depth, frame, self, total, ...(folded && { folded }) }
}

export function diffTreeOf(shape: Shape, sides: readonly Side[]): DiffTree {
  const { frames, depth, frame, folded } = shape
  const [baseline, comparison] = [sides[0]!, sides[1]!]
  return {
    frames,
    depth,
    frame,
    baselineSelf: baseline.self,
    baselineTotal: baseline.total,
    comparisonSelf: comparison.self,
    comparisonTotal: comparison.total,
    ...(folded && { folded }),
  }
}

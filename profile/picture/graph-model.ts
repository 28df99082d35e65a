// What does the component draw? One shape for a call tree, an iceberg and a diff: the width of every node as a share,
// its boxes, and the sides to be named in words. Made once per tree; the view changes, the model does not.
import type { CallTree, DiffTree, FrameTable } from '../tree/call-tree.ts'
import { type Boxes, layoutBoxes } from './boxes.ts'

/** What a diff compares: shares of each side's total (fair for unequal load), or the sums as they are. */
export type Comparing = 'share' | 'absolute'

export interface DiffSides {
  readonly baselineTotal: number
  readonly comparisonTotal: number
  readonly comparing: Comparing
  /** Samples behind each side, where they are known: the measure of noise. */
  readonly baselineSamples: number | undefined
  readonly comparisonSamples: number | undefined
}

export interface GraphModel {
  readonly frames: FrameTable
  readonly depth: Uint16Array
  readonly frame: Uint32Array
  /** What lies behind the boxes, as a plain call tree: for a diff `self` and `total` are shares and add up to 1. */
  readonly drawn: CallTree
  readonly boxes: Boxes
  /** Base functions as first level, callers above them. */
  readonly isInverted: boolean
  /** Present in a diff. */
  readonly diff?: { readonly tree: DiffTree; readonly sides: DiffSides }
}

export interface ModelInput {
  readonly tree: CallTree | DiffTree
  readonly isInverted?: boolean | undefined
  readonly comparing?: Comparing | undefined
  readonly baselineSamples?: number | undefined
  readonly comparisonSamples?: number | undefined
}

export const isDiffTree = (tree: CallTree | DiffTree): tree is DiffTree => 'baselineTotal' in tree

/** Prepares a tree for drawing. O(nodes). */
export function makeModel(input: ModelInput): GraphModel {
  const { tree, isInverted = false } = input
  const { frames, depth, frame } = tree
  if (!isDiffTree(tree))
    return { frames, depth, frame, drawn: tree, boxes: layoutBoxes(depth, tree.total), isInverted }
  const sides: DiffSides = {
    baselineTotal: tree.baselineTotal[0] ?? 0,
    comparisonTotal: tree.comparisonTotal[0] ?? 0,
    comparing: input.comparing ?? 'share',
    baselineSamples: input.baselineSamples,
    comparisonSamples: input.comparisonSamples,
  }
  const self = blend(tree.baselineSelf, tree.comparisonSelf, sides)
  const total = blend(tree.baselineTotal, tree.comparisonTotal, sides)
  const folded = tree.folded === undefined ? {} : { folded: tree.folded }
  const drawn: CallTree = { frames, depth, frame, self, total, ...folded }
  return { frames, depth, frame, drawn, boxes: layoutBoxes(depth, total), isInverted, diff: { tree, sides } }
}

/** The width of a diff: the mean of both shares, so that new and gone frames are both seen and swapping the sides keeps
 *  the picture; in absolute terms the part of both sums. A side without any sample leaves the other alone. */
function blend(baseline: Float64Array, comparison: Float64Array, sides: DiffSides): Float64Array {
  const { baselineTotal, comparisonTotal, comparing } = sides
  const both = baselineTotal + comparisonTotal
  const weigh = (total: number) => (total > 0 ? 1 / total : 0)
  const present = (baselineTotal > 0 ? 1 : 0) + (comparisonTotal > 0 ? 1 : 0)
  const baselineWeight = comparing === 'absolute' ? weigh(both) : weigh(baselineTotal) / Math.max(1, present)
  const comparisonWeight =
    comparing === 'absolute' ? weigh(both) : weigh(comparisonTotal) / Math.max(1, present)
  const mean = new Float64Array(baseline.length)
  for (let node = 0; node < mean.length; node++)
    mean[node] = baseline[node]! * baselineWeight + comparison[node]! * comparisonWeight
  return mean
}

/** The names from the root's child down to a node; the root itself is the empty path. O(depth). */
export function pathOf(model: GraphModel, node: number): readonly string[] {
  const path: string[] = []
  for (let up = node; up > 0; up = model.boxes.parent[up]!) path.push(model.frames.name[model.frame[up]!]!)
  return path.reverse()
}

/** The node at a path of names, or the deepest one of it that is still there: a zoom survives a refresh.
 *  Names may repeat among siblings (in different files or mappings): the widest wins.    O(children along the path) */
export function nodeAt(model: GraphModel, path: readonly string[]): number {
  const { boxes, frames, frame } = model
  let node = 0
  for (const name of path) {
    let found = -1
    for (let child = node + 1; child < boxes.subtreeEnd[node]!; child = boxes.subtreeEnd[child]!)
      if (frames.name[frame[child]!] === name && (found < 0 || boxes.width[child]! > boxes.width[found]!))
        found = child
    if (found < 0) return node
    node = found
  }
  return node
}

/** The node at exactly this path; undefined if the tree has none. */
export function nodeExactlyAt(model: GraphModel, path: readonly string[]): number | undefined {
  const node = nodeAt(model, path)
  return model.depth[node] === path.length ? node : undefined
}

/** Self and total of a node as shares of all; in a diff of both sides, and the difference. */
export interface NodeShares {
  readonly self: number
  readonly total: number
}
export interface DiffShares {
  readonly baseline: NodeShares
  readonly comparison: NodeShares
}

/** Shares of one node of a plain tree. */
export function sharesOf(model: GraphModel, node: number): NodeShares {
  const whole = model.drawn.total[0] ?? 0
  const share = (value: number) => (whole > 0 ? value / whole : 0)
  return { self: share(model.drawn.self[node]!), total: share(model.drawn.total[node]!) }
}

/** Shares of one node on both sides of a diff, each of its own side's total. */
export function diffSharesOf(diff: NonNullable<GraphModel['diff']>, node: number): DiffShares {
  const { tree, sides } = diff
  const share = (value: number, total: number) => (total > 0 ? value / total : 0)
  return {
    baseline: {
      self: share(tree.baselineSelf[node]!, sides.baselineTotal),
      total: share(tree.baselineTotal[node]!, sides.baselineTotal),
    },
    comparison: {
      self: share(tree.comparisonSelf[node]!, sides.comparisonTotal),
      total: share(tree.comparisonTotal[node]!, sides.comparisonTotal),
    },
  }
}

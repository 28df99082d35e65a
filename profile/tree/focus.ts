// What is left when only some functions matter? Stacks are kept or dropped by the frames they hold, and what remains may
// begin at the functions in question. How much was left out is part of the answer.
//
//     main 9                   keep read         drop read       reroot at read
//     read 4    work 5         main 6            main 3          read 6
//     disk 3    read 2         read 4  work 2    work 3          disk 3
//                              disk 3  read 2
import { NONE } from '../model/ids.ts'
import { parentsOf } from './ancestry.ts'
import { arrange } from './arrange.ts'
import type { CallTree, DiffTree, FrameTable } from './call-tree.ts'
import { type FrameSpec, isFoldedFrame } from './frame-table.ts'
import { callTreeOf, diffTreeOf, type Shape, type Side, sidesOf } from './sides.ts'
import { TrieBuilder } from './trie-builder.ts'

export type FramePredicate = (frame: Required<FrameSpec>) => boolean

/** All that is given is done, in this order. The root and "(folded)" are no functions: no predicate sees them. */
export interface Focus {
  /** Keeps the stacks that hold a matching frame. */
  readonly keep?: FramePredicate
  /** Drops the stacks that hold one. */
  readonly drop?: FramePredicate
  /** Begins each stack at its outermost matching frame, and drops those without: the subtrees, merged. */
  readonly reroot?: FramePredicate
}

/** Reduces a tree to the stacks in focus.
 *  out  tree     order of siblings as in the input; after `reroot` by name, file, mapping. Nodes without a total are gone
 *       leftOut  in the unit of the tree: its total was tree.total[0] + leftOut. What was folded before counts as holding
 *                only the frames it hangs on
 *  cost one call of a predicate per frame, O(nodes + frames · log frames) */
export function focusTree(
  tree: CallTree,
  focus: Focus,
): { readonly tree: CallTree; readonly leftOut: number } {
  const { shape, sides } = focusOn(tree, sidesOf(tree), focus)
  const focused = callTreeOf(shape, sides)
  return { tree: focused, leftOut: tree.total[0]! - focused.total[0]! }
}

/** As focusTree, both sides at once. */
export function focusDiff(
  tree: DiffTree,
  focus: Focus,
): { readonly tree: DiffTree; readonly leftOut: { readonly baseline: number; readonly comparison: number } } {
  const { shape, sides } = focusOn(tree, sidesOf(tree), focus)
  const focused = diffTreeOf(shape, sides)
  return {
    tree: focused,
    leftOut: {
      baseline: tree.baselineTotal[0]! - focused.baselineTotal[0]!,
      comparison: tree.comparisonTotal[0]! - focused.comparisonTotal[0]!,
    },
  }
}

/** 1 for each frame that matches; never the root's and "(folded)". */
export function maskOf(frames: FrameTable, matches: FramePredicate): Uint8Array {
  const mask = new Uint8Array(frames.name.length)
  for (let row = 1; row < mask.length; row++) {
    if (isFoldedFrame(frames, row)) continue
    const frame = {
      name: frames.name[row]!,
      file: frames.file[row]!,
      mapping: frames.mapping[row]!,
      kind: frames.kind[row]!,
    }
    mask[row] = matches(frame) ? 1 : 0
  }
  return mask
}

/** 1 for each node that has a masked frame, or hangs on one that has. */
export function nodesUnder({ frame }: Shape, parent: Int32Array, mask: Uint8Array): Uint8Array {
  const isUnder = new Uint8Array(frame.length)
  for (let i = 1; i < frame.length; i++) isUnder[i] = mask[frame[i]!]! | isUnder[parent[i]!]!
  return isUnder
}

function focusOn(shape: Shape, sides: readonly Side[], { keep, drop, reroot }: Focus) {
  const parent = parentsOf(shape.depth)
  const isKept = new Uint8Array(parent.length).fill(1)
  const under = (matches: FramePredicate) => nodesUnder(shape, parent, maskOf(shape.frames, matches))
  const narrow = (isUnder: Uint8Array, wanted: 0 | 1) => {
    for (let i = 0; i < isKept.length; i++) if (isUnder[i] !== wanted) isKept[i] = 0
  }
  if (keep !== undefined) narrow(under(keep), 1)
  if (drop !== undefined) narrow(under(drop), 0)
  const isInside = reroot === undefined ? undefined : under(reroot)
  if (isInside !== undefined) narrow(isInside, 1)
  const selves = sides.map(({ self }) => self.map((value, i) => (isKept[i] === 1 ? value : 0)))
  return isInside === undefined
    ? arrange({ ...withoutEmpty(shape, { parent, selves }), order: 'given' })
    : arrange({ ...mergedUnder(shape, { parent, selves, isInside }), order: 'frame' })
}

interface Kept {
  readonly parent: Int32Array
  /** Zero where a node's own samples are left out. */
  readonly selves: readonly Float64Array[]
}

/** The nodes that still carry something, as `arrange` takes them. */
export function withoutEmpty({ frames, frame, folded }: Shape, { parent, selves }: Kept) {
  const isUsed = usedNodes(parent, selves)
  const numberOf = new Int32Array(parent.length)
  const kept: number[] = []
  for (let i = 0; i < parent.length; i++) if (isUsed[i] === 1) numberOf[i] = kept.push(i) - 1
  return {
    frames,
    parent: Int32Array.from(kept, (i) => (i === 0 ? NONE : numberOf[parent[i]!]!)),
    frame: Uint32Array.from(kept, (i) => frame[i]!),
    selves: selves.map((self) => Float64Array.from(kept, (i) => self[i]!)),
    ...(folded && { folded: Uint32Array.from(kept, (i) => folded[i]!) }),
  }
}

/** The nodes inside, each outermost one a child of the root, equal ones joined. */
function mergedUnder(
  { frames, frame, folded }: Shape,
  { parent, selves, isInside }: Kept & { readonly isInside: Uint8Array },
) {
  const isUsed = usedNodes(parent, selves)
  const trie = new TrieBuilder()
  const nodeOf = new Uint32Array(parent.length)
  for (let i = 1; i < parent.length; i++)
    if (isInside[i] === 1 && isUsed[i] === 1) nodeOf[i] = trie.child(nodeOf[parent[i]!]!, frame[i]!)
  const columns = trie.columns()
  const sum = <T extends Uint32Array | Float64Array>(values: T, into: T): T => {
    for (let i = 1; i < nodeOf.length; i++) if (nodeOf[i] !== 0) into[nodeOf[i]!]! += values[i]!
    return into
  }
  const count = columns.parent.length
  return {
    frames,
    ...columns,
    selves: selves.map((self) => sum(self, new Float64Array(count))),
    ...(folded && { folded: sum(folded, new Uint32Array(count)) }),
  }
}

/** 1 for the root, and for each node with a self value on any side, and what it hangs on. */
function usedNodes(parent: Int32Array, selves: readonly Float64Array[]): Uint8Array {
  const isUsed = new Uint8Array(parent.length)
  for (let i = parent.length - 1; i > 0; i--) {
    if (selves.some((self) => self[i]! > 0)) isUsed[i] = 1
    if (isUsed[i] === 1) isUsed[parent[i]!] = 1
  }
  isUsed[0] = 1
  return isUsed
}

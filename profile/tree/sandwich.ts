// Who calls this function, and what does it call? Two trees around one function: its callers, inverted, and its callees. Of
// each stack that holds it, the outermost call counts, so recursion counts once and both trees weigh what it weighs.
//
//     main 9                          callers of read       callees of read
//     read 4    work 5                read 6                read 6
//     disk 3    read 2   sandwich     main 4  work 2        disk 3
//                        ───────►             main 2
import type { FrameId } from '../model/ids.ts'
import { parentsOf } from './ancestry.ts'
import { arrange } from './arrange.ts'
import type { CallTree, DiffTree, FrameTable } from './call-tree.ts'
import { type FramePredicate, focusDiff, focusTree, maskOf, nodesUnder, withoutEmpty } from './focus.ts'
import { invertDiff, invertTree } from './invert.ts'
import { callTreeOf, diffTreeOf, type Shape, type Side, sidesOf } from './sides.ts'

export interface Sandwich<T> {
  /** The function as base, its callers on it, widest first: an iceberg of one function. */
  readonly callers: T
  /** The function as only child of the root, what it calls below it, by name, file, mapping. */
  readonly callees: T
}

/** Cuts a tree around one function: a row of `tree.frames`, or a name, which may mean several (then each is a base).
 *  out  the total of both trees is the function's total, as functionTable counts it; that of a name, no stack twice. Trees
 *       of nothing if no stack holds it; the root and "(folded)" are no functions
 *  cost O(nodes + calls of the function · depth) */
export function sandwichTree(tree: CallTree, which: FrameId | string): Sandwich<CallTree> {
  const matches = predicateOf(tree.frames, which)
  const { shape, sides } = upToCalls(tree, sidesOf(tree), matches)
  return {
    callers: invertTree(callTreeOf(shape, sides)),
    callees: focusTree(tree, { reroot: matches }).tree,
  }
}

/** As sandwichTree, both sides at once; the width of a caller is the mean of its two shares. */
export function sandwichDiff(tree: DiffTree, which: FrameId | string): Sandwich<DiffTree> {
  const matches = predicateOf(tree.frames, which)
  const { shape, sides } = upToCalls(tree, sidesOf(tree), matches)
  return {
    callers: invertDiff(diffTreeOf(shape, sides)),
    callees: focusDiff(tree, { reroot: matches }).tree,
  }
}

function predicateOf(frames: FrameTable, which: FrameId | string): FramePredicate {
  if (typeof which === 'string') return ({ name }) => name === which
  const [name, file, mapping] = [frames.name[which], frames.file[which], frames.mapping[which]]
  return (frame) => frame.name === name && frame.file === file && frame.mapping === mapping
}

/** The tree cut off at the outermost calls: all they cost becomes their own. */
function upToCalls(shape: Shape, sides: readonly Side[], matches: FramePredicate) {
  const mask = maskOf(shape.frames, matches)
  const parent = parentsOf(shape.depth)
  const isUnder = nodesUnder(shape, parent, mask)
  const selves = sides.map(({ total }) =>
    total.map((value, i) => (isUnder[i] === 1 && isUnder[parent[i]!] === 0 ? value : 0)),
  )
  return arrange({ ...withoutEmpty(shape, { parent, selves }), order: 'given' })
}

// What lies under this path of names? The part of the tree whose stacks begin with them, its ancestors as full bars.
import { NONE } from '../model/ids.ts'
import { parentsOf } from './ancestry.ts'
import { arrange } from './arrange.ts'
import type { CallTree, DiffTree } from './call-tree.ts'
import { callTreeOf, diffTreeOf, type Shape, type Side, sidesOf } from './sides.ts'

/** Cuts out the stacks that begin with `path`: names from the root, "total" left out; [] is the whole tree.
 *  out  a tree whose root and ancestors of the path carry the subtree's total and no self value, so that each is a full
 *       bar; undefined if no node has this path. Names may be ambiguous (one name, two files): then all of them are kept,
 *       side by side
 *  cost O(nodes + frames · log frames) */
export function subtreeAt(tree: CallTree, path: readonly string[]): CallTree | undefined {
  if (path.length === 0) return tree
  const cut = cutAt(tree, sidesOf(tree), path)
  return cut && callTreeOf(cut.shape, cut.sides)
}

/** As subtreeAt, both sides at once. */
export function subtreeOfDiff(tree: DiffTree, path: readonly string[]): DiffTree | undefined {
  if (path.length === 0) return tree
  const cut = cutAt(tree, sidesOf(tree), path)
  return cut && diffTreeOf(cut.shape, cut.sides)
}

function cutAt(shape: Shape, sides: readonly Side[], path: readonly string[]) {
  const { depth, frame, frames, folded } = shape
  const parentIn = parentsOf(depth)
  const isKept = nodesUnder(shape, parentIn, path)
  if (isKept === undefined) return undefined
  const numberOf = new Int32Array(depth.length)
  const kept: number[] = []
  for (let i = 0; i < depth.length; i++) if (isKept[i] === 1) numberOf[i] = kept.push(i) - 1
  const isInside = (i: number) => depth[i]! >= path.length
  return arrange({
    frames,
    parent: Int32Array.from(kept, (i) => (i === 0 ? NONE : numberOf[parentIn[i]!]!)),
    frame: Uint32Array.from(kept, (i) => frame[i]!),
    selves: sides.map(({ self }) => Float64Array.from(kept, (i) => (isInside(i) ? self[i]! : 0))),
    ...(folded && { folded: Uint32Array.from(kept, (i) => folded[i]!) }),
    order: 'given',
  })
}

/** 1 for the nodes at the end of the path, all below them, and their ancestors; undefined if nothing has the path. */
function nodesUnder(
  { depth, frame, frames }: Shape,
  parent: Int32Array,
  path: readonly string[],
): Uint8Array | undefined {
  const isOnPath = new Uint8Array(depth.length) // this node and all above it bear the path's names, as far as it goes
  const isKept = new Uint8Array(depth.length)
  isOnPath[0] = 1
  for (let i = 1; i < depth.length; i++) {
    const level = depth[i]!
    const isNamed = level > path.length || frames.name[frame[i]!] === path[level - 1]
    isOnPath[i] = isOnPath[parent[i]!] === 1 && isNamed ? 1 : 0
    if (level >= path.length) isKept[i] = isOnPath[i]!
  }
  for (let i = depth.length - 1; i > 0; i--) if (isKept[i] === 1) isKept[parent[i]!] = 1
  return isKept[0] === 1 ? isKept : undefined
}

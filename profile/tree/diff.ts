// What changed between two trees? One set of nodes with both sides' values, as they are: dividing by load, length or
// total is the reader's choice and happens where it is shown.
import { arrange } from './arrange.ts'
import type { CallTree, DiffTree } from './call-tree.ts'
import { diffTreeOf } from './sides.ts'
import { TrieUnion } from './trie-union.ts'

/** Joins two trees of one profile type by function. A node is there if it has a total on either side; the order of siblings
 *  is by name, whichever side they come from. Folded counts add up.
 *  in   both sides in one unit, absolute.    cost O(nodes of both + frames · log frames) */
export function diffTrees(sides: { readonly baseline: CallTree; readonly comparison: CallTree }): DiffTree {
  const { baseline, comparison } = sides
  const union = new TrieUnion({ sides: 2 })
  union.add(baseline, { sides: [baseline, undefined] })
  union.add(comparison, { sides: [undefined, comparison] })
  const arranged = arrange({ ...union.nodes(), order: 'frame' })
  return diffTreeOf(arranged.shape, arranged.sides)
}

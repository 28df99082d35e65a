// What do several trees make together? One, in which equal stacks are one node and values add up.
import { arrange } from './arrange.ts'
import type { CallTree } from './call-tree.ts'
import { callTreeOf } from './sides.ts'
import { TrieUnion } from './trie-union.ts'

/** Merges trees by function. Any order and any grouping gives the same columns; no tree, or only empty ones, gives the empty
 *  tree. Values of two profile types must not meet here: nothing in a tree could tell.
 *  cost O(nodes of all + frames · log frames) */
export function mergeTrees(trees: readonly CallTree[]): CallTree {
  const union = new TrieUnion({ sides: 1 })
  for (const tree of trees) union.add(tree, { sides: [tree] })
  const { shape, sides } = arrange({ ...union.nodes(), order: 'frame' })
  return callTreeOf(shape, sides)
}

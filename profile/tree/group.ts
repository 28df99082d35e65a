// How do values of labels become levels of a tree? Each group's tree stands under frames that carry the group's names.
import { arrange } from './arrange.ts'
import type { CallTree } from './call-tree.ts'
import { FrameTableBuilder } from './frame-table.ts'
import { callTreeOf } from './sides.ts'
import { TrieUnion } from './trie-union.ts'

/** Puts each tree under frames of its own at the root, one per name of its path: how values of labels become the first
 *  levels of a flame graph. Groups with one path are merged; a path of no names puts the tree at the root itself.
 *  cost as mergeTrees */
export function groupTrees(
  groups: readonly { readonly path: readonly string[]; readonly tree: CallTree }[],
): CallTree {
  const frames = new FrameTableBuilder()
  const union = new TrieUnion({ sides: 1, frames })
  for (const { path, tree } of groups)
    union.add(tree, { sides: [tree], under: path.map((name) => frames.add({ name })) })
  const { shape, sides } = arrange({ ...union.nodes(), order: 'frame' })
  return callTreeOf(shape, sides)
}

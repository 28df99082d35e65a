// Who is above, and where does a subtree end? Both follow from the depths of a pre-order, in one pass each.
import { NONE } from '../model/ids.ts'

/** Parent of each node, NONE for the root.  in: depths in pre-order;  cost O(nodes) */
export function parentsOf(depth: Uint16Array): Int32Array {
  const parent = new Int32Array(depth.length).fill(NONE, 0, 1)
  const open = new Int32Array(65_536) // the last node seen at each depth: an ancestor, as long as it is shallower
  for (let i = 1; i < depth.length; i++) {
    parent[i] = open[depth[i]! - 1]!
    open[depth[i]!] = i
  }
  return parent
}

/** First node after the subtree of each node: its descendants are i + 1 … end[i] - 1.  cost O(nodes) */
export function subtreeEnds(parent: Int32Array): Uint32Array {
  const end = new Uint32Array(parent.length)
  for (let i = parent.length - 1; i >= 0; i--) {
    if (end[i]! === 0) end[i] = i + 1
    const above = parent[i]!
    if (above !== NONE && end[above]! < end[i]!) end[above] = end[i]!
  }
  return end
}

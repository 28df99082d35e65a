// What lies under a box, and what holds two of them? The boxes themselves are `#profile/picture/boxes`.
import type { Boxes } from '#profile/picture/boxes'

/** How many levels a subtree reaches down to, counted from the root of all: its deepest depth + 1. O(subtree). */
export function levelsUnder(boxes: Boxes, node: number): number {
  let deepest = boxes.depth[node] ?? 0
  for (let i = node + 1; i < boxes.subtreeEnd[node]!; i++)
    if (boxes.depth[i]! > deepest) deepest = boxes.depth[i]!
  return deepest + 1
}

/** The deepest node that holds both. O(depth). */
export function commonAncestor(boxes: Boxes, node: number, other: number): number {
  let up = Math.min(node, other)
  const last = Math.max(node, other)
  while (up > 0 && boxes.subtreeEnd[up]! <= last) up = boxes.parent[up]!
  return Math.max(0, up)
}

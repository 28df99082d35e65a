// Where does the bench zoom to, and where is that on screen? On the columns of the tree, so that every component goes to
// the same box.
import type { CallTree } from '#profile/tree/call-tree'

type Tree = Pick<CallTree, 'depth' | 'total'>

/** From the heaviest child of the root down the heaviest children, to the first that holds half of the whole or less, or
 *  to a leaf. Of equal children the first. Node indices; empty if the root has no child. Cost: O(nodes · depth) */
export function heavyPath({ depth, total }: Tree): readonly number[] {
  const path: number[] = []
  for (let node = 0; total[node]! > total[0]! / 2; ) {
    let heaviest = -1
    for (let i = node + 1; i < depth.length && depth[i]! > depth[node]!; i++) {
      if (depth[i] === depth[node]! + 1 && (heaviest < 0 || total[i]! > total[heaviest]!)) heaviest = i
    }
    if (heaviest < 0) break
    path.push(heaviest)
    node = heaviest
  }
  return path
}

/** A box in shares of the root's width, children side by side from the left edge of their parent. */
export interface Place {
  readonly left: number
  readonly right: number
  /** 0: the root's. */
  readonly row: number
}

/** Where a node stands when nothing is zoomed. Cost: O(nodes before it) */
export function placeOf({ depth, total }: Tree, node: number): Place {
  const free: number[] = [0] // per depth: where the next box begins
  let left = 0
  for (let i = 0; i <= node; i++) {
    left = free[depth[i]!]!
    free[depth[i]!] = left + total[i]!
    free[depth[i]! + 1] = left
  }
  return { left: left / total[0]!, right: (left + total[node]!) / total[0]!, row: depth[node]! }
}

// Where does each node stand? In the unit interval, once per tree: pixels come later, on a screen or in a file.
//
//   depth  0 1 2 2 1       total ───────────────────────────────  level 0: node 0
//   weight 8 6 2 1 2  ─►   a ──────────────────────   b ───────   level 1: nodes 1 4
//                          c ───────  d ───                       level 2: nodes 2 3
//
// Children stand left-aligned on their parent, in the tree's own order; what is left over at the right is self value.

/** Columns of n nodes in pre-order, and the levels as CSR: the nodes of level l are
 *  nodeOfLevel[levelStart[l] … levelStart[l + 1] - 1], sorted by `start`. */
export interface Boxes {
  readonly depth: Uint16Array
  readonly parent: Int32Array
  /** One past the last node of the subtree. */
  readonly subtreeEnd: Uint32Array
  /** Left edge, 0 to 1. */
  readonly start: Float64Array
  /** Share of the root, 0 to 1. */
  readonly width: Float64Array
  readonly levelStart: Uint32Array
  readonly nodeOfLevel: Uint32Array
}

/** Lays out a tree.
 *  in    depth   pre-order, one root; weight ≥ 0, a child's within its parent's
 *  out   children never leave their parent, even where foreign weights do not add up; a root of 0 gives boxes of width 0
 *  cost  O(nodes), three passes, no recursion: 500,000 nodes in about 15 ms */
export function layoutBoxes(depth: Uint16Array, weight: Float64Array): Boxes {
  const n = depth.length
  const parent = new Int32Array(n).fill(-1)
  const subtreeEnd = new Uint32Array(n).fill(n)
  const start = new Float64Array(n)
  const width = new Float64Array(n)
  const whole = n > 0 ? weight[0]! : 0

  let levels = 0
  for (let node = 0; node < n; node++) if (depth[node]! >= levels) levels = depth[node]! + 1
  const open = new Int32Array(levels) // the last node seen on each level
  const nextStart = new Float64Array(levels + 1) // where the next box of a level begins
  const levelStart = new Uint32Array(levels + 1)

  let deepest = -1
  for (let node = 0; node < n; node++) {
    const level = depth[node]!
    for (let closed = level; closed <= deepest; closed++) subtreeEnd[open[closed]!] = node
    deepest = level
    open[level] = node
    levelStart[level + 1]!++

    const up = level > 0 ? open[level - 1]! : -1
    parent[node] = up
    const left = level > 0 ? nextStart[level]! : 0
    const room = level > 0 ? Math.max(0, start[up]! + width[up]! - left) : 1
    start[node] = left
    width[node] = whole > 0 ? Math.min(weight[node]! / whole, room) : 0
    nextStart[level] = left + width[node]!
    nextStart[level + 1] = left
  }

  for (let level = 0; level < levels; level++) levelStart[level + 1]! += levelStart[level]!
  const nodeOfLevel = new Uint32Array(n)
  const fill = levelStart.slice(0, levels)
  for (let node = 0; node < n; node++) nodeOfLevel[fill[depth[node]!]!++] = node
  return { depth, parent, subtreeEnd, start, width, levelStart, nodeOfLevel }
}

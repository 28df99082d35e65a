// How does a trie become pre-order columns? Every verb ends here: nodes with parents in, siblings in order out.
// No recursion: sizes in one backward pass, then each parent hands its children their places.
import { NONE } from '../model/ids.ts'
import type { FrameTable } from './call-tree.ts'
import { compactFrames } from './frame-table.ts'
import type { Shape, Side } from './sides.ts'

/** Nodes in any order with parent[i] < i; node 0 is the root. One self column per side. */
export interface LooseNodes {
  readonly frames: FrameTable
  readonly parent: Int32Array
  readonly frame: Uint32Array
  readonly selves: readonly Float64Array[]
  readonly folded?: Uint32Array
  /** `frame`: siblings by name, file, mapping; `given`: as their numbers. */
  readonly order: 'frame' | 'given'
}

const DEPTH_MAX = 65_535 // CallTree.depth is 16 bits; whoever lets stacks in bounds them far below

/** Lays nodes out in pre-order, sums totals, and keeps only the frames that occur.
 *  throws  if a node lies deeper than 65,535;  cost O(nodes + frames · log frames) */
export function arrange(nodes: LooseNodes): { readonly shape: Shape; readonly sides: readonly Side[] } {
  const { parent, selves, folded, order } = nodes
  const { frames, frame } = compactFrames(nodes.frames, nodes.frame)
  const place = placesOf(parent, order === 'frame' ? orderByFrame(frame, frames.name.length) : undefined)
  const shape: Shape = {
    frames,
    depth: depthsOf(parent, place),
    frame: scatter(frame, place, new Uint32Array(frame.length)),
    ...(folded?.some((count) => count > 0) && {
      folded: scatter(folded, place, new Uint32Array(frame.length)),
    }),
  }
  const sides = selves.map((self) => ({
    self: scatter(self, place, new Float64Array(self.length)),
    total: scatter(totalsOf(parent, self), place, new Float64Array(self.length)),
  }))
  return { shape, sides }
}

/** Position in pre-order of each node. `order` lists all nodes in the order of siblings; without it, by number. */
function placesOf(parent: Int32Array, order: Uint32Array | undefined): Uint32Array {
  const n = parent.length
  const size = new Uint32Array(n).fill(1)
  for (let i = n - 1; i > 0; i--) size[parent[i]!]! += size[i]!
  const firstChild = new Int32Array(n).fill(NONE)
  const nextSibling = new Int32Array(n).fill(NONE)
  for (let k = n - 1; k >= 0; k--) {
    const node = order === undefined ? k : order[k]!
    if (node === 0) continue
    nextSibling[node] = firstChild[parent[node]!]!
    firstChild[parent[node]!] = node
  }
  const place = new Uint32Array(n)
  for (let node = 0; node < n; node++) {
    let next = place[node]! + 1
    for (let child = firstChild[node]!; child !== NONE; child = nextSibling[child]!) {
      place[child] = next
      next += size[child]!
    }
  }
  return place
}

/** All nodes sorted by frame id, by counting. */
function orderByFrame(frame: Uint32Array, frameCount: number): Uint32Array {
  const next = new Uint32Array(frameCount + 1)
  for (let i = 0; i < frame.length; i++) next[frame[i]! + 1]!++
  for (let id = 0; id < frameCount; id++) next[id + 1]! += next[id]!
  const order = new Uint32Array(frame.length)
  for (let i = 0; i < frame.length; i++) order[next[frame[i]!]!++] = i
  return order
}

function depthsOf(parent: Int32Array, place: Uint32Array): Uint16Array {
  const depth = new Uint16Array(parent.length)
  for (let i = 1; i < parent.length; i++) {
    const above = depth[place[parent[i]!]!]!
    if (above === DEPTH_MAX) throw new Error(`a call tree is deeper than ${DEPTH_MAX} frames`)
    depth[place[i]!] = above + 1
  }
  return depth
}

function totalsOf(parent: Int32Array, self: Float64Array): Float64Array {
  const total = Float64Array.from(self)
  for (let i = total.length - 1; i > 0; i--) total[parent[i]!]! += total[i]!
  return total
}

function scatter<T extends Uint32Array | Float64Array>(from: T, place: Uint32Array, into: T): T {
  for (let i = 0; i < from.length; i++) into[place[i]!] = from[i]!
  return into
}

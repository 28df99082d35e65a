// A tree as profiles have them: a few hot paths hold most of the time, most nodes are narrow, calls go deep.
import type { CallTree } from '#profile/tree/call-tree'
import { uniform } from './uniform.ts'

const DEPTH_MAX = 60
const NAMES = 5_000

/** A tree of exactly so many nodes, the same every time. O(nodes). */
export function hotTree(nodes: number): CallTree {
  const draw = uniform(42)
  const depth = new Uint16Array(nodes)
  const frame = new Uint32Array(nodes)
  const self = new Float64Array(nodes)
  const total = new Float64Array(nodes)
  // What is still to be made, the next one last: each has a budget of nodes, itself among them, and a value.
  const open = [{ depth: 0, nodes, value: 1e12 }]
  for (let i = 0; open.length > 0; i++) {
    const next = open.pop()!
    const rest = next.nodes - 1
    depth[i] = next.depth
    frame[i] = i === 0 ? 0 : 1 + Math.floor(NAMES * draw())
    total[i] = next.value
    self[i] = rest === 0 ? next.value : i === 0 ? 0 : next.value * 0.2 * draw()
    // Half of the nodes have one child; at the bottom all that is left stands side by side.
    const children =
      next.depth + 1 >= DEPTH_MAX ? rest : Math.min(rest, draw() < 0.5 ? 1 : 2 + Math.floor(draw() * 4))
    open.push(...split({ depth: next.depth + 1, rest, value: next.value - self[i]!, children, draw }))
  }
  const names = ['total', ...Array.from({ length: NAMES }, (_, i) => `pkg${i % 40}/mod.Function${i}`)]
  const frames = {
    name: names,
    file: names.map(() => ''),
    mapping: names.map((_, i) => (i === 0 ? '' : `lib${i % 40}.so`)),
    kind: names.map((_, i) => (i === 0 ? '' : 'native')),
  }
  return { frames, depth, frame, self, total }
}

/** Children that share nodes and value, both by the same skewed weights: what is hot is also rich. */
function split(input: {
  readonly depth: number
  readonly rest: number
  readonly value: number
  readonly children: number
  readonly draw: () => number
}) {
  const { depth, rest, value, children, draw } = input
  const weights = Array.from({ length: children }, () => draw() ** 3 + 0.01)
  const all = weights.reduce((sum, weight) => sum + weight, 0)
  let nodesLeft = rest - children
  return weights.map((weight, i) => {
    const more =
      i === children - 1 ? nodesLeft : Math.min(nodesLeft, Math.floor(((rest - children) * weight) / all))
    nodesLeft -= more
    return { depth, nodes: 1 + more, value: (value * weight) / all }
  })
}

// What do N nodes show best? The heaviest ones; since no child is heavier than its parent, they hang together. What is cut
// under a node becomes one "(folded)" child with the exact rest, so nothing is lost and self values still add up.
import { NONE } from '../model/ids.ts'
import { parentsOf } from './ancestry.ts'
import { arrange } from './arrange.ts'
import type { CallTree, DiffTree } from './call-tree.ts'
import { withFoldedFrame } from './frame-table.ts'
import { nthLargest } from './nth-largest.ts'
import { callTreeOf, diffTreeOf, type Shape, type Side, sidesOf } from './sides.ts'

/** Keeps the `maxNodes` heaviest nodes (the root among them) by total; of equal ones the earlier in pre-order.
 *  out  tree         at most maxNodes nodes, and one "(folded)" child, behind its siblings, per node that lost some.
 *                    Order of siblings as in the input. A folded child of the input is folded again, its count added
 *       foldedNodes  nodes that are in no box of their own
 *  cost O(nodes + frames · log frames).  throws if maxNodes is below 1 */
export function pruneTree(
  tree: CallTree,
  maxNodes: number,
): { readonly tree: CallTree; readonly foldedNodes: number } {
  const pruned = prune({ shape: tree, sides: sidesOf(tree), weight: tree.total, maxNodes })
  return pruned === undefined
    ? { tree, foldedNodes: countFolded(tree) }
    : { tree: callTreeOf(pruned.shape, pruned.sides), foldedNodes: countFolded(pruned.shape) }
}

/** As pruneTree; a node weighs the larger of its two shares, so what is large on either side stays. */
export function pruneDiff(
  tree: DiffTree,
  maxNodes: number,
): { readonly tree: DiffTree; readonly foldedNodes: number } {
  const sides = sidesOf(tree)
  const pruned = prune({ shape: tree, sides, weight: largerShares(sides), maxNodes })
  return pruned === undefined
    ? { tree, foldedNodes: countFolded(tree) }
    : { tree: diffTreeOf(pruned.shape, pruned.sides), foldedNodes: countFolded(pruned.shape) }
}

interface PruneInput {
  readonly shape: Shape
  readonly sides: readonly Side[]
  readonly weight: Float64Array
  readonly maxNodes: number
}

/** undefined: everything fits as it is. */
function prune(input: PruneInput) {
  const { shape, sides, maxNodes } = input
  if (!(maxNodes >= 1)) throw new Error(`maxNodes is ${maxNodes}; at least 1 is needed, the root`)
  if (shape.depth.length <= maxNodes) return undefined
  const parentIn = parentsOf(shape.depth)
  const { numberOf, keptCount } = numberKept(input, parentIn)
  const { frames, folded: foldedFrame } = withFoldedFrame(shape.frames)
  const foldedChild = new Int32Array(keptCount).fill(NONE)
  let count = keptCount
  for (let i = 0; i < shape.depth.length; i++) {
    const above = parentIn[i]!
    if (numberOf[i]! >= 0 || numberOf[above]! < 0) continue
    const parent = numberOf[above]!
    if (foldedChild[parent] === NONE) foldedChild[parent] = count++
  }
  const parent = new Int32Array(count).fill(NONE, 0, 1)
  const frame = new Uint32Array(count).fill(foldedFrame, keptCount)
  const folded = new Uint32Array(count)
  const selves = sides.map(() => new Float64Array(count))
  for (let node = 0; node < keptCount; node++)
    if (foldedChild[node] !== NONE) parent[foldedChild[node]!] = node
  const target = new Uint32Array(shape.depth.length) // where the self value of a node goes
  for (let i = 0; i < target.length; i++) {
    const above = parentIn[i]!
    const number = numberOf[i]!
    if (number >= 0) {
      target[i] = number
      frame[number] = shape.frame[i]!
      if (i > 0) parent[number] = numberOf[above]!
    } else {
      target[i] = numberOf[above]! >= 0 ? foldedChild[numberOf[above]!]! : target[above]!
      folded[target[i]!]! += shape.folded?.[i] || 1
    }
    for (let k = 0; k < sides.length; k++) selves[k]![target[i]!]! += sides[k]!.self[i]!
  }
  return arrange({ frames, parent, frame, selves, folded, order: 'given' })
}

/** Number of each kept node among the kept ones, in pre-order, NONE for the others. */
function numberKept({ shape, weight, maxNodes }: PruneInput, parent: Int32Array) {
  const least = nthLargest(weight, maxNodes)
  let above = 0
  for (let i = 0; i < weight.length; i++) if (weight[i]! > least) above++
  let equalLeft = maxNodes - above
  const numberOf = new Int32Array(weight.length).fill(NONE)
  let keptCount = 0
  for (let i = 0; i < weight.length; i++) {
    const isEqual = weight[i] === least
    if (i > 0 && (numberOf[parent[i]!] === NONE || (shape.folded?.[i] ?? 0) > 0)) continue
    if (!(weight[i]! > least) && !(isEqual && equalLeft > 0) && i > 0) continue
    if (isEqual) equalLeft--
    numberOf[i] = keptCount++
  }
  return { numberOf, keptCount }
}

/** The larger share of each node, 0 to 1 on its own side's total. */
function largerShares(sides: readonly Side[]): Float64Array {
  const weight = new Float64Array(sides[0]!.total.length)
  for (const { total } of sides) {
    const whole = total[0]!
    if (whole > 0) for (let i = 0; i < weight.length; i++) weight[i] = Math.max(weight[i]!, total[i]! / whole)
  }
  return weight
}

function countFolded({ folded }: Shape): number {
  let count = 0
  if (folded !== undefined) for (const nodes of folded) count += nodes
  return count
}

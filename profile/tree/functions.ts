// How much does each function cost, wherever it is called? A flat table: own value, and total with recursion counted once.
import { parentsOf, subtreeEnds } from './ancestry.ts'
import type { CallTree, FunctionRows } from './call-tree.ts'

/** Counts each function of a tree.
 *  out  one row per frame that occurs below the root, ascending by frame: rows depend on the nodes, not on the values, so
 *       two sides of a diff have the same rows. Self values add up to the root's total less its self.
 *  cost O(nodes + frames) */
export function functionTable(tree: CallTree): FunctionRows {
  const { depth, frame } = tree
  const end = subtreeEnds(parentsOf(depth))
  const frameCount = tree.frames.name.length
  const selfOf = new Float64Array(frameCount)
  const totalOf = new Float64Array(frameCount)
  /** End of the outermost subtree of a frame that is open now: what starts before it is recursion. */
  const openEnd = new Uint32Array(frameCount)
  for (let i = 1; i < depth.length; i++) {
    const id = frame[i]!
    selfOf[id]! += tree.self[i]!
    if (i < openEnd[id]!) continue
    totalOf[id]! += tree.total[i]!
    openEnd[id] = end[i]!
  }
  const rows: number[] = []
  for (let id = 0; id < frameCount; id++) if (openEnd[id]! > 0) rows.push(id)
  return {
    frame: Uint32Array.from(rows),
    self: Float64Array.from(rows, (id) => selfOf[id]!),
    total: Float64Array.from(rows, (id) => totalOf[id]!),
  }
}

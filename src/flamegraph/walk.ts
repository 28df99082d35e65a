// Where does an arrow key lead? As shown: in a flame graph Up goes to what lies on a bar, in an icicle Down does.
import type { GraphModel } from '#profile/picture/graph-model'
import type { Viewport } from './viewport.ts'
import { readRow, type VisibleRow } from './visible-row.ts'

export type Direction = 'up' | 'down' | 'left' | 'right'

/** The node an arrow leads to from `node`, or `node` itself where the picture ends.
 *  Sideways it skips what is too narrow to be seen.    cost O(pieces of one row + children) */
export function walk(
  model: GraphModel,
  view: Viewport,
  node: number,
  direction: Direction,
  row: VisibleRow,
): number {
  if (direction === 'left' || direction === 'right') return sideways(model, view, node, direction, row)
  const isAwayFromRoot = (direction === 'up') === (view.orientation === 'flame')
  return isAwayFromRoot ? widestChildInView(model, view, node) : Math.max(0, model.boxes.parent[node]!)
}

/** The widest child of which something is shown: from an ancestor of the zoomed node that is the way back to it. */
function widestChildInView(model: GraphModel, view: Viewport, node: number): number {
  const { boxes } = model
  let best = node
  let widest = 0
  for (let child = node + 1; child < boxes.subtreeEnd[node]!; child = boxes.subtreeEnd[child]!) {
    const shown =
      Math.min(boxes.start[child]! + boxes.width[child]!, view.unitRight) -
      Math.max(boxes.start[child]!, view.unitLeft)
    if (shown > widest) {
      widest = shown
      best = child
    }
  }
  return best
}

function sideways(
  model: GraphModel,
  view: Viewport,
  node: number,
  direction: 'left' | 'right',
  row: VisibleRow,
): number {
  readRow(model.boxes, view, model.depth[node]!, row)
  // Nodes of one level stand in pre-order, so a larger index lies to the right.
  if (direction === 'right') {
    for (let i = 0; i < row.count; i++) if (row.isRun[i] === 0 && row.node[i]! > node) return row.node[i]!
    return node
  }
  for (let i = row.count - 1; i >= 0; i--) if (row.isRun[i] === 0 && row.node[i]! < node) return row.node[i]!
  return node
}

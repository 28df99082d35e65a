// What lies under a point of the window? The row by division, then a binary search among the very pieces that were
// painted there.
import type { Boxes } from '#profile/picture/boxes'
import { levelAt, type Viewport } from './viewport.ts'
import { readRow, type VisibleRow } from './visible-row.ts'

/** A box, or a run of neighbours too narrow for a pixel each. */
export type Hit =
  | { readonly kind: 'box'; readonly node: number; readonly piece: number }
  | {
      readonly kind: 'run'
      readonly piece: number
      readonly firstNode: number
      readonly lastNode: number
      readonly nodes: number
      /** Of the root, 0 to 1. */
      readonly unitWidth: number
    }

/** Finds the piece under a point in CSS pixels of the window; `row` is scratch space and then holds the piece's row.
 *  cost O(pieces of one row), and O(nodes of a run) where one is hit */
export function hitTest(
  boxes: Boxes,
  view: Viewport,
  point: { readonly cssX: number; readonly cssY: number },
  row: VisibleRow,
): Hit | undefined {
  const level = levelAt(view, point.cssY)
  if (level === undefined) return undefined
  readRow(boxes, view, level, row)
  const deviceX = Math.floor(point.cssX * view.ratio)
  let low = 0
  let high = row.count
  while (low < high) {
    const middle = (low + high) >>> 1
    if (row.deviceRight[middle]! > deviceX) high = middle
    else low = middle + 1
  }
  if (low === row.count || row.deviceLeft[low]! > deviceX) return undefined
  if (row.isRun[low] === 0) return { kind: 'box', node: row.node[low]!, piece: low }
  return { kind: 'run', piece: low, ...measureRun(boxes, row.first[low]!, row.end[low]!) }
}

function measureRun(boxes: Boxes, first: number, end: number) {
  let unitWidth = 0
  for (let place = first; place < end; place++) unitWidth += boxes.width[boxes.nodeOfLevel[place]!]!
  const firstNode = boxes.nodeOfLevel[first]!
  return { firstNode, lastNode: boxes.nodeOfLevel[end - 1]!, nodes: end - first, unitWidth }
}

// Which boxes of a level are seen, and on which device pixels? Painting and hit testing both ask this one file, so what
// is drawn is what is hit.
//
// Edges are rounded from the unit interval, never from a rounded width: neighbours share a pixel edge and no error adds
// up. A box narrower than one device pixel joins a run, one muted box for all such neighbours: a broad patch of tiny
// frames stays visible, and the work of a row is bounded by its pixels, not by its nodes, because the search for the
// first box beyond the pixel gallops.
import type { Boxes } from '#profile/picture/boxes'
import type { Viewport } from './viewport.ts'

/** Columns of the pieces of one row, left to right; the first `count` entries hold. Reused between rows. */
export interface VisibleRow {
  count: number
  deviceLeft: Int32Array
  deviceRight: Int32Array
  /** The node drawn, or the first node of a run. */
  node: Uint32Array
  /** Places in `nodeOfLevel`: the piece covers first ≤ place < end. A run covers several, or one that is too narrow. */
  first: Uint32Array
  end: Uint32Array
  isRun: Uint8Array
}

/** An empty row to be filled by `readRow`; grows with the width of the window. */
export function makeRow(capacity = 512): VisibleRow {
  return {
    count: 0,
    deviceLeft: new Int32Array(capacity),
    deviceRight: new Int32Array(capacity),
    node: new Uint32Array(capacity),
    first: new Uint32Array(capacity),
    end: new Uint32Array(capacity),
    isRun: new Uint8Array(capacity),
  }
}

/** Fills `row` with the pieces of `level` in the shown range.
 *  cost O(pieces · log nodes of the level); a row has at most as many pieces as the window has device pixels */
export function readRow(boxes: Boxes, view: Viewport, level: number, row: VisibleRow): void {
  const { start, width, nodeOfLevel, levelStart } = boxes
  row.count = 0
  const last = levelStart[level + 1] ?? 0
  const deviceWidth = Math.round(view.cssWidth * view.ratio)
  const scale = deviceWidth / (view.unitRight - view.unitLeft)
  if (!(scale > 0) || !Number.isFinite(scale)) return
  const { unitLeft, unitRight } = view
  const endOf = (place: number) => start[nodeOfLevel[place]!]! + width[nodeOfLevel[place]!]!

  let place = firstEndingAfter(endOf, levelStart[level] ?? 0, last, unitLeft)
  while (place < last) {
    const node = nodeOfLevel[place]!
    const unitStart = start[node]!
    if (unitStart >= unitRight) break
    const deviceFrom = (unitStart - unitLeft) * scale
    const deviceTo = (unitStart + width[node]! - unitLeft) * scale
    if (deviceTo - deviceFrom >= 1) {
      const left = Math.max(0, Math.round(deviceFrom))
      const right = Math.min(deviceWidth, Math.round(deviceTo))
      if (right > left) {
        yieldPixels(row, left)
        push(row, left, right, node, place, place + 1, 0)
      }
      place++
      continue
    }
    // Narrower than a pixel. What ends within pixels already painted joins the run there, or has no pixel of its own.
    const before = row.count - 1
    const covered = before >= 0 ? row.deviceRight[before]! : 0
    let left = Math.min(deviceWidth - 1, Math.max(0, Math.floor(deviceFrom)))
    if (left < covered) {
      const next = gallop(endOf, place, last, unitLeft + covered / scale)
      if (next > place) {
        if (row.isRun[before] === 1) row.end[before] = next
        place = next
        continue
      }
      left = Math.min(covered, deviceWidth - 1)
    }
    const next = Math.max(place + 1, gallop(endOf, place, last, unitLeft + (left + 1) / scale))
    if (before >= 0 && row.isRun[before] === 1 && covered >= left) {
      row.deviceRight[before] = left + 1
      row.end[before] = next
    } else push(row, left, left + 1, node, place, next, 1)
    place = next
  }
}

/** A run's last pixel goes to the box that has a right to it. */
function yieldPixels(row: VisibleRow, left: number): void {
  const before = row.count - 1
  if (before < 0 || row.deviceRight[before]! <= left) return
  row.deviceRight[before] = left
  if (row.deviceLeft[before]! >= left) row.count--
}

function push(
  row: VisibleRow,
  left: number,
  right: number,
  node: number,
  first: number,
  end: number,
  isRun: number,
): void {
  if (row.count === row.node.length) grow(row)
  const i = row.count++
  row.deviceLeft[i] = left
  row.deviceRight[i] = right
  row.node[i] = node
  row.first[i] = first
  row.end[i] = end
  row.isRun[i] = isRun
}

function grow(row: VisibleRow): void {
  const bigger = makeRow(row.node.length * 2)
  bigger.deviceLeft.set(row.deviceLeft)
  bigger.deviceRight.set(row.deviceRight)
  bigger.node.set(row.node)
  bigger.first.set(row.first)
  bigger.end.set(row.end)
  bigger.isRun.set(row.isRun)
  Object.assign(row, bigger, { count: row.count })
}

/** First place in [from, to) whose box ends beyond `unit`: ends ascend within a level. */
function firstEndingAfter(endOf: (place: number) => number, from: number, to: number, unit: number): number {
  let low = from
  let high = to
  while (low < high) {
    const middle = (low + high) >>> 1
    if (endOf(middle) > unit) high = middle
    else low = middle + 1
  }
  return low
}

/** The same, by steps that double: the answer is usually near. */
function gallop(endOf: (place: number) => number, from: number, to: number, unit: number): number {
  let step = 1
  let low = from
  while (low + step < to && endOf(low + step) <= unit) {
    low += step
    step *= 2
  }
  return firstEndingAfter(endOf, low, Math.min(to, low + step + 1), unit)
}

// What must a drawing surface be able to do? The port between the picture and its pixels: all columns are in device
// pixels, all colours are CSS text. Canvas 2D is the one behind it today; a recorder stands in for it in tests.

/** Boxes of equal style, columns; the first `count` entries hold. */
export interface BoxColumns {
  count: number
  left: Int32Array
  top: Int32Array
  width: Int32Array
}
/** A text on a bar, already fitted. */
export interface Label {
  readonly text: string
  readonly deviceLeft: number
  readonly deviceTop: number
}
export interface Surface {
  readonly deviceWidth: number
  readonly deviceHeight: number
  readonly deviceRowHeight: number
  readonly ratio: number
}
/** Lines around or across a box: a match, a frame only the comparison has, one only the baseline has, a folded one. */
export type Edge = 'new' | 'gone' | 'folded' | 'match'

export interface Renderer {
  /** Clears the surface; sets its size where it changed. */
  begin(surface: Surface): void
  fillBoxes(boxes: BoxColumns, fill: string): void
  drawEdges(boxes: BoxColumns, edge: Edge, color: string): void
  drawLabels(labels: readonly Label[], fill: string): void
  /** Width of a text in device pixels. */
  measure(text: string): number
}

// How does a visible part of the graph become boxes, edges and labels? Row by row into queues per colour, then queue by
// queue onto the renderer: switching colours is what costs, not rectangles. The queues are kept between redraws.

import { shorten } from '#profile/picture/clean-name'
import type { Coloring } from '#profile/picture/colors'
import { barSign, nodeName, presence } from '#profile/picture/describe'
import type { GraphModel } from '#profile/picture/graph-model'
import { FOLDED_NAME } from '#profile/tree/call-tree'
import type { BoxColumns, Edge, Label, Renderer } from './renderer.ts'
import { cssLevelTop, type Viewport, visibleLevels } from './viewport.ts'
import { makeRow, readRow, type VisibleRow } from './visible-row.ts'

const LABEL_CSS_MIN = 22 // under it not even three letters fit
const LABEL_CSS_PADDING = 4

export interface PaintInput {
  readonly model: GraphModel
  readonly view: Viewport
  readonly coloring: Coloring
  /** Frames that match the search (1); the others are muted. Absent: no search. */
  readonly frameMask?: Uint8Array | undefined
  /** Frame whose boxes are all outlined, chosen in the table. */
  readonly markedFrame?: number | undefined
  /** Colour of outlines and hatching. */
  readonly edgeColor: string
  readonly mutedText: string
}

/** A painter with its own scratch space; one per canvas.
 *  cost  of `paint`: pieces of the visible rows, bounded by the pixels; labels in a second pass */
export function makePainter(renderer: Renderer): (input: PaintInput) => void {
  const row: VisibleRow = makeRow()
  const fills: BoxColumns[] = []
  const edges: Record<Edge, BoxColumns> = {
    new: makeBoxes(),
    gone: makeBoxes(),
    folded: makeBoxes(),
    match: makeBoxes(),
  }

  return (input) => {
    const { model, view, coloring, frameMask, markedFrame } = input
    const { ratio } = view
    const deviceRowHeight = Math.round(view.cssRowHeight * ratio)
    renderer.begin({
      deviceWidth: Math.round(view.cssWidth * ratio),
      deviceHeight: Math.round(view.cssHeight * ratio),
      deviceRowHeight,
      ratio,
    })
    while (fills.length < coloring.styles.length) fills.push(makeBoxes())
    for (const boxes of fills) boxes.count = 0
    for (const boxes of Object.values(edges)) boxes.count = 0
    const labels = new Map<string, Label[]>()

    const { first, end } = visibleLevels(view)
    for (let level = first; level < end; level++) {
      readRow(model.boxes, view, level, row)
      const top = Math.round(cssLevelTop(view, level) * ratio)
      for (let i = 0; i < row.count; i++) {
        const left = row.deviceLeft[i]!
        const width = row.deviceRight[i]! - left
        if (row.isRun[i] === 1) {
          push(fills[coloring.muted]!, left, top, width)
          continue
        }
        const node = row.node[i]!
        const frame = model.frame[node]!
        const isMuted = frameMask !== undefined && frameMask[frame] === 0
        const styleId = isMuted ? coloring.muted : coloring.styleOfNode(node)
        push(fills[styleId]!, left, top, width)
        const edge = edgeOf(model, node)
        if (edge !== undefined) push(edges[edge], left, top, width)
        if (frame === markedFrame) push(edges.match, left, top, width)
        if (width < LABEL_CSS_MIN * ratio) continue
        const text = fitLabel(renderer, model, node, width - 2 * LABEL_CSS_PADDING * ratio)
        if (text === '') continue
        const color = isMuted ? input.mutedText : coloring.styles[styleId]!.text
        const label = { text, deviceLeft: left + Math.round(LABEL_CSS_PADDING * ratio), deviceTop: top }
        const queue = labels.get(color)
        if (queue === undefined) labels.set(color, [label])
        else queue.push(label)
      }
    }
    for (let id = 0; id < coloring.styles.length; id++)
      if (fills[id]!.count > 0) renderer.fillBoxes(fills[id]!, coloring.styles[id]!.fill)
    for (const edge of ['folded', 'gone', 'new', 'match'] as const)
      if (edges[edge].count > 0) renderer.drawEdges(edges[edge], edge, input.edgeColor)
    for (const [color, queue] of labels) renderer.drawLabels(queue, color)
  }
}

function edgeOf(model: GraphModel, node: number): Edge | undefined {
  if (model.frames.name[model.frame[node]!] === FOLDED_NAME && (model.drawn.folded?.[node] ?? 0) > 0)
    return 'folded'
  return presence(model, node)
}

const LETTERS_BESIDE_MARK = 5 // fewer letters of a name say less than the name without its mark

/** The name, cut on the right to what fits; in a diff with its sign, or at least its mark, behind it.
 *  An empty text means that nothing legible fits. */
export function fitLabel(renderer: Renderer, model: GraphModel, node: number, deviceRoom: number): string {
  const name = nodeName(model, node)
  const sign = barSign(model, node)
  if (sign === '') return cutRight(renderer, name, deviceRoom)
  const full = `${name}  ${sign}`
  if (renderer.measure(full) <= deviceRoom) return full
  const ending = ` ${sign[0]}` // ▲ or ▼
  const cut = cutRight(renderer, name, deviceRoom - renderer.measure(ending))
  return cut.length >= LETTERS_BESIDE_MARK || cut === name
    ? cut + ending
    : cutRight(renderer, name, deviceRoom)
}

function cutRight(renderer: Renderer, text: string, deviceRoom: number): string {
  const long = shorten(text, 400) // no bar is wider than that, and no name should cost more
  if (renderer.measure(long) <= deviceRoom) return long
  const advance = renderer.measure('0')
  let letters = Math.floor(deviceRoom / advance) - 1
  while (letters > 1 && renderer.measure(`${long.slice(0, letters)}…`) > deviceRoom) letters--
  return letters > 1 ? `${long.slice(0, letters)}…` : ''
}

const makeBoxes = (capacity = 256): BoxColumns => ({
  count: 0,
  left: new Int32Array(capacity),
  top: new Int32Array(capacity),
  width: new Int32Array(capacity),
})

function push(boxes: BoxColumns, left: number, top: number, width: number): void {
  if (boxes.count === boxes.left.length) {
    const bigger = makeBoxes(boxes.left.length * 2)
    bigger.left.set(boxes.left)
    bigger.top.set(boxes.top)
    bigger.width.set(boxes.width)
    Object.assign(boxes, bigger, { count: boxes.count })
  }
  const i = boxes.count++
  boxes.left[i] = left
  boxes.top[i] = top
  boxes.width[i] = width
}

// How does the picture get onto a canvas? Colour by colour, text last, everything on whole device pixels.
import type { BoxColumns, Edge, Label, Renderer, Surface } from './renderer.ts'

const FONT_CSS_PX = 12
const EXTRA_WIDTHS_MAX = 20_000 // measured names kept; a page of profiles has a few thousand

export interface CanvasFont {
  /** A monospace family: the width of ASCII text is then a product. */
  readonly family: string
}

/** The renderer on a canvas of its own. The canvas's CSS size is the caller's. */
export function canvasRenderer(canvas: HTMLCanvasElement, font: CanvasFont): Renderer {
  const context = canvas.getContext('2d', { alpha: true })
  if (context === null)
    throw new Error('This browser gave no 2D canvas: the graph cannot be drawn, the table can.')
  let surface: Surface = { deviceWidth: 0, deviceHeight: 0, deviceRowHeight: 0, ratio: 1 }
  let fontText = ''
  let advance = 0
  const extraWidths = new Map<string, number>()

  const measure = (text: string): number => {
    if (isAscii(text)) return text.length * advance
    let width = extraWidths.get(text)
    if (width === undefined) {
      width = context.measureText(text).width
      if (extraWidths.size >= EXTRA_WIDTHS_MAX) extraWidths.clear()
      extraWidths.set(text, width)
    }
    return width
  }

  const begin = (next: Surface): void => {
    surface = next
    // Setting the size clears and resets everything, so it is only done where it must be.
    if (canvas.width !== next.deviceWidth) canvas.width = next.deviceWidth
    if (canvas.height !== next.deviceHeight) canvas.height = next.deviceHeight
    context.clearRect(0, 0, next.deviceWidth, next.deviceHeight)
    const text = `${Math.round(FONT_CSS_PX * next.ratio)}px ${font.family}`
    context.font = text
    if (text !== fontText) {
      fontText = text
      extraWidths.clear()
      advance = context.measureText('0'.repeat(64)).width / 64
    }
    context.textBaseline = 'middle'
  }

  const fillBoxes = (boxes: BoxColumns, fill: string): void => {
    context.fillStyle = fill
    const height = surface.deviceRowHeight - 1 // one device pixel between rows
    for (let i = 0; i < boxes.count; i++) {
      const width = boxes.width[i]!
      // A gap of one device pixel sets neighbours apart where there is room for it.
      context.fillRect(boxes.left[i]!, boxes.top[i]!, width > 2 ? width - 1 : width, height)
    }
  }

  const drawEdges = (boxes: BoxColumns, edge: Edge, color: string): void => {
    context.strokeStyle = color
    const thick = edge === 'new' || edge === 'match' ? 2 : 1
    context.lineWidth = Math.max(1, Math.round(thick * surface.ratio))
    context.setLineDash(edge === 'gone' ? [4 * surface.ratio, 3 * surface.ratio] : [])
    const inset = context.lineWidth / 2
    const height = surface.deviceRowHeight - 1
    for (let i = 0; i < boxes.count; i++) {
      const width = Math.max(1, boxes.width[i]! - 1)
      if (edge === 'folded') hatch(context, boxes.left[i]!, boxes.top[i]!, width, height, surface.ratio)
      else if (width > 2 * context.lineWidth)
        context.strokeRect(
          boxes.left[i]! + inset,
          boxes.top[i]! + inset,
          width - 2 * inset,
          height - 2 * inset,
        )
    }
    context.setLineDash([])
  }

  const drawLabels = (labels: readonly Label[], fill: string): void => {
    context.fillStyle = fill
    const middle = Math.round((surface.deviceRowHeight - 1) / 2) + Math.round(surface.ratio * 0.5)
    for (const label of labels) context.fillText(label.text, label.deviceLeft, label.deviceTop + middle)
  }

  return { begin, fillBoxes, drawEdges, drawLabels, measure }
}

/** Slanted lines: this box stands for many. */
function hatch(
  context: CanvasRenderingContext2D,
  left: number,
  top: number,
  width: number,
  height: number,
  ratio: number,
): void {
  context.save()
  context.beginPath()
  context.rect(left, top, width, height)
  context.clip()
  context.beginPath()
  const step = Math.max(4, Math.round(6 * ratio))
  for (let x = left - height; x < left + width; x += step) {
    context.moveTo(x, top + height)
    context.lineTo(x + height, top)
  }
  context.globalAlpha = 0.35
  context.stroke()
  context.restore()
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 126) return false
  return true
}

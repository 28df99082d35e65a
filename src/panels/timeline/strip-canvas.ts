// How does a series get onto the strip's canvas? Steps filled and edged on whole device pixels, a line where the largest
// value is, and one where nothing is.
import type { StripRun } from './strip-shape.ts'

export interface StripPaint {
  readonly runs: readonly StripRun[]
  readonly cssWidth: number
  readonly cssHeight: number
  /** Above the largest value: room for words. */
  readonly cssTop: number
  /** Device pixels per CSS pixel. */
  readonly ratio: number
  readonly color: string
  readonly lineColor: string
}

const FILL_ALPHA = 0.25

/** Draws all of it anew; a canvas of no size is left alone.    cost O(steps) */
export function paintStrip(canvas: HTMLCanvasElement, paint: StripPaint): void {
  const { runs, ratio } = paint
  const width = Math.round(paint.cssWidth * ratio)
  const height = Math.round(paint.cssHeight * ratio)
  const context = width > 0 && height > 0 ? canvas.getContext('2d') : null
  if (context === null) return
  canvas.width = width // clears, too
  canvas.height = height
  const top = Math.round(paint.cssTop * ratio)
  const base = height - 1
  const x = (unit: number) => Math.round(unit * width)
  // What is there at all is at least a line above the base.
  const y = (share: number) =>
    share > 0 ? Math.min(base - 1, base - Math.round(share * (base - top))) : base
  context.fillStyle = paint.lineColor
  context.fillRect(0, base, width, 1)
  if (runs.length > 0) context.fillRect(0, top, width, 1)
  context.fillStyle = paint.color
  const thick = Math.max(1, Math.round(1.5 * ratio))
  for (const { edges, heights } of runs)
    for (let i = 0; i < heights.length; i++) {
      const left = x(edges[i]!)
      const right = Math.max(x(edges[i + 1]!), left + 1)
      const upper = y(heights[i]!)
      context.globalAlpha = FILL_ALPHA
      context.fillRect(left, upper, right - left, base - upper)
      context.globalAlpha = 1
      context.fillRect(left, Math.min(upper, base - thick + 1), right - left, thick)
      const before = i === 0 ? upper : y(heights[i - 1]!)
      // The step itself: up or down at the border of two.
      if (Math.abs(before - upper) > thick)
        context.fillRect(
          left,
          Math.min(before, upper),
          Math.min(thick, right - left),
          Math.abs(before - upper),
        )
    }
}

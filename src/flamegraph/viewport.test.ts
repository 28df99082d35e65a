import { describe, expect, it } from 'vitest'
import { layoutBoxes } from '#profile/picture/boxes'
import {
  clampScroll,
  cssContentHeight,
  cssLevelTop,
  levelAt,
  scrollIntoView,
  scrollToBase,
  type Viewport,
  visibleLevels,
  zoomRange,
} from './viewport.ts'

const flame: Viewport = {
  unitLeft: 0,
  unitRight: 1,
  levels: 10,
  orientation: 'flame',
  cssWidth: 800,
  cssHeight: 100,
  cssRowHeight: 20,
  cssScrollTop: 100,
  ratio: 1,
}
const icicle: Viewport = { ...flame, orientation: 'icicle', cssScrollTop: 0 }

describe('the rows of a window', () => {
  it('has level 0 on the bottom of a flame graph and on top of an icicle', () => {
    expect(cssLevelTop(flame, 0)).toBe(80)
    expect(cssLevelTop(icicle, 0)).toBe(0)
    expect(visibleLevels(flame)).toEqual({ first: 0, end: 5 })
    expect(visibleLevels(icicle)).toEqual({ first: 0, end: 5 })
  })

  it('finds the level under every pixel of every visible row, in both orientations', () => {
    for (const view of [flame, icicle, { ...flame, cssScrollTop: 37 }, { ...icicle, cssScrollTop: 37 }]) {
      const { first, end } = visibleLevels(view)
      for (let level = first; level < end; level++)
        for (const offset of [0.5, 10, 19.5]) {
          const cssY = cssLevelTop(view, level) + offset
          expect(levelAt(view, cssY), `level ${level} at ${cssY}`).toBe(level)
        }
    }
  })

  it('stands a short flame graph on the bottom of its window, with nothing above', () => {
    const short = { ...flame, levels: 2, cssScrollTop: 0 }
    expect(cssContentHeight(short)).toBe(100)
    expect(cssLevelTop(short, 0)).toBe(80)
    expect(levelAt(short, 10)).toBeUndefined()
    expect(levelAt({ ...short, orientation: 'icicle' }, 90)).toBeUndefined()
  })

  it('shows nothing in a window without height', () => {
    expect(visibleLevels({ ...flame, cssHeight: 0 })).toEqual({ first: 0, end: 0 })
  })
})

describe('scrolling', () => {
  it('opens at the base with two rows of context under a zoomed level', () => {
    expect(scrollToBase(flame, 0)).toBe(100)
    expect(scrollToBase(flame, 4)).toBe(60)
    expect(scrollToBase(icicle, 4)).toBe(40)
  })

  it('never leaves the content', () => {
    expect(clampScroll(flame, -5)).toBe(0)
    expect(clampScroll(flame, 9999)).toBe(100)
    expect(clampScroll({ ...flame, levels: 1 }, 50)).toBe(0)
  })

  it('moves just as far as a hidden row needs, and not at all for a visible one', () => {
    expect(scrollIntoView(icicle, 2)).toBe(0)
    expect(scrollIntoView(icicle, 7)).toBe(60)
    expect(scrollIntoView(flame, 9)).toBe(0)
    expect(scrollIntoView({ ...icicle, cssScrollTop: 60 }, 0)).toBe(0)
  })
})

describe('zoomRange', () => {
  const boxes = layoutBoxes(Uint16Array.of(0, 1, 2, 1, 1), Float64Array.of(10, 4, 4, 6, 0))
  it('fills the width with the node and reaches down to its deepest level', () => {
    expect(zoomRange(boxes, 3)).toEqual({ unitLeft: 0.4, unitRight: 1, levels: 2 })
    expect(zoomRange(boxes, 0)).toEqual({ unitLeft: 0, unitRight: 1, levels: 3 })
  })
  it('leaves the whole picture where the node has no width', () => {
    expect(zoomRange(boxes, 4)).toEqual({ unitLeft: 0, unitRight: 1, levels: 3 })
  })
})

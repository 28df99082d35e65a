import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Boxes, layoutBoxes } from '#profile/picture/boxes'
import { hitTest } from './hit-test.ts'
import { cssLevelTop, type Viewport, visibleLevels, zoomRange } from './viewport.ts'
import { makeRow, readRow } from './visible-row.ts'

const boxes = layoutBoxes(Uint16Array.of(0, 1, 2, 2, 1), Float64Array.of(8, 6, 2, 1, 2))
const window = (over: Partial<Viewport>): Viewport => ({
  unitLeft: 0,
  unitRight: 1,
  levels: 3,
  orientation: 'flame',
  cssWidth: 801,
  cssHeight: 50,
  cssRowHeight: 20,
  cssScrollTop: 0,
  ratio: 1,
  ...over,
})

/** The middle of a node's box in the window. */
function middle(of: Boxes, view: Viewport, node: number) {
  const unit = of.start[node]! + of.width[node]! / 2
  return {
    cssX: ((unit - view.unitLeft) / (view.unitRight - view.unitLeft)) * view.cssWidth,
    cssY: cssLevelTop(view, of.depth[node]!) + view.cssRowHeight / 2,
  }
}

describe('hitTest', () => {
  for (const ratio of [1, 1.5, 2])
    for (const orientation of ['flame', 'icicle'] as const)
      it(`hits every box in its middle at ${ratio} device pixels per CSS pixel, ${orientation}, scrolled and zoomed`, () => {
        for (const cssScrollTop of [0, 10])
          for (const zoom of [0, 1]) {
            const view = window({ ratio, orientation, cssScrollTop, ...zoomRange(boxes, zoom) })
            const shown = zoom === 0 ? [0, 1, 2, 3, 4] : [1, 2, 3]
            for (const node of shown)
              expect(hitTest(boxes, view, middle(boxes, view, node), makeRow())).toMatchObject({
                kind: 'box',
                node,
              })
          }
      })

  it('hits the ancestors of a zoomed node along the whole width', () => {
    const view = window({ ...zoomRange(boxes, 3) })
    const row = makeRow()
    for (const cssX of [0, 400, 800])
      expect(hitTest(boxes, view, { cssX, cssY: cssLevelTop(view, 0) + 5 }, row)).toMatchObject({ node: 0 })
  })

  it('finds nothing over self value, over the top row and outside', () => {
    const view = window({ cssHeight: 100 })
    const onSelf = { cssX: 790, cssY: cssLevelTop(view, 2) + 5 }
    expect(hitTest(boxes, view, onSelf, makeRow())).toBeUndefined()
    expect(hitTest(boxes, view, { cssX: 5, cssY: 5 }, makeRow())).toBeUndefined()
    expect(hitTest(boxes, view, { cssX: -3, cssY: 95 }, makeRow())).toBeUndefined()
  })

  it('gathers neighbours under a pixel into one run that knows how many and how much', () => {
    const children = 5_000
    const depth = Uint16Array.from({ length: children + 2 }, (_, node) => Math.min(node, 1))
    const weight = new Float64Array(children + 2).fill(1)
    weight[0] = 2 * children
    weight[children + 1] = children // a wide one after the crowd
    const crowd = layoutBoxes(depth, weight)
    const view = window({ levels: 2, cssWidth: 400 })
    const row = makeRow()
    const hit = hitTest(crowd, view, { cssX: 100, cssY: cssLevelTop(view, 1) + 5 }, row)
    expect(hit).toMatchObject({ kind: 'run', nodes: children, firstNode: 1, lastNode: children })
    expect(hit?.kind === 'run' && hit.unitWidth).toBeCloseTo(0.5, 9)
    expect(row.count).toBe(2)
    expect(hitTest(crowd, view, { cssX: 300, cssY: cssLevelTop(view, 1) + 5 }, row)).toMatchObject({
      kind: 'box',
      node: children + 1,
    })
  })
})

describe('readRow', () => {
  const level = fc.array(
    fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 1, max: 400 })),
    {
      minLength: 1,
      maxLength: 200,
    },
  )

  it('never overlaps two pieces, never leaves the window, and shows every box of two pixels and more', () => {
    fc.assert(
      fc.property(
        level,
        fc.constantFrom(1, 1.5, 2),
        fc.integer({ min: 1, max: 900 }),
        (weights, ratio, cssWidth) => {
          const sum = weights.reduce((total, weight) => total + weight, 0)
          fc.pre(sum > 0)
          const one = layoutBoxes(
            Uint16Array.of(0, ...weights.map(() => 1)),
            Float64Array.of(sum, ...weights),
          )
          const view = window({ levels: 2, cssWidth, ratio })
          const row = makeRow(1)
          readRow(one, view, 1, row)
          const deviceWidth = Math.round(cssWidth * ratio)
          let edge = 0
          const drawn = new Set<number>()
          for (let i = 0; i < row.count; i++) {
            expect(row.deviceLeft[i]).toBeGreaterThanOrEqual(edge)
            expect(row.deviceRight[i]).toBeGreaterThan(row.deviceLeft[i]!)
            edge = row.deviceRight[i]!
            if (row.isRun[i] === 0) drawn.add(row.node[i]!)
          }
          expect(edge).toBeLessThanOrEqual(deviceWidth)
          for (let node = 1; node < one.depth.length; node++)
            if (one.width[node]! * deviceWidth >= 2) expect(drawn.has(node)).toBe(true)
        },
      ),
    )
  })

  it('leaves no hole where boxes stand side by side', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 300 }), (weights) => {
        const sum = weights.reduce((total, weight) => total + weight, 0)
        const one = layoutBoxes(Uint16Array.of(0, ...weights.map(() => 1)), Float64Array.of(sum, ...weights))
        const row = makeRow()
        const view = window({ levels: 2, cssWidth: 333 })
        readRow(one, view, 1, row)
        let edge = 0
        for (let i = 0; i < row.count; i++) {
          expect(row.deviceLeft[i]! - edge).toBeLessThanOrEqual(1)
          edge = row.deviceRight[i]!
        }
        expect(333 - edge).toBeLessThanOrEqual(1)
      }),
    )
  })

  it('reads no row of a window without width', () => {
    const row = makeRow()
    readRow(boxes, window({ cssWidth: 0 }), 0, row)
    expect(row.count).toBe(0)
    expect(visibleLevels(window({ cssHeight: 0 })).end).toBe(0)
  })
})

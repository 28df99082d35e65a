import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { layoutBoxes } from './boxes.ts'

const lay = (depth: number[], weight: number[]) =>
  layoutBoxes(Uint16Array.from(depth), Float64Array.from(weight))

/** Draws boxes as rows of letters over `columns` cells, root on top; node 0 is a, 1 is b, and so on. */
function draw(boxes: ReturnType<typeof layoutBoxes>, columns: number): string[] {
  const rows: string[] = []
  for (let level = 0; level + 1 < boxes.levelStart.length; level++) {
    const cells = Array<string>(columns).fill(' ')
    for (let place = boxes.levelStart[level]!; place < boxes.levelStart[level + 1]!; place++) {
      const node = boxes.nodeOfLevel[place]!
      const left = Math.round(boxes.start[node]! * columns)
      const right = Math.round((boxes.start[node]! + boxes.width[node]!) * columns)
      cells.fill(String.fromCharCode(97 + node), left, right)
    }
    rows.push(cells.join('').trimEnd())
  }
  return rows
}

describe('layoutBoxes', () => {
  it('stands children left-aligned on their parent, self value left over at the right', () => {
    const boxes = lay([0, 1, 2, 2, 1], [8, 6, 2, 1, 2])
    expect(draw(boxes, 8)).toEqual(['aaaaaaaa', 'bbbbbbee', 'ccd'])
    expect([...boxes.parent]).toEqual([-1, 0, 1, 1, 0])
    expect([...boxes.subtreeEnd]).toEqual([5, 4, 3, 4, 5])
  })

  it('puts the children of a later sibling under that sibling, not under the first', () => {
    expect(draw(lay([0, 1, 2, 1, 2], [8, 4, 1, 4, 3]), 8)).toEqual(['aaaaaaaa', 'bbbbdddd', 'c   eee'])
  })

  it('lays out a lone root', () => {
    expect(draw(lay([0], [3]), 4)).toEqual(['aaaa'])
  })

  it('gives every box width 0 under a root of 0, and no NaN', () => {
    const boxes = lay([0, 1], [0, 0])
    expect([...boxes.start, ...boxes.width]).toEqual([0, 0, 0, 0])
  })

  it('keeps children within their parent where foreign weights do not add up', () => {
    expect(draw(lay([0, 1, 1, 2], [4, 3, 3, 9]), 4)).toEqual(['aaaa', 'bbbc', '   d'])
  })

  it('needs no stack for a chain of 60,000', () => {
    const n = 60_000
    const boxes = layoutBoxes(
      Uint16Array.from({ length: n }, (_, i) => i),
      new Float64Array(n).fill(1),
    )
    expect(boxes.levelStart.length).toBe(n + 1)
    expect(boxes.subtreeEnd[1]).toBe(n)
  })

  it('sorts every level by start, and never lets two boxes of a level overlap', () => {
    const tree = fc
      .array(fc.record({ down: fc.boolean(), up: fc.nat(5), weight: fc.integer({ min: 0, max: 9 }) }), {
        maxLength: 60,
      })
      .map((steps) => {
        const depth = [0]
        for (const step of steps) {
          const last = depth.at(-1)!
          depth.push(step.down ? last + 1 : Math.max(1, last - step.up))
        }
        return lay(depth, [40, ...steps.map((step) => step.weight)])
      })
    fc.assert(
      fc.property(tree, (boxes) => {
        for (let level = 0; level + 1 < boxes.levelStart.length; level++) {
          let edge = 0
          for (let place = boxes.levelStart[level]!; place < boxes.levelStart[level + 1]!; place++) {
            const node = boxes.nodeOfLevel[place]!
            expect(boxes.depth[node]).toBe(level)
            expect(boxes.start[node]).toBeGreaterThanOrEqual(edge - 1e-12)
            edge = boxes.start[node]! + boxes.width[node]!
            const up = boxes.parent[node]!
            if (up >= 0) expect(edge).toBeLessThanOrEqual(boxes.start[up]! + boxes.width[up]! + 1e-12)
          }
        }
      }),
    )
  })
})

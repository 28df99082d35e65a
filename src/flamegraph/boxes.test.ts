import { describe, expect, it } from 'vitest'
import { layoutBoxes } from '#profile/picture/boxes'
import { commonAncestor, levelsUnder } from './boxes.ts'

const lay = (depth: number[], weight: number[]) =>
  layoutBoxes(Uint16Array.from(depth), Float64Array.from(weight))

describe('levelsUnder, commonAncestor', () => {
  const boxes = lay([0, 1, 2, 3, 1, 2], [8, 6, 2, 1, 2, 1])
  it('counts the levels down to the deepest node of a subtree', () => {
    expect([0, 1, 3, 4].map((node) => levelsUnder(boxes, node))).toEqual([4, 4, 4, 3])
  })
  it('finds the deepest node that holds both', () => {
    expect(commonAncestor(boxes, 2, 3)).toBe(2)
    expect(commonAncestor(boxes, 3, 5)).toBe(0)
    expect(commonAncestor(boxes, 5, 5)).toBe(5)
  })
})

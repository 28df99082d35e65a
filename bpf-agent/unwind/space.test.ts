import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSpace } from './space.ts'

describe('a space', () => {
  it('gives the first gap that is large enough', () => {
    const space = createSpace(10)
    expect([space.take(3), space.take(3), space.take(3)]).toEqual([0, 3, 6])
    space.give(0, 3)
    space.give(6, 3)
    // ...###....
    expect([space.take(4), space.take(2), space.take(2)]).toEqual([6, 0, -1])
  })
  it('joins neighbours, so that all of it can be taken again', () => {
    const space = createSpace(9)
    for (let i = 0; i < 9; i++) space.take(1)
    for (const unit of [1, 3, 2, 8, 0, 7, 5, 6, 4]) space.give(unit, 1)
    expect([space.used, space.take(9)]).toEqual([0, 0])
  })
  it('says no when it is full, empty of size, or asked for more than it is', () => {
    expect(createSpace(0).take(1)).toBe(-1)
    expect(createSpace(4).take(5)).toBe(-1)
    const full = createSpace(4)
    full.take(4)
    expect(full.take(1)).toBe(-1)
  })
  it('takes no range back that is not taken', () => {
    const space = createSpace(8)
    space.take(4)
    for (const [first, n] of [
      [4, 1],
      [3, 2],
      [-1, 2],
      [7, 2],
      [0, 9],
    ] as const)
      expect(() => space.give(first, n)).toThrow('are given back, and are not all taken')
    space.give(1, 2)
    expect(() => space.give(0, 4)).toThrow('not all taken')
  })
  it('never gives a unit to two, in any order of taking and giving', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 9 })), { maxLength: 200 }),
        (steps) => {
          const space = createSpace(40)
          const owner = new Array<number>(40).fill(-1)
          const held: { first: number; n: number; id: number }[] = []
          steps.forEach(([isTaking, n], id) => {
            if (isTaking) {
              const first = space.take(n)
              if (first === -1) {
                expect(longestGap(owner)).toBeLessThan(n)
                return
              }
              expect(owner.slice(first, first + n).every((one) => one === -1)).toBe(true)
              owner.fill(id, first, first + n)
              held.push({ first, n, id })
            } else if (held.length > 0) {
              const [gone] = held.splice(n % held.length, 1)
              owner.fill(-1, gone!.first, gone!.first + gone!.n)
              space.give(gone!.first, gone!.n)
            }
            expect(space.used).toBe(owner.filter((one) => one !== -1).length)
            for (let i = 0; i < 40; i += 8)
              expect(space.isFree(i, i + 8)).toBe(owner.slice(i, i + 8).every((one) => one === -1))
          })
        },
      ),
    )
  })
})

function longestGap(owner: readonly number[]): number {
  let longest = 0
  let gap = 0
  for (const one of owner) {
    gap = one === -1 ? gap + 1 : 0
    longest = Math.max(longest, gap)
  }
  return longest
}

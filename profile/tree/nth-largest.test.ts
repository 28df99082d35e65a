import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nthLargest } from './nth-largest.ts'

describe('nthLargest', () => {
  it('counts equal values each', () => {
    expect(nthLargest(Float64Array.of(5, 7, 7, 1), 2)).toBe(7)
    expect(nthLargest(Float64Array.of(5, 7, 7, 1), 3)).toBe(5)
  })

  it('gives the smallest beyond the length', () => {
    expect(nthLargest(Float64Array.of(3, 2), 9)).toBe(2)
  })

  it('reads a column in the middle of a buffer', () => {
    expect(nthLargest(new Float64Array(Float64Array.of(99, 1, 2, 3, 99).buffer, 8, 3), 1)).toBe(3)
  })

  it('equals sorting, for any doubles that are not negative', () => {
    const value = fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }).map((x) => x + 0)
    fc.assert(
      fc.property(fc.array(value, { minLength: 1 }), fc.nat(), (values, k) => {
        const n = (k % values.length) + 1
        expect(nthLargest(Float64Array.from(values), n)).toBe(values.toSorted((a, b) => b - a)[n - 1])
      }),
    )
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sortByKey } from './sort.ts'

describe('sortByKey', () => {
  it('is a stable sort by key, of any keys below 2^31', () => {
    const key = fc.oneof(fc.nat(2 ** 31 - 1), fc.nat(5), fc.constantFrom(0, 2047, 2048, 2 ** 22, 2 ** 31 - 1))
    fc.assert(
      fc.property(fc.array(key, { maxLength: 300 }), (keys) => {
        const expected = keys.map((key, i) => [key, i]).sort(([one], [other]) => one! - other!)
        expect(sorted(keys)).toEqual(expected)
      }),
    )
  })
  it('works in slices unless there is nothing to do', () => {
    const slices = (keys: readonly number[]) => [...sortByKey(columnsOf(keys))].length
    expect(slices([3, 1, 2])).toBe(3)
    expect(slices([1, 2, 2, 3])).toBe(0)
    expect(slices([])).toBe(0)
  })
})

function sorted(given: readonly number[]): number[][] {
  const work = sortByKey(columnsOf(given))
  for (let slice = work.next(); ; slice = work.next()) {
    if (!slice.done) continue
    const { keys, values } = slice.value
    return Array.from(keys, (key, i) => [key, values[i]!])
  }
}

const columnsOf = (keys: readonly number[]) => ({
  keys: Uint32Array.from(keys),
  values: Uint32Array.from(keys, (_, i) => i),
})

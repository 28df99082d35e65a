import fc from 'fast-check'
import { expect, it } from 'vitest'
import { MaxHeap } from './max-heap.ts'

it('MaxHeap gives the heaviest first, of equal ones the smaller number', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(5)), (weights) => {
      const heap = new MaxHeap((item) => weights[item]!)
      const items = weights.map((_, item) => item)
      for (const item of items.toReversed()) heap.push(item)
      const sorted = items.toSorted((a, b) => weights[b]! - weights[a]! || a - b)
      expect(items.map(() => heap.pop())).toEqual(sorted)
      expect(heap.pop()).toBeUndefined()
    }),
  )
})

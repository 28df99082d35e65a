import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hexNumber } from './hex.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

describe('hexNumber', () => {
  it('reads what toString(16) writes, in small and capital letters', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        const text = `<${value.toString(16)}>`
        expect(hexNumber(bytes(text), 1, text.length - 1)).toBe(value)
        expect(hexNumber(bytes(text.toUpperCase()), 1, text.length - 1)).toBe(value)
      }),
    )
  })
  it.each(['', 'xyz', '12 4', '7f-'])('is NaN for %j', (text) => {
    expect(hexNumber(bytes(text), 0, text.length)).toBeNaN()
  })
})

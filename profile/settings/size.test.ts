import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseSize, printSize } from './size.ts'

const natural = fc.oneof(fc.maxSafeNat(), fc.nat(), fc.nat(5000))
const outcome = (parsed: ReturnType<typeof parseSize>) => (parsed.ok ? parsed.value : parsed.error.message)

describe('sizes', () => {
  it.each([
    ['64MB', 67_108_864],
    ['64MiB', 67_108_864],
    ['64m', 67_108_864],
    ['20GB', 21_474_836_480],
    ['1.5kb', 1536],
    ['0', 0],
    ['17', 17],
    ['17B', 17],
  ])('reads %s', (text, expected) => {
    expect(outcome(parseSize(text))).toBe(expected)
  })

  it.each([
    ['', 'is no size'],
    ['MB', 'is no size'],
    ['-1MB', 'is no size'],
    ['1 MB', 'is no size'],
    ['1XB', 'is no size'],
    ['1.5B', 'part of a byte'],
    ['9999999PB', 'more than 2\\^53'],
  ])('refuses %j and says what a size is', (text, reason) => {
    expect(outcome(parseSize(text))).toMatch(new RegExp(`${reason}.*64MB or 20GB`))
  })

  it('reads what it prints', () => {
    fc.assert(fc.property(natural, (value) => outcome(parseSize(printSize(value))) === value))
  })
})

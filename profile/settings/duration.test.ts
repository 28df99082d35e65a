import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDuration, printDuration } from './duration.ts'

const natural = fc.oneof(fc.maxSafeNat(), fc.nat(), fc.nat(5000))
const outcome = (parsed: ReturnType<typeof parseDuration>) =>
  parsed.ok ? parsed.value : parsed.error.message

describe('durations', () => {
  it.each([
    ['10s', 10_000],
    ['1h30m', 5_400_000],
    ['500ms', 500],
    ['1.5h', 5_400_000],
    ['1.005s', 1005],
    ['14d', 1_209_600_000],
    ['1m1ms', 60_001],
    ['0', 0],
    ['0s', 0],
  ])('reads %s', (text, expected) => {
    expect(outcome(parseDuration(text))).toBe(expected)
  })

  it.each([
    ['10', 'has no unit'],
    ['', 'is no duration'],
    ['-1s', 'is no duration'],
    ['1 s', 'is no duration'],
    ['1s1h', 'out of order'],
    ['1s1s', 'out of order'],
    ['1y', 'unknown unit y'],
    ['0.5ms', 'finer than a millisecond'],
    ['99999999999999d', 'longer than'],
    ['9'.repeat(65), 'too long'],
  ])('refuses %j and says what a duration is', (text, reason) => {
    expect(outcome(parseDuration(text))).toMatch(new RegExp(`${reason}.*10s, 1h30m or 500ms`))
  })

  it('reads what it prints', () => {
    fc.assert(fc.property(natural, (value) => outcome(parseDuration(printDuration(value))) === value))
  })

  it('never throws', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 80 }), (text) => typeof parseDuration(text).ok === 'boolean'),
    )
  })
})

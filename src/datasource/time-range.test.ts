import { describe, expect, it } from 'vitest'
import { ms, type TimeRange } from '#profile/model/units'
import { baselineRange, widenRange } from './time-range.ts'

const range = (fromMs: number, toMs: number): TimeRange => ({ fromMs: ms(fromMs), toMs: ms(toMs) })
const T = 1_700_000_000_000

describe('widenRange', () => {
  it('goes out to whole windows and one more on each side of a span of 212 ms', () => {
    expect(widenRange(range(T + 5_100, T + 5_312))).toEqual({
      fromMs: T - 10_000,
      toMs: T + 20_000,
      isWidened: true,
    })
  })

  it('leaves a range of 10 s and more alone, but for fractions of a millisecond', () => {
    expect(widenRange(range(T + 0.5, T + 60_000.2))).toEqual({
      fromMs: T,
      toMs: T + 60_001,
      isWidened: false,
    })
  })
})

describe('baselineRange', () => {
  const comparison = range(T, T + 600_000)

  it('is the time of equal length just before when nothing is said', () => {
    expect(baselineRange(comparison, undefined)).toEqual({ ok: true, value: range(T - 600_000, T) })
  })

  it('is shifted back as a whole', () => {
    expect(baselineRange(comparison, { shift: '1h30m' })).toEqual({
      ok: true,
      value: range(T - 5_400_000, T - 4_800_000),
    })
  })

  it('is its own range where it has one', () => {
    expect(baselineRange(comparison, { from: 1, to: 2, shift: '1h' })).toEqual({
      ok: true,
      value: range(1, 2),
    })
  })

  it.each([['1 fortnight'], ['-1h'], ['']])('refuses %j, and shows how a shift is written', (shift) => {
    const answer = baselineRange(comparison, { shift })
    expect(answer.ok ? '' : answer.error.message).toMatch(/is no time shift.*like 1h, 30m or 7d/)
  })
})

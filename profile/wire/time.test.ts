import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseTime } from './time.ts'

const NOW = Date.UTC(2026, 10, 24, 10)
const moment = (value: string | number) => {
  const parsed = parseTime(value, NOW)
  return parsed.ok ? parsed.value : parsed.error.message
}

describe('moments', () => {
  it.each<[string | number, number]>([
    ['now', NOW],
    ['now-1h30m', NOW - 5_400_000],
    ['now+10s', NOW + 10_000],
    ['2026-11-24T10:00:00Z', NOW],
    ['2026-11-24t12:00:00.5+02:00', NOW + 500],
    ['2026-11-24T04:30:00.123456789-05:30', NOW + 123],
    ['0001-01-01T00:00:00Z', -62_135_596_800_000],
    ['1795514400', 1_795_514_400_000],
    ['1795514400123', 1_795_514_400_123],
    ['1795514400123456', 1_795_514_400_123],
    ['1795514400123456789', 1_795_514_400_123],
    [1_795_514_400_123.7, 1_795_514_400_123],
    [0, 0],
  ])('reads %s', (value, expected) => {
    expect(moment(value)).toBe(expected)
  })

  it.each<[string | number, string]>([
    ['', 'is no time'],
    ['yesterday', 'is no time'],
    ['now-', 'is no duration'],
    ['now-1h/h', 'is no duration'],
    ['now1h', 'is no time'],
    ['now+100000000d', 'beyond the calendar'],
    ['17955144', 'has 8 digits'],
    ['2026-11-24', 'is no time'],
    ['2026-11-24T10:00:00', 'is no time'],
    ['2026-02-30T10:00:00Z', 'not in the calendar'],
    ['2026-13-01T10:00:00Z', 'not in the calendar'],
    ['2026-11-24T24:00:00Z', 'not in the calendar'],
    ['2026-11-24T10:00:00+24:00', 'not in the calendar'],
    [Number.NaN, 'no moment'],
    [Number.POSITIVE_INFINITY, 'no moment'],
    [1e300, 'no moment'],
  ])('refuses %s and says what a time is', (value, reason) => {
    expect(moment(value)).toContain(reason)
    expect(moment(value)).toContain('a time is now, now-1h30m, RFC 3339')
  })

  it('reads every moment that a Date prints', () => {
    const date = fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true })
    fc.assert(fc.property(date, (some) => moment(some.toISOString()) === some.getTime()))
  })

  it('never throws', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (text) => typeof parseTime(text, NOW).ok === 'boolean'),
    )
  })
})

// When? People and programs write moments in five ways; a query needs epoch milliseconds.
import { failure, type Result, success } from '../model/result.ts'
import { parseDuration } from '../settings/duration.ts'

const EXPECTED =
  'a time is now, now-1h30m, RFC 3339 (2026-11-24T10:00:00Z), or an epoch of 10 (s), 13 (ms), 16 (µs) or 19 (ns) digits'
/** Digits of an epoch between 2001 and 2286, and its units per millisecond. */
const EPOCHS: ReadonlyMap<number, number> = new Map([
  [10, 1e-3],
  [13, 1],
  [16, 1e3],
  [19, 1e6],
])
const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$/
const MOMENT_MAX = 8.64e15 // the last moment a Date can hold

/** Parses a moment to epoch milliseconds, whole ones (finer parts are floored).
 *  in   value  a number is epoch milliseconds; a text is one of the forms of EXPECTED
 *       nowMs  what `now` means */
export function parseTime(value: string | number, nowMs: number): Result<number> {
  if (typeof value === 'number') {
    const isMoment = Math.abs(value) <= MOMENT_MAX
    return isMoment
      ? success(Math.floor(value))
      : failure(`${value} is no moment in milliseconds; ${EXPECTED}`)
  }
  const shown = `"${value.slice(0, 40)}"`
  const perMs = /^\d+$/.test(value) ? EPOCHS.get(value.length) : undefined
  if (perMs !== undefined) {
    // Nanoseconds exceed 2^53: their last six digits are cut as text.
    return success(perMs < 1 ? Number(value) * 1000 : Number(value.slice(0, 13)))
  }
  if (/^\d+$/.test(value)) return failure(`${shown} has ${value.length} digits; ${EXPECTED}`)
  if (value === 'now') return success(Math.floor(nowMs))
  if (value.startsWith('now')) return parseRelative(value, nowMs)
  const parts = RFC_3339.exec(value)
  if (parts === null) return failure(`${shown} is no time; ${EXPECTED}`)
  return parseCalendar(parts, shown)
}

function parseRelative(value: string, nowMs: number): Result<number> {
  const sign = value[3] === '-' ? -1 : value[3] === '+' ? 1 : 0
  const duration = sign === 0 ? undefined : parseDuration(value.slice(4))
  if (duration === undefined || !duration.ok) {
    const why = duration === undefined ? 'is no time' : `: ${duration.error.message}`
    return failure(`"${value.slice(0, 40)}" ${why}; ${EXPECTED}`)
  }
  const moment = Math.floor(nowMs) + sign * duration.value
  const isMoment = Math.abs(moment) <= MOMENT_MAX
  return isMoment ? success(moment) : failure(`"${value}" is beyond the calendar; ${EXPECTED}`)
}

function parseCalendar(parts: RegExpExecArray, shown: string): Result<number> {
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  date.setUTCHours(hour, minute, Math.min(second, 59)) // a leap second is the second before it
  const isReal = date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour < 24 && minute < 60
  const zone = parts[8]!
  const [zoneHour, zoneMinute] = zone.length > 1 ? zone.slice(1).split(':').map(Number) : [0, 0]
  if (!isReal || second > 60 || zoneHour! > 23 || zoneMinute! > 59)
    return failure(`${shown} is not in the calendar; ${EXPECTED}`)
  const zoneMs = (zoneHour! * 60 + zoneMinute!) * 60_000 * (zone[0] === '-' ? -1 : 1)
  const fractionMs = Number((parts[7] ?? '.0').slice(1, 4).padEnd(3, '0'))
  return success(date.getTime() - zoneMs + fractionMs)
}

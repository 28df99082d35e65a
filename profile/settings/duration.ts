// How long? People write 10s, 1h30m, 500ms; the programs count milliseconds.
import { failure, type Result, success } from '../model/result.ts'

/** Descending: the order in which they may stand. */
const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const
const EXPECTED = 'a duration is numbers with units d, h, m, s, ms, largest first, such as 10s, 1h30m or 500ms'
const LENGTH_MAX = 64 // five units of ten digits each fit

/** Parses a duration to whole milliseconds, 0 to 2^53 - 1. Decimals are allowed (1.5h); spaces, signs and numbers
 *  without a unit are not, except for 0. */
export function parseDuration(text: string): Result<number> {
  if (text === '0') return success(0)
  if (text.length > LENGTH_MAX) return failure(`"${text.slice(0, 20)}…" is too long; ${EXPECTED}`)
  if (/^\d+(\.\d+)?$/.test(text)) return failure(`"${text}" has no unit; ${EXPECTED}`)
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|[a-z])/g)]
  if (parts.length === 0 || parts.map(([all]) => all).join('') !== text)
    return failure(`"${text}" is no duration; ${EXPECTED}`)
  let total = 0
  let next = 0
  for (const [all, digits, unit] of parts) {
    const row = UNITS.findIndex(([name]) => name === unit)
    if (row < 0) return failure(`"${all}" has the unknown unit ${unit}; ${EXPECTED}`)
    if (row < next) return failure(`"${text}" has ${unit} out of order; ${EXPECTED}`)
    next = row + 1
    total += Number(digits) * UNITS[row]![1]
  }
  // 0.1 + 0.2 in seconds must still be whole milliseconds: floats are rounded, real fractions refused.
  const whole = Math.round(total)
  if (Math.abs(total - whole) > 1e-6) return failure(`"${text}" is finer than a millisecond; ${EXPECTED}`)
  if (!Number.isSafeInteger(whole)) return failure(`"${text}" is longer than 2^53 milliseconds; ${EXPECTED}`)
  return success(whole)
}

/** Prints whole milliseconds ≥ 0 so that `parseDuration` gives the same number back: 5400000 → 1h30m, 0 → 0s. */
export function printDuration(milliseconds: number): string {
  let rest = milliseconds
  let text = ''
  for (const [name, size] of UNITS) {
    const count = Math.floor(rest / size)
    if (count > 0) text += `${count}${name}`
    rest -= count * size
  }
  return text === '' ? '0s' : text
}

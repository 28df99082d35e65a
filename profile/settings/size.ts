// How many bytes? People write 64MB and mean powers of 1024, as memory and disk quotas do.
import { failure, type Result, success } from '../model/result.ts'

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'] as const
const EXPECTED = 'a size is a number with B, KB, MB, GB or TB (powers of 1024), such as 64MB or 20GB'

/** Parses a size to whole bytes, 0 to 2^53 - 1. `64MB`, `64MiB`, `64m` and `67108864` are the same; 1.5GB is allowed. */
export function parseSize(text: string): Result<number> {
  const match = text.length > 64 ? null : /^(\d+(?:\.\d+)?)([kmgtp]?)(i?b)?$/i.exec(text)
  if (match === null) return failure(`"${text.slice(0, 40)}" is no size; ${EXPECTED}`)
  const power = match[2] === '' ? 0 : 'kmgtp'.indexOf(match[2]!.toLowerCase()) + 1
  const bytes = Number(match[1]) * 1024 ** power
  if (bytes > Number.MAX_SAFE_INTEGER) return failure(`"${text}" is more than 2^53 bytes; ${EXPECTED}`)
  const whole = Math.round(bytes)
  if (power === 0 && whole !== bytes) return failure(`"${text}" is a part of a byte; ${EXPECTED}`)
  return success(whole)
}

/** Prints whole bytes ≥ 0 in the largest unit that is exact, so that `parseSize` gives the same number back. */
export function printSize(bytes: number): string {
  let power = 0
  let count = bytes
  while (count > 0 && count % 1024 === 0 && power < UNITS.length - 1) {
    count /= 1024
    power++
  }
  return `${count}${UNITS[power]}`
}

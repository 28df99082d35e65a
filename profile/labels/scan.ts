// What stands at this place of a selector? The pieces that parser and completion share: names, operators, strings.
// Nothing here throws or loops back: each function reads forward once from `at`, a position in UTF-16 code units.
import type { MatchOperator } from './matcher.ts'

export interface ScannedString {
  readonly value: string
  /** After the closing quote; the end of the text when there is none. */
  readonly end: number
  readonly isClosed: boolean
  /** The first escape that means nothing. */
  readonly fault?: { readonly message: string; readonly position: number }
}

export function skipSpace(text: string, at: number): number {
  let end = at
  while (end < text.length && ' \t\r\n'.includes(text[end]!)) end++
  return end
}

/** End of the bare name at `at`; `at` itself if none begins there. Dots are our extension of Prometheus' names. */
export function scanName(text: string, at: number): number {
  if (!/[A-Za-z_]/.test(text[at] ?? '')) return at
  let end = at + 1
  while (end < text.length && /[A-Za-z0-9_.]/.test(text[end]!)) end++
  return end
}

export function scanOperator(text: string, at: number): MatchOperator | undefined {
  const two = text.slice(at, at + 2)
  if (two === '!=' || two === '=~' || two === '!~') return two
  return text[at] === '=' ? '=' : undefined
}

export const isQuote = (character: string | undefined): character is '"' | "'" | '`' =>
  character === '"' || character === "'" || character === '`'

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['a', '\x07'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['v', '\v'],
  ['\\', '\\'],
  ['"', '"'],
  ["'", "'"],
])
/** Escapes with hexadecimal digits: letter → how many. */
const HEX_DIGITS: ReadonlyMap<string, number> = new Map([
  ['x', 2],
  ['u', 4],
  ['U', 8],
])

/** Reads the quoted string whose opening quote stands at `at`; in backquotes nothing is an escape. */
export function scanString(text: string, at: number): ScannedString {
  const quote = text[at]!
  const parts: string[] = []
  let fault: ScannedString['fault']
  let start = at + 1
  for (let i = start; i < text.length; i++) {
    if (text[i] === quote) {
      parts.push(text.slice(start, i))
      return { value: parts.join(''), end: i + 1, isClosed: true, ...(fault && { fault }) }
    }
    if (text[i] !== '\\' || quote === '`') continue
    parts.push(text.slice(start, i))
    const read = scanEscape(text, i)
    if (read.value === undefined)
      fault ??= { position: i, message: `unknown escape ${text.slice(i, i + 2)} at ${i}: ${ESCAPE_CURE}` }
    else parts.push(read.value)
    start = i + read.length
    i = start - 1
  }
  parts.push(text.slice(start))
  return { value: parts.join(''), end: text.length, isClosed: false, ...(fault && { fault }) }
}

const ESCAPE_CURE = 'write a backslash twice, or the whole value in `backquotes`'

function scanEscape(
  text: string,
  at: number,
): { readonly value: string | undefined; readonly length: number } {
  const letter = text[at + 1] ?? ''
  const simple = ESCAPES.get(letter)
  if (simple !== undefined) return { value: simple, length: 2 }
  const digits = HEX_DIGITS.get(letter)
  if (digits === undefined) return { value: undefined, length: 2 }
  const hex = text.slice(at + 2, at + 2 + digits)
  if (hex.length < digits || !/^[0-9a-fA-F]+$/.test(hex)) return { value: undefined, length: 2 }
  const code = Number.parseInt(hex, 16)
  // \xHH is a byte in Go: above 7f it would be a piece of UTF-8, which the reader of a selector should not have to count.
  const isAllowed = letter === 'x' ? code < 0x80 : code <= 0x10ffff && (code < 0xd800 || code > 0xdfff)
  return { value: isAllowed ? String.fromCodePoint(code) : undefined, length: 2 + digits }
}

/** A string as both sides read it: in double quotes, with control characters escaped. */
export function quoteString(value: string): string {
  const inside = value.replace(/[\\"\x00-\x1f\x7f]/g, (character) => {
    if (character === '\\' || character === '"') return `\\${character}`
    if (character === '\n') return '\\n'
    if (character === '\r') return '\\r'
    if (character === '\t') return '\\t'
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
  return `"${inside}"`
}

/** A label name as a selector takes it: bare where the grammar allows, else quoted. */
export const printName = (name: string): string =>
  name !== '' && scanName(name, 0) === name.length ? name : quoteString(name)

// What may stand at the cursor of a half-written selector? A name, an operator, a value under all the other matchers, or
// nothing. Text that does not parse is the normal case here: every broken matcher is stepped over up to its comma.
import type { Matcher } from './matcher.ts'
import { isQuote, printName, quoteString, scanName, scanOperator, scanString, skipSpace } from './scan.ts'

export interface Completion {
  readonly kind: 'name' | 'operator' | 'value' | 'none'
  /** What stands between `from` and the cursor, unescaped: what a candidate should begin with. */
  readonly prefix: string
  /** The text to replace. For a value it lies inside the quotes, if there are any. */
  readonly from: number
  readonly to: number
  /** The label whose value is asked for. */
  readonly label?: string
  /** The quote that is open at the cursor; absent outside of a string. */
  readonly quote?: '"' | "'" | '`'
  /** Whether that quote is closed later. */
  readonly isClosed?: boolean
  /** All whole matchers but the one at the cursor, in order. */
  readonly others: readonly Matcher[]
}

/** One stretch between braces and commas; `at…` are positions, NaN where that part is not there. */
interface Piece {
  readonly start: number
  readonly end: number
  readonly matcher?: Matcher
  readonly completion?: Omit<Completion, 'others'>
}

const NOTHING = { kind: 'none', prefix: '' } as const

/** Tells what the text at `cursor` (0 to its length) asks for.
 *  throws never, whatever the text; cost O(length) */
export function completionAt(text: string, cursor: number): Completion {
  const open = text.search(/[{"'`]/)
  const nothing = { ...NOTHING, from: cursor, to: cursor }
  if (open < 0 || text[open] !== '{' || cursor <= open) return { ...nothing, others: [] }
  const others: Matcher[] = []
  let found: Piece['completion']
  let at = open + 1
  while (at <= text.length) {
    const piece = readPiece(text, at, cursor)
    if (cursor >= piece.start && cursor <= piece.end) found ??= piece.completion ?? nothing
    else if (piece.matcher !== undefined) others.push(piece.matcher)
    if (text[piece.end] !== ',') break
    at = piece.end + 1
  }
  return { ...(found ?? nothing), others }
}

/** The text to put in place of `from` … `to`: the candidate escaped for the quote that stands there, or with quotes of its
 *  own, and closed if the open quote is not. */
export function completionText(completion: Completion, candidate: string): string {
  const { kind, quote, isClosed } = completion
  if (kind === 'name')
    return quote === undefined ? printName(candidate) : insideQuotes(quote, candidate, isClosed)
  if (kind !== 'value') return candidate
  return quote === undefined ? quoteString(candidate) : insideQuotes(quote, candidate, isClosed)
}

function insideQuotes(quote: string, candidate: string, isClosed = false): string {
  const end = isClosed ? '' : quote
  if (quote === '`') return candidate + end // a candidate with a backquote in it cannot be written here at all
  const inside = quoteString(candidate).slice(1, -1)
  return (quote === "'" ? inside.replaceAll("'", "\\'") : inside) + end
}

/** Reads name, operator and value from `start` as far as they are there; the piece ends at its comma, brace or the end. */
function readPiece(text: string, start: number, cursor: number): Piece {
  const nameAt = skipSpace(text, start)
  const name = readWord(text, nameAt)
  const operatorAt = skipSpace(text, name.end)
  const operator = scanOperator(text, operatorAt)
  const valueAt = skipSpace(text, operatorAt + (operator?.length ?? 0))
  const value = operator !== undefined && isQuote(text[valueAt]) ? scanString(text, valueAt) : undefined
  const end = endOfPiece(text, value?.end ?? valueAt)
  const matcher: Matcher | undefined =
    operator !== undefined && value?.isClosed === true && name.text !== ''
      ? { name: name.text, operator, value: value.value }
      : undefined
  const completion = completionIn()
  return { start, end, ...(matcher && { matcher }), ...(completion && { completion }) }

  function completionIn(): Piece['completion'] {
    if (cursor <= name.end) return nameCompletion(text, Math.min(nameAt, cursor), name, cursor)
    if (operator === undefined || cursor < operatorAt + operator.length) {
      const end = operatorAt + (operator?.length ?? (text[operatorAt] === '!' ? 1 : 0))
      if (name.text === '' || cursor > end) return undefined
      const from = Math.min(operatorAt, cursor)
      return { kind: 'operator', prefix: text.slice(from, cursor), from, to: end }
    }
    const label = name.text
    if (value === undefined) {
      const from = Math.min(valueAt, cursor)
      const to = Math.max(cursor, endOfBareValue(text, valueAt))
      return { kind: 'value', prefix: text.slice(from, cursor), from, to, label }
    }
    if (cursor <= valueAt) return { ...NOTHING, from: cursor, to: cursor }
    const isClosed = value.isClosed
    if (isClosed && cursor >= value.end) return undefined
    return {
      kind: 'value',
      prefix: scanString(text.slice(0, cursor), valueAt).value,
      from: valueAt + 1,
      to: isClosed ? value.end - 1 : cursor,
      label,
      quote: text[valueAt] as '"',
      isClosed,
    }
  }
}

interface Word {
  readonly text: string
  readonly end: number
  readonly quote?: '"' | "'" | '`'
  readonly isClosed?: boolean
}

function readWord(text: string, at: number): Word {
  const quote = text[at]
  if (!isQuote(quote)) {
    const end = scanName(text, at)
    return { text: text.slice(at, end), end }
  }
  const { value, end, isClosed } = scanString(text, at)
  return { text: value, end, quote, isClosed }
}

function nameCompletion(text: string, at: number, name: Word, cursor: number): Piece['completion'] {
  if (name.quote === undefined)
    return { kind: 'name', prefix: text.slice(at, cursor), from: at, to: Math.max(cursor, name.end) }
  if (cursor <= at || (name.isClosed === true && cursor === name.end)) return undefined
  return {
    kind: 'name',
    prefix: scanString(text.slice(0, cursor), at).value,
    from: at + 1,
    to: name.isClosed === true ? name.end - 1 : cursor,
    quote: name.quote,
    isClosed: name.isClosed === true,
  }
}

/** The comma or brace that ends a piece, strings stepped over; the end of the text if there is none. */
function endOfPiece(text: string, at: number): number {
  let end = at
  while (end < text.length && text[end] !== ',' && text[end] !== '}') {
    end = isQuote(text[end]) ? scanString(text, end).end : end + 1
  }
  return end
}

function endOfBareValue(text: string, at: number): number {
  let end = at
  while (end < text.length && !' \t\r\n,}"\'`'.includes(text[end]!)) end++
  return end
}

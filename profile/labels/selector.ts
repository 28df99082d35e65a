// What does `cpu{service_name="api",pod=~"web-.+"}` ask for? A profile type, perhaps, and matchers; and back to text.
// Refuses with the position of the first fault. Whether the type exists, and whether a regex compiles, is asked
// elsewhere (model/profile-type.ts, check-selector.ts): this file is in the plugin's bundle, the regex engine is not.
//
//   query    = [ type ] [ "{" [ matcher { "," matcher } [ "," ] ] "}" ]
//   matcher  = name operator string        operator = "=" | "!=" | "=~" | "!~"
//   name     = [A-Za-z_][A-Za-z0-9_.]* | string        string = "…" | '…' | `…`
import { failure, type Result, success } from '../model/result.ts'
import { MATCHERS_MAX, REGEX_BYTES_MAX, SELECTOR_BYTES_MAX } from './limits.ts'
import type { Matcher } from './matcher.ts'
import { isQuote, printName, quoteString, scanName, scanOperator, scanString, skipSpace } from './scan.ts'

export interface Selector {
  /** Profile type id or alias as it stands in front of the brace; undefined if there is none. */
  readonly type: string | undefined
  readonly matchers: readonly Matcher[]
}
export interface ParsedSelector extends Selector {
  /** Where the value of each matcher begins in the text: its opening quote. */
  readonly valuePositions: readonly number[]
}

/** Reads a selector; "" and "{}" select everything.
 *  errors  what was found, what is allowed, and the zero-based position, as in "unclosed string at 14"
 *  cost    O(length) */
export function parseSelector(text: string): Result<ParsedSelector> {
  const bytes = byteLength(text)
  if (bytes > SELECTOR_BYTES_MAX)
    return failure(`the selector has ${bytes} bytes; at most ${SELECTOR_BYTES_MAX} are allowed: shorten it`)
  const start = skipSpace(text, 0)
  const typeEnd = scanType(text, start)
  const type = typeEnd > start ? text.slice(start, typeEnd) : undefined
  const at = skipSpace(text, typeEnd)
  if (at === text.length) return success({ type, matchers: [], valuePositions: [] })
  if (text[at] !== '{') {
    const cure =
      scanOperator(text, at) === undefined ? '' : ': put the matchers in braces, {service_name="api"}'
    return failure(`expected { at ${at}, got ${seen(text, at)}${cure}`, at)
  }
  const braces = parseBraces(text, at)
  if (!braces.ok) return braces
  const { matchers, valuePositions, end } = braces.value
  const rest = skipSpace(text, end)
  if (rest < text.length) return failure(`expected the end after } at ${rest}, got ${seen(text, rest)}`, rest)
  return success({ type, matchers, valuePositions })
}

/** Writes a selector that `parseSelector` reads back as the same: names bare where they can be, values in double quotes.
 *  throws  if `type` has a character that no type can have in a selector (blanks, braces, quotes, operators) */
export function printSelector(selector: {
  readonly type?: string | undefined
  readonly matchers: readonly Matcher[]
}): string {
  const { type = '', matchers } = selector
  if (scanType(type, 0) !== type.length)
    throw new Error(`a profile type cannot be ${JSON.stringify(type)} in a selector`)
  const inside = matchers.map(({ name, operator, value }) => printName(name) + operator + quoteString(value))
  return `${type}{${inside.join(',')}}`
}

interface Token {
  readonly text: string
  readonly end: number
}

function parseBraces(
  text: string,
  open: number,
): Result<Pick<ParsedSelector, 'matchers' | 'valuePositions'> & { readonly end: number }> {
  const matchers: Matcher[] = []
  const valuePositions: number[] = []
  let at = skipSpace(text, open + 1)
  while (text[at] !== '}') {
    if (at === text.length) return failure(`unclosed { at ${open}: end it with }`, open)
    if (matchers.length === MATCHERS_MAX)
      return failure(`more than ${MATCHERS_MAX} matchers at ${at}: put alternatives into one =~`, at)
    const matcher = parseMatcher(text, at)
    if (!matcher.ok) return matcher
    matchers.push(matcher.value.matcher)
    valuePositions.push(matcher.value.valuePosition)
    at = skipSpace(text, matcher.value.end)
    if (text[at] === ',') at = skipSpace(text, at + 1)
    else if (at < text.length && text[at] !== '}')
      return failure(`expected , or } at ${at}, got ${seen(text, at)}`, at)
  }
  return success({ matchers, valuePositions, end: at + 1 })
}

function parseMatcher(
  text: string,
  at: number,
): Result<{ readonly matcher: Matcher; readonly valuePosition: number; readonly end: number }> {
  const name = parseName(text, at)
  if (!name.ok) return name
  const operatorAt = skipSpace(text, name.value.end)
  const operator = scanOperator(text, operatorAt)
  if (operator === undefined)
    return failure(
      `expected = != =~ or !~ at ${operatorAt}, got ${seen(text, operatorAt)}: a matcher is name="value"`,
      operatorAt,
    )
  const valuePosition = skipSpace(text, operatorAt + operator.length)
  if (!isQuote(text[valuePosition]))
    return failure(
      `expected a quoted value at ${valuePosition}, got ${seen(text, valuePosition)}: write name="value"`,
      valuePosition,
    )
  const value = parseString(text, valuePosition)
  if (!value.ok) return value
  const matcher: Matcher = { name: name.value.text, operator, value: value.value.text }
  const bytes = operator === '=~' || operator === '!~' ? byteLength(matcher.value) : 0
  if (bytes > REGEX_BYTES_MAX)
    return failure(
      `the regex at ${valuePosition} has ${bytes} bytes; at most ${REGEX_BYTES_MAX} are allowed: make it shorter`,
      valuePosition,
    )
  return success({ matcher, valuePosition, end: value.value.end })
}

function parseName(text: string, at: number): Result<Token> {
  if (isQuote(text[at])) {
    const name = parseString(text, at)
    return name.ok && name.value.text === '' ? failure(`empty label name at ${at}: give it a name`, at) : name
  }
  const end = scanName(text, at)
  if (end === at) return failure(`expected a label name at ${at}, got ${seen(text, at)}`, at)
  return success({ text: text.slice(at, end), end })
}

function parseString(text: string, at: number): Result<Token> {
  const { value, end, isClosed, fault } = scanString(text, at)
  if (!isClosed) return failure(`unclosed string at ${at}: end it with ${text[at]}`, at)
  if (fault !== undefined) return failure(fault.message, fault.position)
  return success({ text: value, end })
}

/** End of a profile type: a run without blanks, braces, quotes, commas and operators. */
function scanType(text: string, at: number): number {
  let end = at
  while (end < text.length && !' \t\r\n{}"\'`,=!~'.includes(text[end]!)) end++
  return end
}

/** What stands at a place, for a message: a word or a character, cut. */
function seen(text: string, at: number): string {
  if (at >= text.length) return 'the end'
  const end = Math.max(scanName(text, at), at + 1)
  const code = text.codePointAt(at)! > 0xffff ? 2 : 1
  return JSON.stringify(text.slice(at, Math.min(Math.max(end, at + code), at + 40)))
}

const byteLength = (text: string): number => new TextEncoder().encode(text).length

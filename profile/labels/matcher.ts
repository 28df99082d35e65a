// Does this label set pass? One matcher is a name, an operator and a value, with Prometheus' meaning: a missing label
// equals "", regexes are anchored at both ends, and all matchers must hold.
// Regexes are foreign text: RE2 syntax, matched in linear time by re2js, bounded in length and in program size.
import { RE2JS, RE2JSException } from 're2js'
import type { Labels } from '../model/labels.ts'
import { type Failure, failure, type Result, success } from '../model/result.ts'
import { REGEX_BYTES_MAX, REGEX_PROGRAM_MAX } from './limits.ts'
import { findLabel } from './lookup.ts'

export type MatchOperator = '=' | '!=' | '=~' | '!~'
export interface Matcher {
  readonly name: string
  readonly operator: MatchOperator
  readonly value: string
}

/** Why a matcher cannot be asked: a regex that is too long, too large or not RE2; undefined if it can. */
export function checkMatcher(matcher: Matcher): Failure | undefined {
  if (!isRegex(matcher)) return undefined
  const regex = compileRegex(matcher.value)
  return regex.ok ? undefined : regex.error
}

/** Makes a predicate over one value of the matcher's label; a missing label is asked about as "".
 *  Remembering the answer per distinct value is the caller's business.
 *  throws  if `checkMatcher` refuses the matcher: matchers from outside come through `checkSelector`
 *  cost    compiles once, up to 0.3 s for the most hostile 512 bytes; a call is linear in the value */
export function compileMatcher(matcher: Matcher): (value: string) => boolean {
  const { operator, value: wanted } = matcher
  if (operator === '=') return (value) => value === wanted
  if (operator === '!=') return (value) => value !== wanted
  const regex = compileRegex(wanted)
  if (!regex.ok) throw new Error(`${matcher.name}${operator}: ${regex.error.message}`)
  const pattern = regex.value
  return operator === '=~' ? (value) => pattern.testExact(value) : (value) => !pattern.testExact(value)
}

/** Tells whether all matchers hold for one label set. Names are found as `findLabel` finds them.
 *  throws  as compileMatcher
 *  cost    compiles every matcher: for many label sets compile once and keep the predicates */
export function matchesLabels(matchers: readonly Matcher[], labels: Labels): boolean {
  return matchers.every((matcher) => compileMatcher(matcher)(findLabel(labels, matcher.name)))
}

const isRegex = ({ operator }: Matcher): boolean => operator === '=~' || operator === '!~'

function compileRegex(text: string): Result<RE2JS> {
  const bytes = new TextEncoder().encode(text).length
  if (bytes > REGEX_BYTES_MAX)
    return failure(`the regex has ${bytes} bytes; at most ${REGEX_BYTES_MAX} are allowed: make it shorter`)
  try {
    const regex = RE2JS.compile(text, RE2JS.DOTALL)
    const size = regex.programSize()
    if (size > REGEX_PROGRAM_MAX)
      return failure(
        `the regex compiles to ${size} instructions; at most ${REGEX_PROGRAM_MAX} are allowed: use smaller {counts}`,
      )
    return success(regex)
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error
    return failure(`the regex is not RE2 syntax: ${reason(error)}`)
  }
}

/** The engine's own words, without its prefix and without the flag that we put in front. */
const reason = (error: RE2JSException): string =>
  error.message.replace(/^error parsing regexp: /, '').replace('`(?s)', '`')

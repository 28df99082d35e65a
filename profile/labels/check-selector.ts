// May this selector be asked? As parseSelector, and every regex compiles: what stands between a stranger and the store.
import { failure, type Result, success } from '../model/result.ts'
import { checkMatcher } from './matcher.ts'
import { type ParsedSelector, parseSelector } from './selector.ts'

/** Reads a selector and compiles each of its regexes once; after it `compileMatcher` cannot refuse.
 *  errors  those of parseSelector; a regex that is not RE2 or too large, at the position of its value
 *  cost    O(length), and up to 0.3 s for the most hostile regex: the first refusal ends it */
export function checkSelector(text: string): Result<ParsedSelector> {
  const parsed = parseSelector(text)
  if (!parsed.ok) return parsed
  const { matchers, valuePositions } = parsed.value
  for (let i = 0; i < matchers.length; i++) {
    const refusal = checkMatcher(matchers[i]!)
    if (refusal !== undefined)
      return failure(`${refusal.message}, at ${valuePositions[i]}`, valuePositions[i])
  }
  return success(parsed.value)
}

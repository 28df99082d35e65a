// Which series of a file does a question mean, and in which group does each fall? Matchers run once per distinct value of
// a label, however many series carry it: a regular expression over 100,000 pods costs as many matches as there are names.
import { findLabel } from '#profile/labels/lookup'
import { checkMatcher, compileMatcher, type Matcher } from '#profile/labels/matcher'
import type { Labels } from '#profile/model/labels'
import { type ProfileType, printProfileType } from '#profile/model/profile-type'
import { ServiceError } from '../errors.ts'
import type { SeriesTable, StoredType } from './series-table.ts'

/** The group of series that belong to the type but do not match. */
export const UNMATCHED = 2 ** 32 - 1

export interface MatchedSeries {
  /** Rows of the series table, ascending. */
  readonly series: Uint32Array
  /** Group of each, an index of `groups`, or UNMATCHED. */
  readonly group: Uint32Array
  /** Distinct pairs of values and stored type: amounts of one group have one scale. */
  readonly groups: readonly { readonly values: readonly string[]; readonly type: StoredType }[]
}

/** Matchers made ready for one question: compiled once, their answers remembered across all files it asks. */
export type LabelTest = (labels: Labels) => boolean

/** Throws ServiceError `invalid` for a regular expression that does not compile. */
export function labelTest(matchers: readonly Matcher[]): LabelTest {
  const tests = matchers.map((matcher) => {
    const refusal = checkMatcher(matcher)
    if (refusal !== undefined) throw new ServiceError('invalid', `label ${matcher.name}: ${refusal.message}`)
    return { name: matcher.name, test: compileMatcher(matcher), known: new Map<string, boolean>() }
  })
  return (labels) =>
    tests.every(({ name, test, known }) => {
      const value = findLabel(labels, name)
      let answer = known.get(value)
      if (answer === undefined) {
        answer = test(value)
        known.set(value, answer)
      }
      return answer
    })
}

/** cost O(series × matchers) */
export function matchSeries(
  table: SeriesTable,
  query: {
    readonly type: ProfileType | undefined
    readonly matches: LabelTest
    readonly groupBy: readonly string[]
  },
  options: { readonly withUnmatched?: boolean } = {},
): MatchedSeries {
  const wanted = query.type === undefined ? undefined : printProfileType(query.type)
  const isWanted = table.types.map(({ type }) => wanted === undefined || printProfileType(type) === wanted)
  const series: number[] = []
  const group: number[] = []
  const groups: { values: readonly string[]; type: StoredType }[] = []
  const groupIds = new Map<string, number>()
  for (let id = 0; id < table.count; id++) {
    const type = table.typeOf[id]!
    if (!isWanted[type]) continue
    const labels = table.labels[id]!
    if (!query.matches(labels)) {
      if (options.withUnmatched !== true) continue
      series.push(id)
      group.push(UNMATCHED)
      continue
    }
    const values = query.groupBy.map((name) => findLabel(labels, name))
    const key = JSON.stringify([type, values])
    let known = groupIds.get(key)
    if (known === undefined) {
      known = groups.push({ values, type: table.types[type]! }) - 1
      groupIds.set(key, known)
    }
    series.push(id)
    group.push(known)
  }
  return { series: Uint32Array.from(series), group: Uint32Array.from(group), groups }
}

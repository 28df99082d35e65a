// How do dashboard variables and ad-hoc filters get into a query? Values are escaped for where they land, and filters are
// added as matchers, never by joining strings.
import type { AdHocVariableFilter, ScopedVars } from '@grafana/data'
import type { Matcher, MatchOperator } from '#profile/labels/matcher'
import { parseSelector, printSelector } from '#profile/labels/selector'
import type { ProfileQuery } from './query.ts'

/** The part of Grafana's TemplateSrv that is needed here. */
export interface Replacer {
  replace(
    target?: string,
    scopedVars?: ScopedVars,
    format?: string | ((value: string | string[]) => string),
  ): string
}

/** Replaces every variable of a query, and adds the dashboard's filters to its selectors. */
export function interpolateQuery(
  query: ProfileQuery,
  parts: {
    readonly templateSrv: Replacer
    readonly scopedVars: ScopedVars
    readonly filters?: readonly AdHocVariableFilter[] | undefined
  },
): ProfileQuery {
  const { templateSrv, scopedVars, filters = [] } = parts
  const plain = (text: string) => templateSrv.replace(text, scopedVars)
  const selector = (text: string) => withFilters(templateSrv.replace(text, scopedVars, quoteValues), filters)
  const { baseline } = query
  return {
    ...query,
    profileTypeId: plain(query.profileTypeId),
    labelSelector: selector(query.labelSelector),
    // A variable with several values stands for several names.
    groupBy: query.groupBy.flatMap((name) =>
      templateSrv
        .replace(name, scopedVars, (value: string | string[]) =>
          Array.isArray(value) ? value.join('\u0000') : value,
        )
        .split('\u0000')
        .filter((part) => part !== ''),
    ),
    ...(baseline === undefined
      ? {}
      : {
          baseline: {
            ...baseline,
            ...(baseline.shift === undefined ? {} : { shift: plain(baseline.shift) }),
            ...(baseline.labelSelector === undefined
              ? {}
              : { labelSelector: selector(baseline.labelSelector) }),
          },
        }),
  }
}

/** A variable's value inside a quoted string of a selector; several values become an alternation for `=~`. */
export function quoteValues(value: string | string[]): string {
  if (!Array.isArray(value)) return escapeQuoted(value)
  if (value.length === 1) return escapeQuoted(value[0]!)
  return escapeQuoted(`(${value.map(escapeRegex).join('|')})`)
}

const escapeQuoted = (text: string) =>
  text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
const escapeRegex = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')

/** Adds filters to a selector. A selector with an error stays as it is: the backend says what is wrong with it. */
export function withFilters(selector: string, filters: readonly AdHocVariableFilter[]): string {
  if (filters.length === 0) return selector
  const parsed = parseSelector(selector)
  if (!parsed.ok) return selector
  return printSelector({ ...parsed.value, matchers: [...parsed.value.matchers, ...matchersOf(filters)] })
}

/** Filters as matchers; what has no key or an operator of another world (`<`, `>`) is left out: it cannot select labels. */
export function matchersOf(filters: readonly AdHocVariableFilter[]): readonly Matcher[] {
  return filters.flatMap(({ key, operator, value, values }): Matcher[] => {
    if (key === '') return []
    const alternation = (values ?? [value]).map(escapeRegex).join('|')
    if (operator === '=|') return [{ name: key, operator: '=~', value: alternation }]
    if (operator === '!=|') return [{ name: key, operator: '!~', value: alternation }]
    return isMatchOperator(operator) ? [{ name: key, operator, value }] : []
  })
}

const isMatchOperator = (text: string): text is MatchOperator => ['=', '!=', '=~', '!~'].includes(text)

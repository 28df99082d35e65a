import type { ScopedVars } from '@grafana/data'
import { describe, expect, it } from 'vitest'
import { interpolateQuery, matchersOf, quoteValues, type Replacer, withFilters } from './interpolate.ts'
import { normalizeQuery, type ProfileQuery } from './query.ts'

/** Replaces `$name` from a table, with Grafana's meaning of a format function. */
const replacer = (values: Readonly<Record<string, string | string[]>>): Replacer => ({
  replace: (target = '', _: ScopedVars = {}, format) =>
    target.replace(/\$(\w+)/g, (whole, name: string) => {
      const value = values[name]
      if (value === undefined) return whole
      if (typeof format === 'function') return format(value)
      return Array.isArray(value) ? `{${value.join(',')}}` : value
    }),
})
const query = (fields: Partial<ProfileQuery>) => normalizeQuery({ refId: 'A', ...fields })
const withVariables = (fields: Partial<ProfileQuery>, values: Readonly<Record<string, string | string[]>>) =>
  interpolateQuery(query(fields), { templateSrv: replacer(values), scopedVars: {} })

describe('interpolateQuery', () => {
  it('puts one value in as it is, and several as an escaped alternation', () => {
    const selector = '{pod=~"$pod"}'
    expect(withVariables({ labelSelector: selector }, { pod: 'web-1' }).labelSelector).toBe('{pod=~"web-1"}')
    expect(withVariables({ labelSelector: selector }, { pod: ['a.b', 'c'] }).labelSelector).toBe(
      '{pod=~"(a\\\\.b|c)"}',
    )
  })

  it('lets no value out of its quotes', () => {
    const hostile = 'x"} or {a="b\\'
    expect(withVariables({ labelSelector: '{pod="$pod"}' }, { pod: hostile }).labelSelector).toBe(
      '{pod="x\\"} or {a=\\"b\\\\"}',
    )
  })

  it('reaches the type, the names of a group-by, and the baseline', () => {
    const fields = {
      profileTypeId: '$type',
      groupBy: ['$by'],
      baseline: { labelSelector: '{v="$v"}', shift: '$back' },
    }
    const values = { type: 'cpu', by: ['pod', 'host'], v: '1.4', back: '7d' }
    expect(withVariables(fields, values)).toMatchObject({
      profileTypeId: 'cpu',
      groupBy: ['pod', 'host'],
      baseline: { labelSelector: '{v="1.4"}', shift: '7d' },
    })
  })
})

describe('withFilters', () => {
  const filter = (key: string, operator: string, value: string, values?: string[]) =>
    ({ key, operator, value, ...(values && { values }) }) as never

  it('adds matchers, quoted as the grammar wants them', () => {
    const filters = [filter('host', '!=', 'a"b'), filter('k8s.pod', '=|', '', ['x', 'y.z'])]
    expect(withFilters('cpu{service_name="api"}', filters)).toBe(
      'cpu{service_name="api",host!="a\\"b",k8s.pod=~"x|y\\\\.z"}',
    )
  })

  it('leaves a selector with an error alone: the backend says what is wrong', () => {
    expect(withFilters('{host=', [filter('a', '=', 'b')])).toBe('{host=')
  })

  it('leaves out filters that cannot select labels', () => {
    expect(matchersOf([filter('a', '<', '3'), filter('', '=', 'b')])).toEqual([])
  })
})

describe('quoteValues', () => {
  it('takes a list of one for its one value', () => {
    expect(quoteValues(['a.b'])).toBe('a.b')
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { labelsOf } from '../model/labels.ts'
import { arbLabels, arbMatcher } from '../testing/arbitrary.ts'
import { checkMatcher, compileMatcher, type MatchOperator, matchesLabels } from './matcher.ts'

const test = (operator: MatchOperator, wanted: string, value: string) =>
  compileMatcher({ name: 'a', operator, value: wanted })(value)

describe('compileMatcher', () => {
  it('compares by its operator', () => {
    expect(test('=', 'x', 'x')).toBe(true)
    expect(test('=', 'x', 'xy')).toBe(false)
    expect(test('!=', 'x', 'x')).toBe(false)
    expect(test('!=', 'x', '')).toBe(true)
  })

  it('anchors regexes at both ends, alternatives too', () => {
    expect(test('=~', 'web', 'web-1')).toBe(false)
    expect(test('=~', 'web.*', 'web-1')).toBe(true)
    expect(test('=~', 'a|b', 'ab')).toBe(false)
    expect(test('!~', 'web.*', 'web-1')).toBe(false)
    expect(test('!~', 'web', 'web-1')).toBe(true)
  })

  it('lets the dot stand for line breaks, as Prometheus does', () => {
    expect(test('=~', 'a.b', 'a\nb')).toBe(true)
  })

  it('answers the regex that blows up backtracking engines', () => {
    expect(test('=~', '(a+)+$', `${'a'.repeat(2_000)}!`)).toBe(false)
  })

  it('asserts that the matcher was checked', () => {
    expect(() => test('=~', '(', '')).toThrow('a=~: the regex is not RE2 syntax: missing closing ): `(`')
  })
})

describe('checkMatcher', () => {
  const check = (value: string, operator: MatchOperator = '=~') =>
    checkMatcher({ name: 'a', operator, value })

  it('refuses what is not RE2: look-around, back references, half brackets', () => {
    for (const value of ['(?=a)', '\\1', '[a', 'a{2,1}', '**', '\\'])
      expect(check(value)?.message).toMatch(/^the regex is not RE2 syntax: /)
  })

  it('refuses what is long, and what is large though short', () => {
    expect(check('é'.repeat(257))?.message).toBe(
      'the regex has 514 bytes; at most 512 are allowed: make it shorter',
    )
    expect(check(`(?:${'a'.repeat(50)}){1000}`)?.message).toMatch(
      /^the regex compiles to \d+ instructions; at most 10000 are allowed: use smaller \{counts\}$/,
    )
  })

  it('has nothing against any text as a plain value', () => {
    expect(check('(', '=')).toBeUndefined()
    expect(check('x'.repeat(9_999), '!=')).toBeUndefined()
    expect(check('a{1,3}|[[:alpha:]]+\\pL')).toBeUndefined()
  })
})

describe('matchesLabels', () => {
  const labels = labelsOf([
    ['service.name', 'api'],
    ['host', 'web-1'],
  ])

  it('wants all matchers to hold', () => {
    const host = { name: 'host', operator: '=~', value: 'web-.' } as const
    expect(matchesLabels([host, { name: 'service_name', operator: '=', value: 'api' }], labels)).toBe(true)
    expect(matchesLabels([host, { name: 'service_name', operator: '=', value: 'db' }], labels)).toBe(false)
    expect(matchesLabels([], labels)).toBe(true)
  })

  it('takes a missing label as ""', () => {
    expect(matchesLabels([{ name: 'pod', operator: '=', value: '' }], labels)).toBe(true)
    expect(matchesLabels([{ name: 'pod', operator: '=~', value: '.*' }], labels)).toBe(true)
    expect(matchesLabels([{ name: 'pod', operator: '!=', value: '' }], labels)).toBe(false)
    expect(matchesLabels([{ name: 'pod', operator: '!~', value: '.+' }], labels)).toBe(true)
  })

  it('takes an operator and its opposite as opposites', () => {
    const opposite = { '=': '!=', '!=': '=', '=~': '!~', '!~': '=~' } as const
    fc.assert(
      fc.property(arbLabels, arbMatcher, (any, matcher) => {
        const other = { ...matcher, operator: opposite[matcher.operator] }
        expect(matchesLabels([other], any)).toBe(!matchesLabels([matcher], any))
      }),
    )
  })
})

import { describe, expect, it } from 'vitest'
import { parseVariableQuery } from './variables.ts'

describe('parseVariableQuery', () => {
  it.each([
    ['profile_types()', { kind: 'profileTypes' }],
    ['label_names()', { kind: 'labelNames', selector: '{}' }],
    ['label_names({host="a"})', { kind: 'labelNames', selector: '{host="a"}' }],
    ['label_values(service_name)', { kind: 'labelValues', selector: '{}', label: 'service_name' }],
    [
      ' label_values( {service_name="a,b",x=~"}"} , "k8s.pod" ) ',
      { kind: 'labelValues', selector: '{service_name="a,b",x=~"}"}', label: 'k8s.pod' },
    ],
  ])('reads %s', (text, value) => {
    expect(parseVariableQuery(text)).toEqual({ ok: true, value })
    expect(parseVariableQuery({ query: text, refId: 'A' })).toEqual({ ok: true, value })
  })

  it.each([
    [''],
    ['label_values()'],
    ['label_values({a="b"})'],
    ['profile_types(x)'],
    ['drop(all)'],
    [undefined],
    [{}],
  ])('says what may be asked instead of %j', (query) => {
    const parsed = parseVariableQuery(query)
    expect(parsed.ok ? '' : parsed.error.message).toMatch(/Write profile_types\(\), label_names\(\)/)
  })
})

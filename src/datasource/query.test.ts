import type { DataQuery } from '@grafana/data'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CPU_TYPE_ID, normalizeQuery, queryText, queryTypeFor } from './query.ts'

const stranger = (fields: object) => ({ refId: 'A', ...fields }) as DataQuery

describe('normalizeQuery', () => {
  it('makes a whole query of nothing but a refId', () => {
    expect(normalizeQuery({ refId: 'B' })).toEqual({
      refId: 'B',
      version: 1,
      queryType: 'profile',
      profileTypeId: CPU_TYPE_ID,
      labelSelector: '{}',
      groupBy: [],
    })
  })

  it("reads Pyroscope's shape and keeps what it does not know", () => {
    const pyroscope = stranger({
      labelSelector: '{service_name="checkout"}',
      profileTypeId: 'memory:alloc_space:bytes:space:bytes',
      queryType: 'both',
      groupBy: ['pod'],
      maxNodes: 16_384,
      spanSelector: ['9a517183f26a089d'],
      includeExemplars: true,
      annotations: false,
    })
    expect(normalizeQuery(pyroscope)).toEqual({ ...pyroscope, version: 1 })
  })

  it('takes the selector of trace-to-metrics ({expr}) and of a derived field ({query})', () => {
    expect(normalizeQuery(stranger({ expr: '{pod="a"}' })).labelSelector).toBe('{pod="a"}')
    expect(normalizeQuery(stranger({ query: '{pod="b"}' })).labelSelector).toBe('{pod="b"}')
  })

  it('prefers its own selector to that of strangers', () => {
    expect(normalizeQuery(stranger({ labelSelector: '{a="1"}', expr: '{b="2"}' })).labelSelector).toBe(
      '{a="1"}',
    )
  })

  it('keeps a question for top functions, and how many', () => {
    expect(normalizeQuery(stranger({ queryType: 'top', limit: 30 }))).toMatchObject({
      queryType: 'top',
      limit: 30,
    })
  })

  it('falls back on what the host asks for when the query type is one of another data source', () => {
    expect(normalizeQuery(stranger({ queryType: 'traceql' }), 'both').queryType).toBe('both')
  })

  it('refuses counts that are none, and cuts those that are too large', () => {
    const { limit, maxNodes } = normalizeQuery(stranger({ limit: -3, maxNodes: 1e12 }))
    expect(limit).toBeUndefined()
    expect(maxNodes).toBe(1_048_576)
  })

  it('keeps a baseline of two moments in order, and drops one that ends before it begins', () => {
    expect(normalizeQuery(stranger({ baseline: { from: 1, to: 2 } })).baseline).toEqual({ from: 1, to: 2 })
    expect(normalizeQuery(stranger({ baseline: { from: 2, to: 1, shift: '1h' } })).baseline).toEqual({
      shift: '1h',
    })
  })

  it('is total and idempotent: any JSON becomes a valid query, and a valid query stays itself', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...FIELDS), fc.jsonValue()), (fields) => {
        const query = normalizeQuery(fields as unknown as DataQuery)
        expect(normalizeQuery(query)).toEqual(query)
        expect(typeof query.labelSelector).toBe('string')
        expect(query.groupBy.every((name) => typeof name === 'string')).toBe(true)
      }),
    )
  })
})

const FIELDS = [
  'queryType', 'profileTypeId', 'labelSelector', 'groupBy', 'limit', 'maxNodes', 'invert', 'path', 'baseline',
  'expr', 'query', 'version',
] as const // biome-ignore format: a list of words

describe('queryTypeFor', () => {
  const both = normalizeQuery(stranger({ queryType: 'both' }))

  it('answers both only where both are drawn: in Explore, which names no panel', () => {
    expect(queryTypeFor(both, undefined)).toBe('both')
    expect(queryTypeFor(both, 'timeseries')).toBe('metrics')
    expect(queryTypeFor(both, 'flametrail-flamegraph-panel')).toBe('profile')
  })
})

describe('queryText', () => {
  it('says in a line what the query asks for', () => {
    const diff = stranger({
      queryType: 'diff',
      labelSelector: '{a="b"}',
      baseline: { shift: '1h' },
      invert: true,
    })
    expect(queryText(normalizeQuery(diff))).toBe('cpu {a="b"}, diff with 1h earlier, iceberg')
    expect(queryText(normalizeQuery(stranger({ queryType: 'diff' })))).toBe(
      'cpu {}, diff with the time before',
    )
    expect(queryText(normalizeQuery(stranger({ queryType: 'top' })))).toBe('cpu {}, top functions')
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DEFAULT_STATE, type PageState, parseUrl, printUrl, withView } from './url-state.ts'

const NOW = 1_700_000_000_000

describe('parseUrl', () => {
  it('shows the last minutes of everything when the link says nothing', () => {
    expect(parseUrl('', NOW)).toEqual(DEFAULT_STATE)
  })

  it('opens exactly what a link says', () => {
    const link = '?query={service_name="api"}&from=now-1h&to=now&view=iceberg&theme=light&refresh=10s'
    expect(parseUrl(link, NOW)).toEqual({
      ...DEFAULT_STATE,
      query: '{service_name="api"}',
      from: 'now-1h',
      to: 'now',
      view: 'iceberg',
      theme: 'light',
      refresh: '10s',
    })
  })

  it('reads absolute moments of any form as epoch milliseconds', () => {
    const { from, to } = parseUrl('?from=2023-11-14T22:13:20Z&to=1700000060', NOW)
    expect([from, to]).toEqual(['1700000000000', '1700000060000'])
  })

  it("keeps the baseline's two moments", () => {
    const link = '?view=diff&baselineFrom=1700000000000&baselineTo=1700000060000&baselineQuery={v="1"}'
    expect(parseUrl(link, NOW)).toMatchObject({
      view: 'diff',
      baselineFrom: 1_700_000_000_000,
      baselineTo: 1_700_000_060_000,
      baselineQuery: '{v="1"}',
    })
  })

  it('keeps the range of the graph apart from that of the chart', () => {
    expect(parseUrl('?from=now-1h&graphFrom=1700000000&graphTo=1700000060', NOW)).toEqual({
      ...DEFAULT_STATE,
      from: 'now-1h',
      graphFrom: 1_700_000_000_000,
      graphTo: 1_700_000_060_000,
    })
  })

  it.each([
    ['a range that ends before it begins', '?from=1700000060000&to=1700000000000'],
    ['half of a range that is nonsense', '?from=yesterday&to=now'],
    ['an unknown view, theme and refresh', '?view=3d&theme=pink&refresh=1ms'],
    ['half of a baseline', '?baselineFrom=1700000000000'],
    ['half of a range for the graph', '?graphTo=1700000000000'],
    ['a range for the graph that ends before it begins', '?graphFrom=1700000060000&graphTo=1700000000000'],
    ['a name of all objects', '?__proto__=1&constructor=2'],
  ])('falls back for %s', (_, link) => {
    expect(parseUrl(link, NOW)).toEqual(DEFAULT_STATE)
  })

  it('bounds what a stranger writes', () => {
    const { query, groupBy } = parseUrl(`?query=${'x'.repeat(100_000)}${'&groupBy=a'.repeat(1_000)}`, NOW)
    expect(query.length).toBe(8_192)
    expect(groupBy.length).toBe(4)
  })
})

const state: fc.Arbitrary<PageState> = fc
  .record({
    type: fc.constantFrom('cpu', 'memory:alloc_space:bytes:space:bytes'),
    query: fc.string({ minLength: 1, maxLength: 60 }),
    from: fc.constantFrom('now-1h', 'now/d', 'now-1d/d', '1600000000000'),
    to: fc.constantFrom('now', 'now/d', '1700000000000'),
    view: fc.constantFrom('flame' as const, 'iceberg' as const, 'diff' as const),
    groupBy: fc.array(fc.constantFrom('host', 'k8s.pod.name'), { maxLength: 4 }),
    refresh: fc.constantFrom('', '10s'),
    picture: fc.constantFrom('', 'zoom=main%3Ea%5C%3Eb&s=json&o=icicle', 's=%26query%3D'),
    graph: fc.option(fc.constant({ graphFrom: 1_600_000_000_000, graphTo: 1_600_000_060_000 }), {
      nil: undefined,
    }),
    baselineShift: fc.option(fc.constantFrom('1h', '7d'), { nil: undefined }),
    theme: fc.option(fc.constantFrom('dark' as const, 'light' as const), { nil: undefined }),
  })
  .map(({ graph, baselineShift, theme, ...rest }) => ({
    ...rest,
    ...graph,
    ...(baselineShift === undefined ? {} : { baselineShift }),
    ...(theme === undefined ? {} : { theme }),
  }))

describe('the picture', () => {
  it('is what the panel wrote, among the parameters of the page', () => {
    const state = parseUrl('?s=json&from=now-1h&zoom=main>serve&o=icicle&graph=x', NOW)
    expect(state.picture).toBe('zoom=main%3Eserve&s=json&o=icicle')
    expect(decodeURIComponent(printUrl(state))).toBe('?from=now-1h&zoom=main>serve&s=json&o=icicle')
  })

  it('is left out where it is longer than a panel writes it', () => {
    expect(parseUrl(`?s=${'x'.repeat(2_001)}`, NOW)).toEqual(DEFAULT_STATE)
  })

  it('keeps its path from flame graph to diff, and all but its path to the iceberg', () => {
    const state = { ...DEFAULT_STATE, picture: 'zoom=main&s=json' }
    expect(withView(state, 'diff')).toMatchObject({ view: 'diff', picture: 'zoom=main&s=json' })
    expect(withView(state, 'iceberg')).toMatchObject({ view: 'iceberg', picture: 's=json' })
    expect(withView(state, 'flame')).toBe(state)
  })
})

describe('printUrl', () => {
  it('says nothing for the default', () => {
    expect(printUrl(DEFAULT_STATE)).toBe('')
  })

  it('is what parseUrl reads back', () => {
    fc.assert(
      fc.property(state, (one) => {
        expect(parseUrl(printUrl(one), NOW)).toEqual(one)
      }),
    )
  })
})

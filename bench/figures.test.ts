// A demand that cannot fail is none: figures against bounds lowered by hand, cases that nobody measured.
import { describe, expect, it } from 'vitest'
import { DEMANDS, type Figure, judge, median, unanswered } from './figures.ts'
import { withSection } from './results.ts'

const share: Figure = { case: 'busy-19', metric: 'cpu_share', value: 0.41, unit: '%', better: 'lower' }
const lowered = DEMANDS.map((row) => ({ ...row, bound: row.bound / 2 }))

describe('judge', () => {
  it('keeps a figure within its bound, and misses it when the bound is lowered by hand', () => {
    expect(judge('agent', share)).toMatchObject({ isMissed: false, line: { demand: 0.5, value: 0.41 } })
    expect(judge('agent', share, lowered)).toMatchObject({ isMissed: true, line: { demand: 0.25 } })
  })
  it('takes the bound itself as kept, in both directions', () => {
    const rows = [{ bench: 'store', case: 'ingest', metric: 'rows_per_s', bound: 100 }]
    const rate: Figure = {
      case: 'ingest',
      metric: 'rows_per_s',
      value: 100,
      unit: 'rows/s',
      better: 'higher',
    }
    expect(judge('store', rate, rows).isMissed).toBe(false)
    expect(judge('store', { ...rate, value: 99 }, rows).isMissed).toBe(true)
    expect(judge('agent', { ...share, value: 0.5 }).isMissed).toBe(false)
  })
  it('never takes what is no number for good', () => {
    expect(judge('agent', { ...share, value: Number.NaN }).isMissed).toBe(true)
  })
  it('demands nothing where no row does', () => {
    expect(judge('agent', { ...share, case: 'idle-19' })).toMatchObject({
      isMissed: false,
      line: { demand: null },
    })
  })
})

it('a demand whose case was not measured is named', () => {
  expect(unanswered('agent', [share]).map(({ metric }) => metric)).toEqual(['rss'])
  expect(unanswered('store', [])).toEqual([])
})

it('the median of an even number lies between the two in the middle', () => {
  expect(median([4, 1, 3, 2])).toBe(2.5)
  expect(median([9, 1, 5])).toBe(5)
})

it('a run replaces the section of its bench and leaves the others', () => {
  const setup = { commit: 'abc', machine: 'one', load: [0, 0, 0], command: 'bench', workload: 'much' }
  const first = withSection('# Results\n', { name: 'agent', setup, lines: [judge('agent', share).line] })
  const both = withSection(first, { name: 'start', setup, lines: [] })
  const again = withSection(both, { name: 'agent', setup: { ...setup, commit: 'def' }, lines: [] })
  expect(first).toContain('| busy-19 | cpu_share | 0.41 % | ≤ 0.5 |')
  expect(again.match(/^## \w+/gm)).toEqual(['## agent', '## start'])
  expect(again).toContain('commit def')
  expect(again).not.toContain('0.41')
})

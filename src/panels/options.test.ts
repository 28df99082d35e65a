import { describe, expect, it } from 'vitest'
import { DEFAULT_OPTIONS, firstView, migrateOptions, optionsFrom } from './options.ts'

describe('migrateOptions', () => {
  it('makes the defaults of nothing', () => {
    for (const nothing of [undefined, null, {}, 7, 'x'])
      expect(migrateOptions(nothing)).toEqual(DEFAULT_OPTIONS)
  })
  it('keeps what is valid and unknown, and replaces what is not', () => {
    const saved = { show: 'table', palette: 'rainbow', orientation: 3, theirs: { kept: true } }
    expect(migrateOptions(saved)).toEqual({ ...DEFAULT_OPTIONS, show: 'table', theirs: { kept: true } })
  })
  it('has no strip of time unless it was switched on', () => {
    expect(migrateOptions({ version: 1, show: 'graph' }).timeline).toBe(false)
    expect(migrateOptions({ timeline: 'yes' }).timeline).toBe(false)
    expect(migrateOptions({ timeline: true }).timeline).toBe(true)
  })
  it('keeps the text of a view, and nothing else in its place', () => {
    expect(migrateOptions({ view: 's=json' }).view).toBe('s=json')
    expect(migrateOptions({ view: { zoom: [] } })).toEqual(DEFAULT_OPTIONS)
  })
  it('changes nothing the second time, and nothing in what it was given', () => {
    const saved = Object.freeze({ show: 'both', comparing: 'absolute' })
    const once = migrateOptions(saved)
    expect(migrateOptions(once)).toEqual(once)
    expect(saved).toEqual({ show: 'both', comparing: 'absolute' })
  })
})

describe('optionsFrom', () => {
  it("takes over from Grafana's own flame graph, and from nothing else", () => {
    expect(optionsFrom('flamegraph', { showFlameGraphOnly: true })).toEqual({ show: 'graph' })
    expect(optionsFrom('flamegraph', {})).toEqual({})
    expect(optionsFrom('timeseries', { showFlameGraphOnly: true })).toEqual({})
    expect(optionsFrom('flamegraph', undefined)).toEqual({})
  })
})

describe('firstView', () => {
  it('shows graph and table where there is room, unless one is asked for', () => {
    expect(firstView(DEFAULT_OPTIONS, 900).show).toBe('both')
    expect(firstView(DEFAULT_OPTIONS, 899).show).toBe('graph')
    expect(firstView({ ...DEFAULT_OPTIONS, show: 'table' }, 2000).show).toBe('table')
  })
})

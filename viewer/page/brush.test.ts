import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Span } from '../../src/panels/timeline/brush.ts'
import { afterStroke, marksOf, withChart, withoutMark } from './brush.ts'
import { DEFAULT_STATE, type PageState, parseUrl, printUrl } from './url-state.ts'

const HOUR = { ...DEFAULT_STATE, from: '1700000000000', to: '1700003600000' }
const CHART: Span = { fromMs: 1_700_000_000_000, toMs: 1_700_003_600_000 }
const minutes = (from: number, to: number): Span => ({
  fromMs: CHART.fromMs + from * 60_000,
  toMs: CHART.fromMs + to * 60_000,
})
/** `baseline 5-10, comparison 20-25` in minutes of the hour. */
const drawn = (state: PageState) =>
  marksOf(state)
    .map(({ kind, span }) => {
      const minute = (ms: number) => (ms - CHART.fromMs) / 60_000
      return `${kind} ${minute(span.fromMs)}-${minute(span.toMs)}`
    })
    .join(', ')

describe('a stroke', () => {
  it("is the graph's range, and leaves the chart's alone", () => {
    const state = afterStroke(HOUR, minutes(5, 10), false)
    expect([drawn(state), state.view, state.from, state.to]).toEqual([
      'graph 5-10',
      'flame',
      HOUR.from,
      HOUR.to,
    ])
  })

  it('with Shift makes a diff: what the graph showed is the baseline', () => {
    const state = afterStroke(afterStroke(HOUR, minutes(5, 10), false), minutes(20, 25), true)
    expect([drawn(state), state.view]).toEqual(['baseline 5-10, comparison 20-25', 'diff'])
    expect(printUrl(state)).toBe(
      '?from=1700000000000&to=1700003600000&view=diff&graphFrom=1700001200000&graphTo=1700001500000' +
        '&baselineFrom=1700000300000&baselineTo=1700000600000',
    )
  })

  it('with Shift and none before it compares with the time before', () => {
    expect(drawn(afterStroke(HOUR, minutes(20, 25), true))).toBe('comparison 20-25')
  })

  it('in a diff draws each side anew, whatever order', () => {
    const diff: PageState = { ...HOUR, view: 'diff', baselineShift: '1h' }
    const compared = afterStroke(diff, minutes(30, 40), true)
    const both = afterStroke(compared, minutes(0, 10), false)
    expect(drawn(both)).toBe('baseline 0-10, comparison 30-40')
    expect(both.baselineShift).toBeUndefined()
  })

  it('is at least a second long', () => {
    const [mark] = marksOf(afterStroke(HOUR, { fromMs: 1_700_000_000_000.4, toMs: 1_700_000_000_001 }, false))
    expect(mark?.span).toEqual({ fromMs: 1_700_000_000_000, toMs: 1_700_000_001_000 })
  })

  it('survives as a link, with or without Shift, in any view', () => {
    const stroke = fc.tuple(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 1, max: 10 }), fc.boolean())
    fc.assert(
      fc.property(fc.array(stroke, { maxLength: 4 }), (strokes) => {
        const state = strokes.reduce<PageState>(
          (last, [from, length, isShift]) => afterStroke(last, minutes(from, from + length), isShift),
          HOUR,
        )
        expect(parseUrl(printUrl(state), CHART.toMs)).toEqual(state)
      }),
    )
  })
})

describe('clearing', () => {
  const diff = afterStroke(afterStroke(HOUR, minutes(5, 10), false), minutes(20, 25), true)
  it('takes one range and leaves the other', () => {
    expect(drawn(withoutMark(diff, 'comparison'))).toBe('baseline 5-10')
    expect(drawn(withoutMark(diff, 'baseline'))).toBe('comparison 20-25')
  })
})

describe('another range of the chart', () => {
  const state = afterStroke(HOUR, minutes(5, 10), false)
  it.each([
    ['keeps the mark that is in it', minutes(0, 20), 'graph 5-10'],
    ['lets go of a mark that would be outside', minutes(7, 20), ''],
    ['lets go of a mark that would be all of it', minutes(5, 10), ''],
  ])('%s', (_, chart, expected) => {
    const bounds = { from: String(chart.fromMs), to: String(chart.toMs) }
    expect(drawn(withChart(state, bounds, chart))).toBe(expected)
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Span } from './brush.ts'
import type { StripSeries } from './series.ts'
import { momentAt, spanBetween, stripRuns, thirdFor, unitX } from './strip-shape.ts'

/** A digit is a value, `–` a gap, each a step of 10 s. */
function seriesOf(steps: string, startMs = 0): StripSeries {
  const values = [...steps].map((step) => (step === '–' ? null : Number(step)))
  return {
    values,
    timesMs: values.map((_, i) => startMs + i * 10_000),
    stepMs: 10_000,
    unit: 'cores',
    max: Math.max(0, ...values.map((value) => value ?? 0)),
  }
}

/** The picture in characters: a column of the screen each, `#` filled, `_` a step of nothing, blank a gap. */
function drawn(
  series: StripSeries,
  chart: Span,
  { columns, rows }: { columns: number; rows: number },
): string[] {
  const heightAt = (unit: number): number | undefined => {
    for (const { edges, heights } of stripRuns(series, chart))
      for (let i = 0; i < heights.length; i++)
        if (unit >= edges[i]! && unit < edges[i + 1]!) return heights[i]!
    return undefined
  }
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (_, column) => {
      const height = heightAt((column + 0.5) / columns)
      if (height === undefined) return ' '
      const filled = Math.round(height * rows)
      return filled >= rows - row ? '#' : filled === 0 && row === rows - 1 ? '_' : ' '
    }).join(''),
  )
}
const seconds = (from: number, to: number): Span => ({ fromMs: from * 1_000, toMs: to * 1_000 })

describe('the runs of a series', () => {
  it('are steps with gaps as gaps, and nothing is not a gap', () => {
    expect(drawn(seriesOf('124–20'), seconds(0, 60), { columns: 12, rows: 4 })).toEqual([
      '    ##      ',
      '    ##      ',
      '  ####  ##  ',
      '######  ##__',
    ])
  })
  it('are cut at the ends of the chart', () => {
    expect(drawn(seriesOf('1221'), seconds(5, 35), { columns: 6, rows: 2 })).toEqual([' #### ', '######'])
  })
  it('leave blank what the series does not reach', () => {
    expect(drawn(seriesOf('11', 20_000), seconds(0, 60), { columns: 6, rows: 1 })).toEqual(['  ##  '])
    expect(stripRuns(seriesOf('11', 90_000), seconds(0, 60))).toEqual([])
    expect(stripRuns(seriesOf(''), seconds(0, 60))).toEqual([])
  })
  it('lie flat where all is zero', () => {
    expect(drawn(seriesOf('000'), seconds(0, 30), { columns: 3, rows: 2 })).toEqual(['   ', '___'])
  })
  it('join a step that came late by less than half of itself', () => {
    const late = { ...seriesOf('11'), timesMs: [0, 13_000] }
    expect(stripRuns(late, seconds(0, 30))).toHaveLength(1)
    expect(stripRuns({ ...late, timesMs: [0, 16_000] }, seconds(0, 30))).toHaveLength(2)
  })
  it('stay in the unit square in order, whatever the series', () => {
    const value = fc.option(fc.double({ min: 0, max: 1e9, noNaN: true }), { nil: null })
    fc.assert(
      fc.property(fc.array(value, { maxLength: 50 }), fc.integer({ min: -9, max: 9 }), (values, start) => {
        const series = {
          values,
          timesMs: values.map((_, i) => start * 7_000 + i * 10_000),
          stepMs: 10_000,
          unit: 'cores',
          max: Math.max(0, ...values.map((one) => one ?? 0)),
        }
        const edges = stripRuns(series, seconds(0, 120)).flatMap((run) => {
          expect(run.edges).toHaveLength(run.heights.length + 1)
          for (const height of run.heights) expect(height >= 0 && height <= 1).toBe(true)
          return run.edges
        })
        expect(edges).toEqual([...edges].sort((one, other) => one - other))
        for (const edge of edges) expect(edge >= 0 && edge <= 1).toBe(true)
      }),
    )
  })
})

describe('places and moments', () => {
  const chart = seconds(100, 200)
  it('are one another’s way back inside of the chart', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (unit) => {
        expect(unitX(momentAt(unit, chart), chart)).toBeCloseTo(unit, 9)
      }),
    )
  })
  it('never lead out of it', () => {
    expect([momentAt(-3, chart), momentAt(7, chart)]).toEqual([100_000, 200_000])
    expect([unitX(0, chart), unitX(1e9, chart)]).toEqual([0, 1])
  })
  it('make a span whichever way the pointer went', () => {
    expect(spanBetween(9, 4)).toEqual({ fromMs: 4, toMs: 9 })
    expect(spanBetween(4, 9)).toEqual({ fromMs: 4, toMs: 9 })
  })
  it('give each kind of mark a third of its own', () => {
    const thirds = (['baseline', 'graph', 'comparison'] as const).map((kind) =>
      thirdFor(kind, seconds(0, 30)),
    )
    expect(thirds.map(({ fromMs, toMs }) => `${Math.round(fromMs / 1e3)}-${Math.round(toMs / 1e3)}`)).toEqual(
      ['0-10', '10-20', '20-30'],
    )
  })
})

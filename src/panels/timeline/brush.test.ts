import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  afterStroke,
  type Brushed,
  marksOf,
  moveEnd,
  type Span,
  strokeKind,
  withinChart,
  withoutMark,
} from './brush.ts'

const START_MS = 1_700_000_000_000
const minutes = (from: number, to: number): Span => ({
  fromMs: START_MS + from * 60_000,
  toMs: START_MS + to * 60_000,
})
const CHART = minutes(0, 60)
const FLAME: Brushed = { isDiff: false, graph: undefined, baseline: undefined }
const DIFF: Brushed = { ...FLAME, isDiff: true }

/** `5-10` is a stroke, `S20-25` one with Shift; what is marked after them. */
function after(strokes: string, first: Brushed): string {
  let brushed = first
  for (const [, shift, from, to] of strokes.matchAll(/(S?)(\d+)-(\d+)/g))
    brushed = afterStroke(brushed, minutes(Number(from), Number(to)), shift === 'S')
  return drawn(brushed)
}
const drawn = (brushed: Brushed) =>
  marksOf(brushed)
    .map(
      ({ kind, span }) => `${kind} ${(span.fromMs - START_MS) / 60_000}-${(span.toMs - START_MS) / 60_000}`,
    )
    .join(', ')

describe('strokes over a flame graph', () => {
  it.each([
    ['', ''],
    ['5-10', 'graph 5-10'],
    ['5-10 30-40', 'graph 30-40'],
    ['S20-25', 'comparison 20-25'],
    ['5-10 S20-25', 'baseline 5-10, comparison 20-25'],
    ['5-10 S20-25 S30-35', 'baseline 5-10, comparison 30-35'],
    ['5-10 S20-25 0-4', 'baseline 0-4, comparison 20-25'],
  ])('%s mark %s', (strokes, expected) => {
    expect(after(strokes, FLAME)).toBe(expected)
  })
})

describe('strokes over a diff', () => {
  it.each([
    ['5-10', 'baseline 5-10'],
    ['S20-25', 'comparison 20-25'],
    ['S20-25 5-10', 'baseline 5-10, comparison 20-25'],
    ['5-10 S20-25', 'baseline 5-10, comparison 20-25'],
  ])('%s mark %s', (strokes, expected) => {
    expect(after(strokes, DIFF)).toBe(expected)
  })
})

describe('any strokes', () => {
  const stroke = fc.tuple(
    fc.double({ min: 0, max: 3.6e6, noNaN: true }),
    fc.double({ min: 0, max: 9e5, noNaN: true }),
    fc.boolean(),
  )
  it('mark whole milliseconds, at least a second, and what the last stroke was for', () => {
    fc.assert(
      fc.property(fc.array(stroke, { minLength: 1, maxLength: 6 }), fc.boolean(), (strokes, isDiff) => {
        let brushed = isDiff ? DIFF : FLAME
        for (const [from, length, isShift] of strokes) {
          const kind = strokeKind(brushed, isShift)
          const fromMs = START_MS + from
          brushed = afterStroke(brushed, { fromMs, toMs: fromMs + length }, isShift)
          const mark = marksOf(brushed).find((one) => one.kind === kind)
          expect(mark?.span.fromMs).toBe(Math.round(fromMs))
        }
        for (const { span } of marksOf(brushed)) {
          expect(Number.isInteger(span.fromMs) && Number.isInteger(span.toMs)).toBe(true)
          expect(span.toMs - span.fromMs).toBeGreaterThanOrEqual(1_000)
        }
      }),
    )
  })
})

describe('clearing', () => {
  const both = afterStroke(afterStroke(DIFF, minutes(5, 10), false), minutes(20, 25), true)
  it('takes one range and leaves the other', () => {
    expect(drawn(withoutMark(both, 'comparison'))).toBe('baseline 5-10')
    expect(drawn(withoutMark(both, 'baseline'))).toBe('comparison 20-25')
  })
})

describe('another range of the chart', () => {
  it.each([
    ['keeps a mark that is in it', minutes(0, 20), 'graph 5-10'],
    ['lets go of a mark that would be outside', minutes(7, 20), ''],
    ['lets go of a mark that would be all of it', minutes(5, 10), ''],
  ])('%s', (_, chart, expected) => {
    expect(drawn(withinChart(afterStroke(FLAME, minutes(5, 10), false), chart))).toBe(expected)
  })
  it('keeps a baseline wherever it is', () => {
    expect(drawn(withinChart(afterStroke(DIFF, minutes(5, 10), false), minutes(30, 40)))).toBe(
      'baseline 5-10',
    )
  })
})

describe('a handle', () => {
  it('moves its end, never past the other end or out of the chart', () => {
    const span = minutes(5, 10)
    const from = (toMs: number) => moveEnd(span, 'fromMs', toMs, CHART)
    expect(from(minutes(7, 0).fromMs)).toEqual(minutes(7, 10))
    expect(from(minutes(30, 0).fromMs)).toEqual({ fromMs: span.toMs - 1_000, toMs: span.toMs })
    expect(from(0)).toEqual(minutes(0, 10))
    expect(moveEnd(span, 'toMs', Number.MAX_SAFE_INTEGER, CHART)).toEqual(minutes(5, 60))
  })
})

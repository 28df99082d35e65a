import type { DataFrame } from '@grafana/data'
import { describe, expect, it } from 'vitest'
import { fieldType } from '../../frame/columns.ts'
import { afterStroke, type Brushed, marksOf, type Span } from './brush.ts'
import { cleared, keptMarks, markedQuestion, nothingMarked, seriesQuestion } from './question.ts'
import { type StripSource, stripSource } from './strip-source.ts'

const minutes = (from: number, to: number): Span => ({ fromMs: from * 60_000, toMs: to * 60_000 })
const CHART = minutes(0, 60)
const QUERY = {
  refId: 'A',
  queryType: 'both',
  profileTypeId: 'cpu',
  labelSelector: '{service_name="cart"}',
  groupBy: ['host'],
  datasource: { uid: 'ours' },
}

/** A profile frame as the data source makes it, with what is asked here in its meta. */
function frame(query: object, { chart = CHART, isDiff = false, refId = 'A' } = {}): DataFrame {
  const sides = { baseline: minutes(-60, 0), comparison: chart }
  const custom = isDiff ? { v: 1, view: 'diff', query, ...sides } : { v: 1, view: 'flame', query, ...chart }
  const names = isDiff
    ? ['level', 'value', 'self', 'label', 'valueRight', 'selfRight']
    : ['level', 'value', 'self', 'label']
  const fields = names.map((name) => ({ name, type: fieldType('number'), config: {}, values: [0] }))
  return { refId, length: 1, fields, meta: { custom: { flametrail: custom } } }
}
function source(series: readonly DataFrame[], isDiff = false): StripSource {
  const read = stripSource(series, isDiff)
  if (!read.ok) throw new Error(read.error.message)
  return read.value
}
const refusal = (series: readonly DataFrame[], isDiff = false) => {
  const read = stripSource(series, isDiff)
  return read.ok ? 'accepted' : read.error.message
}
const stroked = (of: StripSource, span: Span, isShift = false, before = nothingMarked(of)) =>
  afterStroke(before, span, isShift)

describe('the source of a panel', () => {
  it('is the query of its own frame, with the range that was asked for', () => {
    const series: DataFrame = { ...frame({}), fields: [] }
    expect(source([series, frame(QUERY)])).toEqual({ uid: 'ours', query: QUERY, chart: CHART, isDiff: false })
  })
  it('keeps the name of the query that the frame has', () => {
    expect(source([frame({ ...QUERY, refId: 'Z' }, { refId: 'C' })]).query.refId).toBe('C')
  })
  it('is of a diff the range of its comparison', () => {
    expect(source([frame(QUERY, { isDiff: true })], true).chart).toEqual(CHART)
  })
  it('is of two frames one diff: the second, with the selector of the first as its baseline', () => {
    const before = frame({ ...QUERY, labelSelector: '{version="1"}' }, { chart: minutes(-60, 0) })
    const after = frame({ ...QUERY, labelSelector: '{version="2"}' }, { refId: 'B' })
    expect(source([before, after], true)).toMatchObject({
      query: { refId: 'B', labelSelector: '{version="2"}', baseline: { labelSelector: '{version="1"}' } },
      chart: CHART,
      baselineChart: minutes(-60, 0),
    })
  })
  it.each([
    ['no frame', []],
    ['a frame of another source', [{ ...frame(QUERY), meta: {} }]],
    ['no query', [frame(undefined as never)]],
    ['no data source in the query', [frame({ ...QUERY, datasource: undefined })]],
    ['a data source without an id', [frame({ ...QUERY, datasource: { uid: 7 } })]],
    ['a range that is none', [frame(QUERY, { chart: minutes(5, 5) })]],
    ['a range of no numbers', [frame(QUERY, { chart: { fromMs: Number.NaN, toMs: 5 } })]],
  ])('is none for %s, and a sentence says so', (_, series) => {
    expect(refusal(series)).toMatch(/^There is no time strip: this profile does not say/)
  })
  it('is none for two sides that are not one question', () => {
    const other = (over: object) => [frame(QUERY), frame({ ...QUERY, ...over })]
    expect(refusal(other({ datasource: { uid: 'theirs' } }), true)).toMatch(/two data sources/)
    expect(refusal(other({ profileTypeId: 'memory' }), true)).toMatch(/two profile types/)
    expect(refusal([frame(QUERY)], true)).toMatch(/does not say/)
  })
})

describe('the series asked for', () => {
  it('is one line over all of the range, whatever the graph groups, trims or compares', () => {
    const of = source([frame({ ...QUERY, invert: true, limit: 3, baseline: { shift: '1h' } })])
    const { groupBy: _, ...same } = QUERY
    expect(seriesQuestion(of)).toEqual({
      uid: 'ours',
      query: { ...same, queryType: 'metrics', groupBy: [] },
      span: CHART,
    })
  })
})

describe('the marked part', () => {
  it('is nothing to ask where nothing is marked', () => {
    const of = source([frame(QUERY)])
    expect(markedQuestion(of, nothingMarked(of))).toBeUndefined()
  })
  it("is the query's own profile of a stroke, inverted where it was", () => {
    const of = source([frame({ ...QUERY, invert: true })])
    expect(markedQuestion(of, stroked(of, minutes(5, 10)))).toEqual({
      uid: 'ours',
      query: { ...QUERY, queryType: 'profile', invert: true },
      span: minutes(5, 10),
    })
  })
  it('is with Shift a flame diff of what the graph showed and the stroke', () => {
    const of = source([frame({ ...QUERY, invert: true })])
    const range = ({ fromMs: from, toMs: to }: Span) => ({ from, to })
    const first = markedQuestion(of, stroked(of, minutes(20, 25), true))
    expect(first).toEqual({
      uid: 'ours',
      query: { ...QUERY, queryType: 'diff', baseline: range(CHART) },
      span: minutes(20, 25),
    })
    const second = stroked(of, minutes(20, 25), true, stroked(of, minutes(5, 10)))
    expect(markedQuestion(of, second)?.query).toMatchObject({ baseline: range(minutes(5, 10)) })
  })
  it('is of a diff the side that was drawn; the other as the query says', () => {
    const query = { ...QUERY, queryType: 'diff', baseline: { shift: '1h', labelSelector: '{version="1"}' } }
    const of = source([frame(query, { isDiff: true })], true)
    const compared = stroked(of, minutes(20, 25), true)
    expect(markedQuestion(of, compared)).toEqual({ uid: 'ours', query, span: minutes(20, 25) })
    expect(markedQuestion(of, stroked(of, minutes(5, 10)))).toEqual({
      uid: 'ours',
      query: { ...query, baseline: { ...query.baseline, from: 300_000, to: 600_000 } },
      span: CHART,
    })
  })
  it('is of two frames the side that was drawn, against the range of the other', () => {
    const of = source([frame(QUERY, { chart: minutes(-60, 0) }), frame(QUERY)], true)
    const { query, span } = markedQuestion(of, stroked(of, minutes(20, 25), true))!
    expect([query, span]).toMatchObject([{ baseline: { from: -3_600_000, to: 0 } }, minutes(20, 25)])
  })
})

describe('clearing', () => {
  it('of the comparison that strokes made leads back to what was compared with', () => {
    const of = source([frame(QUERY)])
    const compared = stroked(of, minutes(20, 25), true, stroked(of, minutes(5, 10)))
    const back = cleared(of, compared, 'comparison')
    expect(marksOf(back)).toEqual([{ kind: 'graph', span: minutes(5, 10) }])
    expect(marksOf(cleared(of, back, 'graph'))).toEqual([])
    expect(markedQuestion(of, cleared(of, compared, 'baseline'))?.query).toMatchObject({
      baseline: { to: 3.6e6 },
    })
  })
  it('of a side of a diff leaves a diff', () => {
    const of = source([frame({ ...QUERY, queryType: 'diff' }, { isDiff: true })], true)
    expect(cleared(of, stroked(of, minutes(20, 25), true), 'comparison').isDiff).toBe(true)
  })
})

describe('new data from outside', () => {
  const of = source([frame(QUERY)])
  const marked: Brushed = stroked(of, minutes(5, 10))
  const kept = (query: object, chart: Span) => {
    const after = source([frame(query, { chart })])
    return marksOf(keptMarks(of, after, marked)).length === 1 ? 'kept' : 'gone'
  }
  it.each([
    ['the same answer again', QUERY, CHART, 'kept'],
    ['a range that went on with the clock', QUERY, minutes(1, 61), 'kept'],
    ['a range that grows with the clock', QUERY, minutes(0, 61), 'kept'],
    ['a range that has left the mark behind', QUERY, minutes(6, 66), 'gone'],
    ['a longer range', QUERY, minutes(-120, 60), 'gone'],
    ['a shorter range', QUERY, minutes(0, 15), 'gone'],
    ['an earlier range', QUERY, minutes(-1, 59), 'gone'],
    ['another query', { ...QUERY, labelSelector: '{}' }, CHART, 'gone'],
    ['another data source', { ...QUERY, datasource: { uid: 'theirs' } }, CHART, 'gone'],
  ])('%s: the mark is %s', (_, query, chart, expected) => {
    expect(kept(query, chart)).toBe(expected)
  })
  it('ends a comparison that strokes made when its comparison is left behind', () => {
    const compared = stroked(of, minutes(0, 1), true)
    const after = source([frame(QUERY, { chart: minutes(1, 61) })])
    expect(keptMarks(of, after, compared)).toEqual(nothingMarked(after))
  })
})

import type { DataFrame } from '@grafana/data'
import { describe, expect, it } from 'vitest'
import { fieldType } from '../../frame/columns.ts'
import { broughtSeries, rateText, seriesOf, valueAt } from './series.ts'

/** A series frame: a value, or `–` for nobody, each 10 s. */
function frame(steps: string, { folded = 0, refId = 'A', startMs = 0 } = {}): DataFrame {
  const values = steps.split(' ').map((text) => (text === '–' ? null : Number(text)))
  const times = values.map((_, i) => startMs + i * 10_000)
  return {
    refId,
    length: values.length,
    meta: { custom: { flametrail: { v: 1, nodes: { sent: 1, folded } } } },
    fields: [
      { name: 'time', type: fieldType('time'), config: { interval: 10_000 }, values: times },
      { name: 'value', type: fieldType('number'), config: { unit: 'cores' }, values },
    ],
  }
}
const text = (series: ReturnType<typeof seriesOf>) => series?.values.map((value) => value ?? '–').join(' ')

describe('the series of some frames', () => {
  it('is their sum, and a gap only where nobody reported', () => {
    const sum = seriesOf([frame('1 2 – – 5'), frame('1 – – 4 1')])
    expect(text(sum)).toBe('2 2 – 4 6')
    expect(sum).toMatchObject({
      stepMs: 10_000,
      unit: 'cores',
      max: 6,
      timesMs: [0, 10_000, 20_000, 30_000, 40_000],
    })
  })
  it('joins series that begin at other times, in order', () => {
    expect(seriesOf([frame('3 4', { startMs: 20_000 }), frame('1 2')])?.timesMs).toEqual([
      0, 10_000, 20_000, 30_000,
    ])
  })
  it('takes what is no rate for a gap: negative, not finite, text', () => {
    const broken = frame('1 -2 3')
    broken.fields[1]!.values = [Number.NaN, -2, 'x'] as never
    expect(text(seriesOf([broken]))).toBe('– – –')
    broken.fields[0]!.values = [null, 'x', Number.POSITIVE_INFINITY] as never
    expect(seriesOf([broken])).toMatchObject({ timesMs: [], max: 0 })
  })
  it('is none where no frame has time and number', () => {
    expect(seriesOf([])).toBeUndefined()
    expect(seriesOf([{ ...frame('1'), fields: [] }])).toBeUndefined()
  })
})

describe('the series that came with a profile', () => {
  const profile: DataFrame = {
    refId: 'A',
    length: 0,
    fields: ['level', 'value', 'self', 'label'].map((name) => ({
      name,
      type: fieldType('number'),
      config: {},
      values: [],
    })),
  }
  it('is that of the same query alone', () => {
    expect(text(broughtSeries([frame('7', { refId: 'B' }), frame('1 2'), profile], 'A'))).toBe('1 2')
    expect(broughtSeries([profile], 'A')).toBeUndefined()
  })
  it('is none where some series were left out, or another source made them', () => {
    expect(broughtSeries([frame('1 2'), frame('1 2', { folded: 3 })], 'A')).toBeUndefined()
    expect(broughtSeries([{ ...frame('1 2'), meta: {} }], 'A')).toBeUndefined()
  })
})

describe('the value at a moment', () => {
  const series = seriesOf([frame('1 – 3')])!
  it.each([
    [-1, undefined],
    [0, 1],
    [9_999, 1],
    [10_000, null],
    [29_999, 3],
    [30_000, undefined],
  ])('%i ms is %s', (moment, expected) => {
    expect(valueAt(series, moment)).toBe(expected)
  })
})

describe('a rate in words', () => {
  it.each([
    [1.2345, 'cores', '1.23 cores'],
    [0.00314159, 'cores', '0.00314 cores'],
    [0, 'cores', '0 cores'],
    [1234.5, 'cores', '1,235 cores'],
    [13_002_000, 'bytes/s', '12.4 MiB/s'],
    [99.99, 'count/s', '100 count/s'],
  ])('%d %s reads %s', (value, unit, expected) => {
    expect(rateText(value, unit)).toBe(expected)
  })
})

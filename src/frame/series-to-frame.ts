// How do series and tables of functions become data frames?
import type { DataFrame, Field } from '@grafana/data'
import type { SeriesAnswer, TopAnswer } from '#profile/wire/query-api'
import { fieldType } from './columns.ts'
import { grafanaUnit } from './units.ts'

/** Turns an answer of /series into one frame a series: time (epoch ms) and value with its labels.
 *  A step where nobody reported stays null: a gap, not a zero.    cost O(series · steps) */
export function seriesToFrames(answer: SeriesAnswer, refId: string): DataFrame[] {
  const unit = grafanaUnit(answer.valueUnit)
  return answer.labels.map((labels, i) => {
    const time: Field<number> = {
      name: 'time',
      type: fieldType('time'),
      config: { interval: answer.stepS * 1000 },
      values: [...answer.t],
    }
    const value: Field<number | null> = {
      name: 'value',
      type: fieldType('number'),
      config: { unit, displayNameFromDS: seriesName(labels) },
      labels: { ...labels },
      values: [...answer.v[i]!],
    }
    return {
      name: seriesName(labels),
      refId,
      fields: [time, value],
      length: answer.t.length,
      meta: { preferredVisualisationType: 'graph', custom: { flametrail: { ...answer.meta, v: 1 } } },
    }
  })
}

/** One label needs no name; none at all is the sum of everything asked for. */
function seriesName(labels: Readonly<Record<string, string>>): string {
  const entries = Object.entries(labels)
  if (entries.length === 0) return 'total'
  if (entries.length === 1) return entries[0]![1]
  return `{${entries.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(', ')}}`
}

/** Turns an answer of /top into a table: function, file, mapping, self, total, selfShare (0 to 1 of all). */
export function topToFrame(answer: TopAnswer, refId = 'A'): DataFrame {
  const unit = grafanaUnit(answer.meta.unit)
  const words = (name: string, values: readonly string[]): Field => ({
    name,
    type: fieldType('string'),
    config: {},
    values: [...values],
  })
  const numbers = (name: string, values: readonly number[], of: string): Field => ({
    name,
    type: fieldType('number'),
    config: { unit: of },
    values: [...values],
  })
  const shares = answer.self.map((self) => (answer.total > 0 ? self / answer.total : 0))
  const fields = [
    words('function', answer.name),
    words('file', answer.file),
    words('mapping', answer.mapping),
    numbers('self', answer.self, unit),
    numbers('total', answer.totals, unit),
    numbers('selfShare', shares, 'percentunit'),
  ]
  const custom = { flametrail: { ...answer.meta, v: 1 } }
  return {
    name: 'top',
    refId,
    fields,
    length: shares.length,
    meta: { preferredVisualisationType: 'table', custom },
  }
}

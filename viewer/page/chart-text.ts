// What do axis and tooltip of the series chart say?
import { type DataFrame, dateTimeFormat, FieldType, formattedValueToString } from '@grafana/data'

/** Leaves the axis as it is, but never wider than its words need. */
export function readableAxis<Axis extends object>(axis: Axis): Axis {
  return { ...axis, grid: { show: true } }
}

/** One line a series under the pointer, the largest first; the moment above them.
 *  in  aligned  one frame: time, then a field a series;  indexes  the row under the pointer, per field */
export function toolTipText(aligned: DataFrame, indexes: readonly (number | null)[]): readonly string[] {
  const row = indexes.find((index) => index !== null)
  if (row === undefined || row === null) return []
  const time = aligned.fields.find((field) => field.type === FieldType.time)?.values[row]
  const lines = aligned.fields
    .filter((field) => field.type !== FieldType.time)
    .map((field) => ({ field, value: field.values[row] as number | null | undefined }))
    .filter(({ value }) => typeof value === 'number')
    .sort((one, other) => other.value! - one.value!)
    .map(({ field, value }) => {
      const text = field.display === undefined ? String(value) : formattedValueToString(field.display(value))
      return `${text}  ${field.config.displayNameFromDS ?? field.name}`
    })
  const moment = typeof time === 'number' ? dateTimeFormat(time, { timeZone: 'browser' }) : ''
  return [moment, ...(lines.length === 0 ? ['nobody reported'] : lines)]
}

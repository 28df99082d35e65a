// How do typed arrays stand in a data frame? By reference, with a `toJSON`, so that snapshots and the inspector print
// a list and not an object with one key per row.
import type { Field, FieldConfig, FieldType } from '@grafana/data'

/** A field type by its word. Grafana's enum itself is no import: @grafana/data wants a browser, this folder is pure. */
export const fieldType = (word: `${FieldType}`): FieldType => word as FieldType

type Column = Uint16Array | Uint32Array | Float64Array

/** Gives a column a `toJSON` that returns a plain list; the column stays as it is. Cost: none until it is printed. */
function withJson<C extends Column>(column: C): C {
  return Object.defineProperty(column, 'toJSON', { value: () => Array.from(column), configurable: true })
}

/** A field over a typed array, which Grafana passes on by reference. */
export function numberField(name: string, column: Column, unit?: string): Field<number> {
  const config: FieldConfig = unit === undefined ? {} : { unit }
  return { name, type: fieldType('number'), config, values: withJson(column) as unknown as number[] }
}

/** A field of words that repeat: one row of `texts` per value. */
export function enumField(name: string, column: Uint32Array, texts: readonly string[]): Field<number> {
  const config: FieldConfig = { type: { enum: { text: [...texts] } } }
  return { name, type: fieldType('enum'), config, values: withJson(column) as unknown as number[] }
}

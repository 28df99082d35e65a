// What stands in a store file? Dictionary, series, samples and the keys of the requests that brought them, so that one
// transaction of one file holds all that belongs together. No keys and no indexes: the one writer keeps rows unique in
// memory, and an index would make appending sixty times slower.
import type { ColumnKind, TableSpec } from './db.ts'

/** Of the directory and of every file in it; a change of any table raises it. */
export const STORE_FORMAT = 3

const table = (name: string, columns: Record<string, ColumnKind>): TableSpec => ({
  name,
  columns: Object.entries(columns).map(([column, kind]) => ({ name: column, kind })),
})

/** `id` is the row's place in its table, from 0; 4,294,967,295 stands for none. Names differ from SQL's soft keywords. */
export const STRING = table('string', { id: 'u32', txt: 'text' })
export const FUNC = table('func', {
  id: 'u32',
  func_name: 'u32',
  system_name: 'u32',
  source_file: 'u32',
  start_line: 'u32',
})
export const MAPPING = table('mapping', { id: 'u32', binary_file: 'u32', build_id: 'u32' })
/** A list of lines as a chain; row 0 is the empty list. */
export const LINE_LIST = table('line_list', { id: 'u32', rest: 'u32', func: 'u32', source_line: 'u32' })
export const LOCATION = table('location', {
  id: 'u32',
  mapping: 'u32',
  address_high: 'u32',
  address_low: 'u32',
  kind: 'u32',
  line_list: 'u32',
})
/** The trie of locations; row 0 is the empty stack. */
export const STACK = table('stack', { id: 'u32', parent: 'u32', location: 'u32' })
/** A profile type as stored, and what a row's value is worth: see `series-table.ts`. */
export const TYPE = table('profile_type', {
  id: 'u32',
  type_name: 'text',
  sample_type: 'text',
  sample_unit: 'text',
  period_type: 'text',
  period_unit: 'text',
  scale: 'f64',
  worth: 'f64',
})
export const SERIES = table('series', { id: 'u32', profile_type: 'u32', labels: 'text' })
/** `ts` is the window's start in epoch ms and `amount` the value as it came: doubles, exact up to 2^53, and whole numbers
 *  compress as integers do. The true value is amount × the type's scale, multiplied after summing. */
export const SAMPLE = table('sample', { series: 'u32', stack: 'u32', ts: 'f64', amount: 'f64' })
/** What one request said of a series in one window, summed over its stacks: a chart reads these rows alone, a tenth of the
 *  samples'. `frame_amount` and `unnamed_amount` are Σ amount × frames, and × frames without a name; `early_amount` that of
 *  stacks that end early. `sample_rows`: how many rows of `sample`. */
export const SERIES_WINDOW = table('series_window', {
  series: 'u32',
  ts: 'f64',
  amount: 'f64',
  sample_rows: 'f64',
  early_amount: 'f64',
  frame_amount: 'f64',
  unnamed_amount: 'f64',
})
/** What the agents that wrote the requests had counted by then: `Account` of store.ts. */
export const ACCOUNT = table('account', {
  host: 'text',
  agent: 'text',
  started: 'f64',
  reported: 'f64',
  expected: 'f64',
  idle: 'f64',
  received: 'f64',
  filtered: 'f64',
  lost: 'f64',
})
/** Keys of the requests whose rows are in this file, 128 bits. */
export const RECEIPT = table('receipt', { k0: 'u32', k1: 'u32', k2: 'u32', k3: 'u32' })

export const TABLES: readonly TableSpec[] = [
  STRING,
  FUNC,
  MAPPING,
  LINE_LIST,
  LOCATION,
  STACK,
  TYPE,
  SERIES,
  SAMPLE,
  SERIES_WINDOW,
  ACCOUNT,
  RECEIPT,
]

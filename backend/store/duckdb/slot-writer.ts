// How do requests enter the open slot? Their profiles are interned into its dictionary, their rows gathered; then one
// transaction takes what is new in the dictionary, the rows and the receipts. A dictionary row counts as written only after
// the commit that carried it: after a failed one, the next carries it again.

import { GrowingColumn } from '#profile/model/growing-column'
import { labelsText } from '#profile/model/labels'
import type { Profile } from '#profile/model/profile'
import { type StackQuality, stackQuality } from '#profile/tree/stack-quality'
import { type Dictionary, haveSameTables, RequestInterner } from '../dictionary.ts'
import type { KeyWords } from '../request.ts'
import { type SeriesTable, storageOf } from '../series-table.ts'
import type { Account } from '../store.ts'
import type { TupleTable } from '../tuple-table.ts'
import type { ColumnValues, Database, TableSpec } from './db.ts'
import {
  ACCOUNT,
  FUNC,
  LINE_LIST,
  LOCATION,
  MAPPING,
  RECEIPT,
  SAMPLE,
  SERIES,
  SERIES_WINDOW,
  STACK,
  STRING,
  TYPE,
} from './schema.ts'
import type { Slot } from './slot.ts'

/** Rows that wait for their commit. */
export class PendingRows {
  readonly series = new GrowingColumn(new Uint32Array(1_024))
  readonly stack = new GrowingColumn(new Uint32Array(1_024))
  readonly ts = new GrowingColumn(new Float64Array(1_024))
  readonly amount = new GrowingColumn(new Float64Array(1_024))
  readonly windows = new PendingWindows()
  readonly accounts: Account[] = []
  readonly keys: KeyWords[] = []
}

/** Sums of each series in each window; those of one request are one row. */
class PendingWindows {
  readonly series = new GrowingColumn(new Uint32Array(256))
  readonly ts = new GrowingColumn(new Float64Array(256))
  readonly amount = new GrowingColumn(new Float64Array(256))
  readonly sampleRows = new GrowingColumn(new Float64Array(256))
  readonly early = new GrowingColumn(new Float64Array(256))
  readonly frames = new GrowingColumn(new Float64Array(256))
  readonly unnamed = new GrowingColumn(new Float64Array(256))

  open(series: number, ts: number): number {
    this.ts.push(ts)
    for (const sums of [this.amount, this.sampleRows, this.early, this.frames, this.unnamed]) sums.push(0)
    this.series.push(series)
    return this.series.length - 1
  }

  add(row: number, amount: number, { isEarly, frames, unnamed }: StackQuality, stack: number): void {
    const increase = (sums: GrowingColumn<Float64Array>, by: number) => sums.set(row, sums.at(row) + by)
    increase(this.amount, amount)
    increase(this.sampleRows, 1)
    if (isEarly[stack] === 1) increase(this.early, amount)
    increase(this.frames, amount * frames[stack]!)
    increase(this.unnamed, amount * unnamed[stack]!)
  }

  columns(): readonly ColumnValues[] {
    const { series, ts, amount, sampleRows, early, frames, unnamed } = this
    return [series, ts, amount, sampleRows, early, frames, unnamed].map((column) => column.view())
  }
}

export class SlotWriter {
  readonly slot: Slot
  readonly #db: Database
  readonly #dictionary: Dictionary
  readonly #series: SeriesTable
  readonly #written = new Map<TableSpec, number>()

  /** For a slot of this process, new or read back from its file. */
  static async open(db: Database, slot: Slot): Promise<SlotWriter> {
    const isNew = slot.rows === 0 && slot.receipts?.count === 0
    const writer = new SlotWriter(db, slot, await slot.dictionary(), await slot.series())
    if (!isNew) writer.#noteWritten()
    return writer
  }

  private constructor(db: Database, slot: Slot, dictionary: Dictionary, series: SeriesTable) {
    this.#db = db
    this.slot = slot
    this.#dictionary = dictionary
    this.#series = series
  }

  get nodes(): number {
    return this.#dictionary.stacks.count
  }

  get seriesCount(): number {
    return this.#series.count
  }

  /** Interns one request and adds its rows. Throws ServiceError for a stack that cannot be kept; `rows` then holds nothing
   *  of the request. cost about 1 µs a sample and 4 µs a stack */
  gather(
    rows: PendingRows,
    request: {
      readonly key: KeyWords
      readonly profiles: readonly Profile[]
      readonly accounts: readonly Account[]
    },
  ): void {
    const interner = new RequestInterner(this.#dictionary)
    // All stacks first: only they can be refused, and a refused request must leave no rows.
    const stacksOf = request.profiles.map((profile) => {
      interner.use(profile)
      return Uint32Array.from(profile.samples.stack, (stack) => interner.stack(stack))
    })
    let judged: { readonly profile: Profile; readonly quality: StackQuality } | undefined
    request.profiles.forEach((profile, i) => {
      const { samples, labelSets } = profile
      if (judged === undefined || !haveSameTables(judged.profile, profile))
        judged = { profile, quality: stackQuality(profile) }
      const windowOf = windowRows(rows.windows)
      const type = this.#series.internType(storageOf(profile.type, profile.period))
      const seriesOf = new Int32Array(labelSets.length).fill(-1)
      for (let row = 0; row < samples.value.length; row++) {
        const labelSet = samples.labelSet[row]!
        if (seriesOf[labelSet] === -1)
          seriesOf[labelSet] = this.#series.internSeries(type, labelSets[labelSet]!)
        rows.series.push(seriesOf[labelSet]!)
        rows.stack.push(stacksOf[i]![row]!)
        rows.ts.push(samples.timeMs[row]!)
        rows.amount.push(samples.value[row]!)
        const window = windowOf(seriesOf[labelSet]!, samples.timeMs[row]!)
        rows.windows.add(window, samples.value[row]!, judged.quality, samples.stack[row]!)
      }
    })
    rows.accounts.push(...request.accounts)
    rows.keys.push(request.key)
  }

  /** Writes rows, receipts and what is new in the dictionary in one transaction. Throws DuckDB's Error; then nothing of it
   *  is on the disk, unless the answer to COMMIT itself was lost: ask the slot for a receipt. */
  async commit(rows: PendingRows): Promise<void> {
    await this.#db.transaction(async () => {
      for (const [table, columns] of this.#delta()) await this.#db.append(this.slot.alias, table, columns)
      const { series, stack, ts, amount, keys } = rows
      const samples = [series.view(), stack.view(), ts.view(), amount.view()]
      await this.#db.append(this.slot.alias, SAMPLE, samples)
      await this.#db.append(this.slot.alias, SERIES_WINDOW, rows.windows.columns())
      if (rows.accounts.length > 0)
        await this.#db.append(this.slot.alias, ACCOUNT, accountColumns(rows.accounts))
      const word = (i: number) => Uint32Array.from(keys, (key) => key[i]!)
      await this.#db.append(this.slot.alias, RECEIPT, [word(0), word(1), word(2), word(3)])
    })
  }

  /** After the commit, and only then. */
  async noteCommitted(rows: PendingRows): Promise<void> {
    this.#noteWritten()
    for (const key of rows.keys) this.slot.receipts!.intern(...key)
    await this.slot.noteCommitted(rows.series.view(), rows.ts.view())
  }

  #delta(): readonly (readonly [TableSpec, readonly ColumnValues[]])[] {
    const { strings, functions, mappings, lineLists, locations, stacks } = this.#dictionary
    const ids = (from: number, to: number) => Uint32Array.from({ length: to - from }, (_, i) => from + i)
    const tuples = (table: TableSpec, tuple: TupleTable) => {
      const from = this.#writtenOf(table)
      const columns = Array.from({ length: tuple.width }, (_, i) => tuple.column(i).subarray(from))
      return [table, [ids(from, tuple.count), ...columns]] as const
    }
    const texts = (table: TableSpec, count: number, columns: (from: number) => readonly ColumnValues[]) => {
      const from = this.#writtenOf(table)
      return [table, [ids(from, count), ...columns(from)]] as const
    }
    const { types, typeOf, labels } = this.#series
    return [
      texts(STRING, strings.list.length, (from) => [strings.list.slice(from)]),
      tuples(FUNC, functions),
      tuples(MAPPING, mappings),
      tuples(LINE_LIST, lineLists),
      tuples(LOCATION, locations),
      tuples(STACK, stacks),
      texts(TYPE, types.length, (from) => {
        const rows = types.slice(from)
        return [
          rows.map(({ type }) => type.name),
          rows.map(({ type }) => type.sampleType),
          rows.map(({ type }) => type.sampleUnit),
          rows.map(({ type }) => type.periodType),
          rows.map(({ type }) => type.periodUnit),
          Float64Array.from(rows, ({ scale }) => scale),
          Float64Array.from(rows, ({ worth }) => worth),
        ]
      }),
      texts(SERIES, labels.length, (from) => [
        Uint32Array.from(typeOf.slice(from)),
        labels.slice(from).map(labelsText),
      ]),
    ]
  }

  #writtenOf(table: TableSpec): number {
    return this.#written.get(table) ?? 0
  }

  /** All that is interned now is on the disk: nothing interns between a commit and this note. */
  #noteWritten(): void {
    const { strings, functions, mappings, lineLists, locations, stacks } = this.#dictionary
    this.#written.set(STRING, strings.list.length)
    this.#written.set(FUNC, functions.count)
    this.#written.set(MAPPING, mappings.count)
    this.#written.set(LINE_LIST, lineLists.count)
    this.#written.set(LOCATION, locations.count)
    this.#written.set(STACK, stacks.count)
    this.#written.set(TYPE, this.#series.types.length)
    this.#written.set(SERIES, this.#series.count)
  }
}

/** Finds or opens the row of a series and a moment: for the samples of one profile. */
function windowRows(windows: PendingWindows) {
  const byTime = new Map<number, Map<number, number>>()
  return (series: number, ts: number): number => {
    let bySeries = byTime.get(ts)
    if (bySeries === undefined) {
      bySeries = new Map()
      byTime.set(ts, bySeries)
    }
    let row = bySeries.get(series)
    if (row === undefined) {
      row = windows.open(series, ts)
      bySeries.set(series, row)
    }
    return row
  }
}

function accountColumns(accounts: readonly Account[]): readonly ColumnValues[] {
  const numbers = (of: (one: Account) => number) => Float64Array.from(accounts, of)
  return [
    accounts.map(({ host }) => host),
    accounts.map(({ agentId }) => agentId),
    numbers(({ startedMs }) => startedMs),
    numbers(({ reportedMs }) => reportedMs),
    numbers(({ expected }) => expected),
    numbers(({ idle }) => idle),
    numbers(({ received }) => received),
    numbers(({ filtered }) => filtered),
    numbers(({ lost }) => lost),
  ]
}

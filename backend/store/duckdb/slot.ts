// What does one store file answer? A slot is the DuckDB file of one hour of receipt: a closed world with its own
// dictionary, series, samples and receipts. Its tables stay in memory for the open slot; for older ones they are read
// when first asked for, and the dictionary may be let go again.
import { copyFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { GrowingColumn } from '#profile/model/growing-column'
import type { Labels } from '#profile/model/labels'
import type { ProfileType } from '#profile/model/profile-type'
import { Dictionary } from '../dictionary.ts'
import { type LabelTest, type MatchedSeries, matchSeries } from '../match-series.ts'
import { SeriesTable } from '../series-table.ts'
import type { Account, SeriesQuery, SeriesSeen, StackQuery, StackSums } from '../store.ts'
import { sumByNode } from '../sum-by-node.ts'
import { TupleTable } from '../tuple-table.ts'
import type { Database } from './db.ts'
import { slotHourMs, syncDirectory } from './directory.ts'
import { DamagedSlot } from './failures.ts'
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
  TABLES,
  TYPE,
} from './schema.ts'

/** A question whose matchers are compiled. */
export type Ready<Query> = Omit<Query, 'matchers'> & { readonly matches: LabelTest }

/** Sums of one slot for one series query; buckets as in SeriesSums. */
export interface SlotSeriesSums {
  readonly matched: MatchedSeries
  readonly group: Uint32Array
  readonly bucket: Uint32Array
  readonly amount: Float64Array
  readonly rows: Float64Array
  /** Of `amount`: stacks that end early; weights of frames, and of frames without a name. */
  readonly early: Float64Array
  readonly frames: Float64Array
  readonly unnamed: Float64Array
}

let asked = 0

export class Slot {
  readonly name: string
  readonly hourMs: number
  readonly alias: string
  /** Of all committed rows; NaN while there are none. */
  firstMs = Number.NaN
  lastMs = Number.NaN
  rows = 0
  /** Readers at work; a dropped slot is let go when there are none. */
  pins = 0
  /** Set once the slot has left the store, with what is to become of its file. */
  dropped: 'unlink' | 'quarantine' | undefined
  droppedWhy = ''
  /** Keys of the requests in this slot; undefined once they are too old to come again. */
  receipts: TupleTable | undefined
  /** Stacks of the dictionary as far as it is in memory, and when it was last asked for, as a running number. */
  nodesInMemory = 0
  askedAt = 0
  readonly #db: Database
  #series: Promise<SeriesTable> | undefined
  #dictionary: Promise<Dictionary> | undefined
  #seen:
    | Promise<{ readonly first: GrowingColumn<Float64Array>; readonly last: GrowingColumn<Float64Array> }>
    | undefined

  /** Makes an empty file under another name first, so that a kill leaves no half-made one behind, and attaches it. */
  static async create(db: Database, directory: string, name: string): Promise<Slot> {
    const making = `slot/${name}.tmp`
    const alias = await db.attach(making)
    try {
      await db.createTables(alias, TABLES)
    } finally {
      await db.detach(alias)
    }
    renameSync(path.join(directory, making), path.join(directory, 'slot', name))
    await syncDirectory(path.join(directory, 'slot'))
    const slot = new Slot(db, name, await db.attach(`slot/${name}`))
    slot.receipts = new TupleTable(4)
    slot.#series = Promise.resolve(new SeriesTable())
    slot.#dictionary = Promise.resolve(new Dictionary())
    slot.#seen = Promise.resolve({
      first: new GrowingColumn(new Float64Array(64)),
      last: new GrowingColumn(new Float64Array(64)),
    })
    return slot
  }

  /** Attaches an existing file. A log with a damaged tail is cut there, reported, and a copy kept in quarantine.
   *  Throws DuckDB's Error: `isDamage` tells whether the file is to blame. */
  static async open(
    db: Database,
    directory: string,
    name: string,
    report: (line: string) => void,
  ): Promise<Slot> {
    const slot = new Slot(db, name, await attachCutting({ db, directory, name, report }))
    try {
      await slot.#readSummary()
    } catch (error) {
      await db.detach(slot.alias).catch(() => undefined)
      throw error
    }
    return slot
  }

  private constructor(db: Database, name: string, alias: string) {
    this.#db = db
    this.name = name
    this.hourMs = slotHourMs(name)
    this.alias = alias
  }

  series(): Promise<SeriesTable> {
    this.#series ??= this.#loadSeries()
    return this.#series
  }

  async dictionary(): Promise<Dictionary> {
    this.askedAt = ++asked
    this.#dictionary ??= this.#loadDictionary()
    const dictionary = await this.#dictionary
    this.nodesInMemory = dictionary.stacks.count
    return dictionary
  }

  /** Lets the memory of the dictionary go; it is read again when asked for. */
  forgetDictionary(): void {
    this.#dictionary = undefined
    this.nodesInMemory = 0
  }

  async loadReceipts(): Promise<void> {
    const columns = await this.#db.read(`SELECT k0, k1, k2, k3 FROM ${this.alias}.${RECEIPT.name}`, [
      'u32',
      'u32',
      'u32',
      'u32',
    ])
    this.receipts = new TupleTable(4)
    this.receipts.load(columns)
  }

  /** True if the keys of a request are on the disk, whatever memory says. */
  async holdsReceipt(key: readonly number[]): Promise<boolean> {
    const sql = `SELECT count(*)::DOUBLE FROM ${this.alias}.${RECEIPT.name} WHERE k0 = ? AND k1 = ? AND k2 = ? AND k3 = ?`
    const [count] = await this.#db.read(sql, ['f64'], key)
    return count[0]! > 0
  }

  /** Takes note of committed rows. */
  async noteCommitted(series: Uint32Array, ts: Float64Array): Promise<void> {
    const { first, last } = await this.#seenBySeries()
    this.rows += ts.length
    for (let i = 0; i < ts.length; i++) {
      const time = ts[i]!
      if (!(this.firstMs <= time)) this.firstMs = time
      if (!(this.lastMs >= time)) this.lastMs = time
      while (first.length <= series[i]!) {
        first.push(Number.NaN)
        last.push(Number.NaN)
      }
      if (!(first.at(series[i]!) <= time)) first.set(series[i]!, time)
      if (!(last.at(series[i]!) >= time)) last.set(series[i]!, time)
    }
  }

  /** True if any row may lie in the range. */
  overlaps(range: { readonly fromMs: number; readonly toMs: number }): boolean {
    return this.lastMs >= range.fromMs && this.firstMs < range.toMs
  }

  /** Undefined: no row matches. */
  async stackSums(query: Ready<StackQuery>): Promise<StackSums | undefined> {
    const matched = matchSeries(await this.series(), query)
    if (matched.series.length === 0) return undefined
    const sql = `SELECT g.grp, s.stack, sum(s.amount), count(*)::DOUBLE
      FROM ${this.alias}.${SAMPLE.name} s JOIN (SELECT unnest(?) AS series, unnest(?) AS grp) g ON s.series = g.series
      WHERE s.ts >= ? AND s.ts < ? GROUP BY g.grp, s.stack`
    const [group, stack, amount, rows] = await this.#db.read(
      sql,
      ['u32', 'u32', 'f64', 'f64'],
      [matched.series, matched.group, query.fromMs, query.toMs],
    )
    if (group.length === 0) return undefined
    const dictionary = await this.dictionary()
    return sumByNode({ dictionary, matched, group, stack, amount, rows })
  }

  /** Rows of series that do not match stand under the group UNMATCHED: they say who reported at all. */
  async seriesSums(query: Ready<SeriesQuery>): Promise<SlotSeriesSums | undefined> {
    const matched = matchSeries(await this.series(), query, { withUnmatched: true })
    if (matched.series.length === 0) return undefined
    const sql = `SELECT g.grp, floor((s.ts - ?) / ?)::UINTEGER AS bucket, sum(s.amount), sum(s.sample_rows),
        sum(s.early_amount), sum(s.frame_amount), sum(s.unnamed_amount)
      FROM ${this.alias}.${SERIES_WINDOW.name} s
      JOIN (SELECT unnest(?) AS series, unnest(?) AS grp) g ON s.series = g.series
      WHERE s.ts >= ? AND s.ts < ? GROUP BY g.grp, bucket`
    const [group, bucket, amount, rows, early, frames, unnamed] = await this.#db.read(
      sql,
      ['u32', 'u32', 'f64', 'f64', 'f64', 'f64', 'f64'],
      [query.fromMs, query.stepMs, matched.series, matched.group, query.fromMs, query.toMs],
    )
    return { matched, group, bucket, amount, rows, early, frames, unnamed }
  }

  /** Series with rows in the range. SQL is asked only about series that are neither wholly inside nor wholly outside. */
  async seriesSeen(
    query: Ready<{ readonly type: ProfileType | undefined; readonly fromMs: number; readonly toMs: number }>,
  ): Promise<SeriesSeen[]> {
    const table = await this.series()
    const { first, last } = await this.#seenBySeries()
    const { series } = matchSeries(table, { ...query, groupBy: [] })
    const seen: SeriesSeen[] = []
    const partly: number[] = []
    const add = (id: number, firstMs: number, lastMs: number) => {
      const labels: Labels = table.labels[id]!
      seen.push({ type: table.types[table.typeOf[id]!]!.type, labels, firstMs, lastMs })
    }
    for (const id of series) {
      if (id >= first.length || !(first.at(id) < query.toMs && last.at(id) >= query.fromMs)) continue
      if (first.at(id) >= query.fromMs && last.at(id) < query.toMs) add(id, first.at(id), last.at(id))
      else partly.push(id)
    }
    if (partly.length === 0) return seen
    const sql = `SELECT s.series, min(s.ts), max(s.ts) FROM ${this.alias}.${SAMPLE.name} s
      JOIN (SELECT unnest(?) AS series) g ON s.series = g.series WHERE s.ts >= ? AND s.ts < ? GROUP BY s.series`
    const [id, firstMs, lastMs] = await this.#db.read(
      sql,
      ['u32', 'f64', 'f64'],
      [Uint32Array.from(partly), query.fromMs, query.toMs],
    )
    for (let i = 0; i < id.length; i++) add(id[i]!, firstMs[i]!, lastMs[i]!)
    return seen
  }

  async accounts({
    fromMs,
    toMs,
  }: {
    readonly fromMs: number
    readonly toMs: number
  }): Promise<readonly Account[]> {
    const names = ACCOUNT.columns.map(({ name }) => name).join(', ')
    const sql = `SELECT ${names} FROM ${this.alias}.${ACCOUNT.name} WHERE reported >= ? AND reported < ?`
    const [host, agent, started, reported, expected, idle, received, filtered, lost] = (await this.#db.read(
      sql,
      ACCOUNT.columns.map(({ kind }) => kind),
      [fromMs, toMs],
    )) as [string[], string[], ...Float64Array[]]
    return host.map((name, i) => ({
      ...{ host: name, agentId: agent[i]!, startedMs: started![i]!, reportedMs: reported![i]! },
      ...{ expected: expected![i]!, idle: idle![i]!, received: received![i]! },
      ...{ filtered: filtered![i]!, lost: lost![i]! },
    }))
  }

  async #readSummary(): Promise<void> {
    const sql = `SELECT min(ts), max(ts), count(*)::DOUBLE FROM ${this.alias}.${SAMPLE.name}`
    const [first, last, rows] = await this.#db.read(sql, ['f64', 'f64', 'f64'])
    this.rows = rows[0]!
    if (this.rows === 0) return
    this.firstMs = first[0]!
    this.lastMs = last[0]!
  }

  #seenBySeries() {
    this.#seen ??= this.#loadSeen()
    return this.#seen
  }

  async #loadSeen() {
    const sql = `SELECT series, min(ts), max(ts) FROM ${this.alias}.${SAMPLE.name} GROUP BY series ORDER BY series`
    const [series, firstMs, lastMs] = await this.#db.read(sql, ['u32', 'f64', 'f64'])
    const first = new GrowingColumn(new Float64Array(64))
    const last = new GrowingColumn(new Float64Array(64))
    for (let i = 0; i < series.length; i++) {
      for (; first.length < series[i]!; last.push(Number.NaN)) first.push(Number.NaN)
      first.push(firstMs[i]!)
      last.push(lastMs[i]!)
    }
    return { first, last }
  }

  async #loadSeries(): Promise<SeriesTable> {
    const table = new SeriesTable()
    const type = await this.#readTable(TYPE)
    const [name, sampleType, sampleUnit, periodType, periodUnit] = type.slice(0, 5) as string[][]
    const [scale, worth] = type.slice(5) as Float64Array[]
    for (let i = 0; i < name!.length; i++)
      table.internType({
        type: {
          name: name![i]!,
          sampleType: sampleType![i]!,
          sampleUnit: sampleUnit![i]!,
          periodType: periodType![i]!,
          periodUnit: periodUnit![i]!,
        },
        scale: scale![i]!,
        worth: worth![i]!,
      })
    const [typeOf, labels] = (await this.#readTable(SERIES)) as [Uint32Array, string[]]
    for (let i = 0; i < typeOf.length; i++) {
      if (typeOf[i]! >= table.types.length) throw new DamagedSlot(`series ${i} has no profile type`)
      table.internSeries(typeOf[i]!, JSON.parse(labels[i]!) as Labels)
    }
    if (table.count !== labels.length) throw new DamagedSlot('two series are equal')
    return table
  }

  async #loadDictionary(): Promise<Dictionary> {
    const dictionary = new Dictionary()
    const [string] = (await this.#readTable(STRING)) as [string[]]
    const numbers = async (table: typeof FUNC) => (await this.#readTable(table)) as Uint32Array[]
    const rows = {
      string,
      func: await numbers(FUNC),
      mapping: await numbers(MAPPING),
      line_list: await numbers(LINE_LIST),
      location: await numbers(LOCATION),
      stack: await numbers(STACK),
    }
    try {
      dictionary.load(rows)
    } catch (error) {
      throw new DamagedSlot((error as Error).message, { cause: error })
    }
    return dictionary
  }

  /** All columns but the id, in order of id; ids must be 0, 1, 2, … */
  async #readTable(table: typeof FUNC): Promise<(Uint32Array | Float64Array | string[])[]> {
    const names = table.columns.map((column) => column.name)
    const kinds = table.columns.map((column) => column.kind)
    const sql = `SELECT ${names.join(', ')} FROM ${this.alias}.${table.name} ORDER BY id`
    const [id, ...columns] = await this.#db.read(sql, kinds)
    for (let i = 0; i < id!.length; i++)
      if (id![i] !== i) throw new DamagedSlot(`row ${i} of ${table.name} has id ${id![i]}`)
    return columns
  }
}

// DuckDB names the byte at which a log is damaged. Cut there, whole commits before it survive.
async function attachCutting(at: {
  readonly db: Database
  readonly directory: string
  readonly name: string
  readonly report: (line: string) => void
}): Promise<string> {
  const { db, directory, name, report } = at
  try {
    return await db.attach(`slot/${name}`)
  } catch (error) {
    const { message } = error as Error
    const byte = /WAL file.* byte position (\d+)/s.exec(message)?.[1]
    if (byte === undefined) throw error
    const log = path.join(directory, 'slot', `${name}.wal`)
    const copy = path.join(directory, 'quarantine', `${name}.wal`)
    copyFileSync(log, copy)
    writeFileSync(`${copy}.reason`, `${message}\n`)
    truncateSync(log, Number(byte))
    report(
      `the log of ${name} is damaged: cut at byte ${byte}, the whole of it kept in quarantine (${message})`,
    )
    return db.attach(`slot/${name}`)
  }
}

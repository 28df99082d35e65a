// How do we speak to DuckDB? Through this file and no other: one instance, locked down, to which store files are attached;
// typed columns in, typed columns out. Two instances on one file in one process would both write to it, and nothing would
// refuse: therefore the driver is imported here only, and a directory opens once.
import { realpathSync } from 'node:fs'
import { availableParallelism, totalmem } from 'node:os'
import path from 'node:path'
import {
  DOUBLE,
  type DuckDBConnection,
  DuckDBDataChunk,
  DuckDBInstance,
  type DuckDBType,
  type DuckDBValue,
  type DuckDBVector,
  LIST,
  listValue,
  UINTEGER,
  VARCHAR,
} from '@duckdb/node-api'
import { ServiceError } from '../../errors.ts'

export type ColumnKind = 'u32' | 'f64' | 'text'
export interface TableSpec {
  readonly name: string
  readonly columns: readonly { readonly name: string; readonly kind: ColumnKind }[]
}
export type ColumnValues = Uint32Array | Float64Array | readonly string[]
/** A bound value: one number, or a list of ids for `unnest`. */
export type Bound = number | Uint32Array

const CHUNK_ROWS = 2_048 // DuckDB's vector size
const SQL_TYPE = { u32: UINTEGER, f64: DOUBLE, text: VARCHAR } as const
const openDirectories = new Set<string>()

export class Database {
  readonly #directory: string
  readonly #instance: DuckDBInstance
  /** Transactions only; everything about files goes over the other one, so that neither waits for the other. */
  readonly #writer: DuckDBConnection
  readonly #files: DuckDBConnection
  readonly #readers: DuckDBConnection[] = []
  readonly #waiting: ((connection: DuckDBConnection) => void)[] = []
  readonly #readersMost: number
  readonly #deadlineMs: number
  readonly #chunks = new Map<TableSpec, DuckDBDataChunk>()
  #readersOpen = 0
  #aliases = 0
  #closed = false

  /** in  directory  the data directory, the only place that DuckDB may touch
   *      readersMost  reads at once; each holds a thread of libuv's pool while it runs
   *      deadlineMs   after which a read is interrupted, ServiceError `deadline` */
  static async open(options: {
    readonly directory: string
    readonly readersMost: number
    readonly deadlineMs: number
  }): Promise<Database> {
    const directory = realpathSync(options.directory)
    if (openDirectories.has(directory))
      throw new ServiceError('invalid', `${directory} is already open in this process`)
    openDirectories.add(directory)
    try {
      const instance = await DuckDBInstance.create(':memory:')
      const writer = await instance.connect()
      await lockDown(writer, directory)
      return new Database({ ...options, directory, instance, writer, files: await instance.connect() })
    } catch (error) {
      openDirectories.delete(directory)
      throw error
    }
  }

  private constructor(parts: {
    readonly directory: string
    readonly readersMost: number
    readonly deadlineMs: number
    readonly instance: DuckDBInstance
    readonly writer: DuckDBConnection
    readonly files: DuckDBConnection
  }) {
    this.#instance = parts.instance
    this.#writer = parts.writer
    this.#files = parts.files
    this.#directory = parts.directory
    this.#readersMost = parts.readersMost
    this.#deadlineMs = parts.deadlineMs
  }

  /** Attaches a file of the directory, replaying its log; the file is created if it is missing.
   *  out  the name it has in SQL. Throws DuckDB's own Error: the caller decides whether that means damage. */
  async attach(file: string): Promise<string> {
    const alias = `f${this.#aliases++}`
    await this.#files.run(`ATTACH ${quoted(path.join(this.#directory, file))} AS ${alias}`)
    return alias
  }

  /** Lets go of a file; its log is written into it first. Nothing may be reading it. */
  async detach(alias: string): Promise<void> {
    await this.#files.run(`DETACH ${named(alias)}`)
  }

  /** Writes the log of a file into it. Throws beside active transactions: then it happens later, by itself. */
  async checkpoint(alias: string): Promise<void> {
    await this.#files.run(`CHECKPOINT ${named(alias)}`)
  }

  async createTables(alias: string, tables: readonly TableSpec[]): Promise<void> {
    for (const table of tables) {
      const columns = table.columns.map(({ name, kind }) => `${name} ${SQL_TYPE[kind]}`)
      await this.#files.run(`CREATE TABLE ${named(alias)}.${table.name} (${columns.join(', ')})`)
    }
  }

  /** Runs `write` in one transaction: all of it is on the disk when this resolves, or none of it if this throws.
   *  One at a time: the caller queues. cost one fsync */
  async transaction(write: () => Promise<void>): Promise<void> {
    await this.#writer.run('BEGIN')
    try {
      await write()
      await this.#writer.run('COMMIT')
    } catch (error) {
      // After a failed COMMIT there is no transaction to roll back; what failed first is what counts.
      await this.#writer.run('ROLLBACK').catch(() => undefined)
      throw error
    }
  }

  /** Appends rows of equal-length columns; inside `transaction` only. */
  async append(alias: string, table: TableSpec, columns: readonly ColumnValues[]): Promise<void> {
    const rows = columns[0]!.length
    if (rows === 0) return
    const appender = await this.#writer.createAppender(table.name, 'main', named(alias))
    let whole = false
    try {
      // One reused chunk per table: a new one per 2,048 rows doubles the memory. After reset() the row count is 0 and
      // vectors have length 0, so the order is: reset, rowCount, vector, set, flush.
      const chunk = this.#chunkOf(table)
      for (let from = 0; from < rows; from += CHUNK_ROWS) {
        const to = Math.min(rows, from + CHUNK_ROWS)
        chunk.reset()
        chunk.rowCount = to - from
        columns.forEach((column, i) => {
          fillColumn(chunk, i, column, from, to)
        })
        appender.appendDataChunk(chunk)
      }
      whole = true
    } finally {
      closeAppender(appender, whole)
    }
  }

  /** Runs one SELECT on a connection of its own and gives its columns, in the kinds asked for.
   *  Values are bound, never written into the text. Throws ServiceError `deadline`. */
  async read<const K extends readonly ColumnKind[]>(
    sql: string,
    kinds: K,
    values: readonly Bound[] = [],
  ): Promise<{ -readonly [I in keyof K]: ColumnOf<K[I]> }> {
    const connection = await this.#reader()
    let late = false
    const timer = setTimeout(() => {
      late = true
      connection.interrupt()
    }, this.#deadlineMs)
    try {
      const result = await connection.run(sql, values.map(boundValue), values.map(boundType))
      const chunks = await result.fetchAllChunks()
      return kinds.map((kind, i) => gather(chunks, i, kind)) as never
    } catch (error) {
      if (!late) throw error
      const seconds = Math.round(this.#deadlineMs / 1_000)
      throw new ServiceError(
        'deadline',
        `no answer after ${seconds} s; narrow the time range or add a matcher`,
        {
          key: 'limits.queryDeadline',
          limit: this.#deadlineMs,
          cause: error,
        },
      )
    } finally {
      clearTimeout(timer)
      this.#release(connection)
    }
  }

  /** Writes the logs into the files and lets go of all of them. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const reader of this.#readers) reader.closeSync()
    this.#writer.closeSync()
    this.#files.closeSync()
    this.#instance.closeSync()
    openDirectories.delete(this.#directory)
  }

  #chunkOf(table: TableSpec): DuckDBDataChunk {
    let chunk = this.#chunks.get(table)
    if (chunk === undefined) {
      const types: DuckDBType[] = table.columns.map(({ kind }) => SQL_TYPE[kind])
      chunk = DuckDBDataChunk.create(types, CHUNK_ROWS)
      this.#chunks.set(table, chunk)
    }
    return chunk
  }

  async #reader(): Promise<DuckDBConnection> {
    const idle = this.#readers.pop()
    if (idle !== undefined) return idle
    if (this.#readersOpen < this.#readersMost) {
      this.#readersOpen++
      return this.#instance.connect()
    }
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #release(connection: DuckDBConnection): void {
    const next = this.#waiting.shift()
    if (next !== undefined) next(connection)
    else if (this.#closed) connection.closeSync()
    else this.#readers.push(connection)
  }
}

type ColumnOf<K> = K extends 'u32' ? Uint32Array : K extends 'f64' ? Float64Array : string[]

// The order matters: directories while access is still open, then no access outside them, and last the lock on all of it.
async function lockDown(connection: DuckDBConnection, directory: string): Promise<void> {
  // A quarter of what this container or machine has: the rest is for dictionaries, folds and the page cache.
  const available = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY)
  const memory = Math.min(1_024, Math.max(256, Math.floor(available / 2 ** 20 / 4)))
  const settings = [
    'SET autoinstall_known_extensions = false',
    'SET autoload_known_extensions = false',
    'SET allow_community_extensions = false',
    `SET temp_directory = ${quoted(path.join(directory, 'tmp'))}`,
    `SET max_temp_directory_size = '4GB'`,
    `SET memory_limit = '${memory}MB'`,
    `SET threads = ${Math.max(2, availableParallelism())}`,
    `SET allowed_directories = [${quoted(`${directory}/`)}]`,
    'SET enable_external_access = false',
    'SET lock_configuration = true',
  ]
  for (const setting of settings) await connection.run(setting)
}

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** Names in SQL are our own counters; anything else here is a bug. */
function named(alias: string): string {
  if (!/^f\d+$/.test(alias)) throw new Error(`${alias} is no name of an attached file`)
  return alias
}

const boundValue = (value: Bound): DuckDBValue => (typeof value === 'number' ? value : listValue([...value]))
const boundType = (value: Bound): DuckDBType => (typeof value === 'number' ? DOUBLE : LIST(UINTEGER))

function fillColumn(chunk: DuckDBDataChunk, i: number, column: ColumnValues, from: number, to: number): void {
  if (Array.isArray(column)) {
    chunk.setColumnValues(i, column.slice(from, to))
    return
  }
  const vector = chunk.getColumnVector(i) as DuckDBVector & { items: Uint32Array | Float64Array }
  vector.items.set((column as Uint32Array).subarray(from, to))
  vector.flush()
}

/** Closing flushes; after a failure the flush fails again, and the first error is the one to show. */
function closeAppender(appender: { clear(): void; closeSync(): void }, whole: boolean): void {
  if (whole) {
    appender.closeSync()
    return
  }
  try {
    appender.clear()
    appender.closeSync()
  } catch (_alreadyFailed) {
    // The transaction is rolled back anyway.
  }
}

function gather(
  chunks: readonly DuckDBDataChunk[],
  i: number,
  kind: ColumnKind,
): Uint32Array | Float64Array | string[] {
  if (kind === 'text') return chunks.flatMap((chunk) => chunk.getColumnValues(i) as string[])
  const rows = chunks.reduce((sum, chunk) => sum + chunk.rowCount, 0)
  const all = kind === 'u32' ? new Uint32Array(rows) : new Float64Array(rows)
  let at = 0
  for (const chunk of chunks) {
    const { items } = chunk.getColumnVector(i) as DuckDBVector & { items: Uint32Array | Float64Array }
    all.set(items.subarray(0, chunk.rowCount), at)
    at += chunk.rowCount
  }
  return all
}

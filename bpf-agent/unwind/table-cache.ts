// Has this table been compiled before? A folder of tables, each named by the content it was made from, so that neither a
// build ID that a stranger has copied nor a replaced file can give another program's rows. Whatever fails here costs a
// compilation and nothing else.
import { randomBytes } from 'node:crypto'
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { CompiledTable } from '../dwarf/compiled-table.ts'
import { orUndefined } from '../host/proc.ts'
import { tableOfBytes, tableToBytes } from './table-bytes.ts'

export interface TableCache {
  /** in  key  64 hex digits.  cost 1 ms per 100,000 rows */
  read(key: string): CompiledTable | undefined
  write(key: string, table: CompiledTable): void
  readonly hits: number
  /** Tables on disk that were no good: cut, of another version, changed. */
  readonly damaged: number
}

const BYTES_MAX = 256 * 1024 * 1024 // 135 files of a host take 8
const WRITES_PER_PRUNING = 64
const DAY_MS = 86_400_000
const ENDING = '.table'

/** Opens the folder, makes it if it is not there, and removes what was unused for longest beyond `bytesMax`.
 *  out  undefined: it can be neither made nor read, or others could put tables into it, whose rows would be believed */
export function openTableCache(folder: string, bytesMax = BYTES_MAX): TableCache | undefined {
  orUndefined(() => mkdirSync(folder, { recursive: true, mode: 0o700 }))
  if (!isOurs(folder)) return undefined
  let hits = 0
  let damaged = 0
  let writes = 0
  prune()

  const fileOf = (key: string) => join(folder, `${key}${ENDING}`)

  /** Also removes what a crash has left half written. */
  function prune(): void {
    const files = (orUndefined(() => readdirSync(folder)) ?? [])
      .map((name) => ({ name, stats: orUndefined(() => statSync(join(folder, name))) }))
      .sort((one, other) => (other.stats?.mtimeMs ?? 0) - (one.stats?.mtimeMs ?? 0))
    let bytes = 0
    for (const { name, stats } of files) {
      if (!stats?.isFile() || !/^[0-9a-f.]+(\.table|\.new)$/.test(name)) continue
      const isLeftover = name.endsWith('.new') && Date.now() - stats.mtimeMs > DAY_MS
      bytes += stats.size
      if (isLeftover || bytes > bytesMax) orUndefined(() => rmSync(join(folder, name)))
    }
  }

  return {
    read(key) {
      const file = fileOf(key)
      const bytes = orUndefined(() => readFileSync(file))
      if (bytes === undefined) return undefined
      const table = tableOfBytes(bytes)
      if (!table.ok) {
        damaged++
        orUndefined(() => rmSync(file))
        return undefined
      }
      hits++
      const now = new Date()
      orUndefined(() => {
        if (now.getTime() - statSync(file).mtimeMs > DAY_MS) utimesSync(file, now, now)
      })
      return table.value
    },
    write(key, table) {
      const unfinished = join(folder, `${key}.${randomBytes(6).toString('hex')}.new`)
      const isWritten = orUndefined(() => {
        writeFileSync(unfinished, tableToBytes(table), { mode: 0o600, flag: 'wx' })
        renameSync(unfinished, fileOf(key))
        return true
      })
      if (!isWritten) orUndefined(() => rmSync(unfinished, { force: true }))
      if (++writes % WRITES_PER_PRUNING === 0) prune()
    },
    get hits() {
      return hits
    },
    get damaged() {
      return damaged
    },
  }
}

/** A directory of this user that only he may write to, and no link to one. */
function isOurs(folder: string): boolean {
  const stats = orUndefined(() => lstatSync(folder))
  return stats?.isDirectory() === true && stats.uid === process.getuid?.() && (stats.mode & 0o022) === 0
}

// Which table has a mapped file? Opened once, told apart by its inode and version, compiled when there is time, placed in
// the kernel while somebody may need it; equal tables of several files once.
//
//   waiting ─► ready ─► (nobody maps it: idle, kept warm) ─► forgotten
//      └─► none: no rows in it, or none that we take; the reason is counted
//
// "device:inode" means a file only while some process that maps it lives, since then the number cannot be given to
// another: a compiler writes a.out, runs it, and writes the next one into the same inode. When all have ended, the next
// one is asked for the file's version before it is believed.

import type { ByteSource } from '../elf/byte-source.ts'
import { MalformedError } from '../elf/cursor.ts'
import { readElf, type Segment } from '../elf/elf-file.ts'
import type { Mappings } from '../host/mappings.ts'
import type { MappedOrigin } from '../host/processes.ts'
import { type Compilation, createCompileQueue, type OpenSource } from './compile-queue.ts'
import type { PlacedTable, RowStore } from './row-store.ts'
import { createSharedTables } from './shared-tables.ts'

/** A file with code, for as long as it is remembered. */
export interface TableFile {
  /** Which file, and which version of it: never what the file says of itself. */
  readonly identity: string
  readonly segments: readonly Segment[]
  readonly state: 'waiting' | 'ready' | 'none'
  /** Where its rows are; undefined unless ready. */
  readonly placed: PlacedTable | undefined
  /** There was no room for its rows: when it is asked for again in some minutes, there may be. */
  readonly isHomeless: boolean
}
interface Entry extends TableFile {
  state: 'waiting' | 'ready' | 'none'
  placed: PlacedTable | undefined
  isHomeless: boolean
  /** Runs in the kernel that name its pages, or did less than a second ago. */
  readers: number
  /** Runs of living processes. */
  users: number
  usedAtMs: number
  /** Compiled in vain: not before this moment again. */
  homelessUntilMs: number
  /** "device:inode path" of mappings that are known to be this file, and its version then. */
  readonly mappedAs: Map<string, string>
  /** Nobody has mapped it for a while: what `mappedAs` says must be checked. */
  isDoubtful: boolean
}

/** A mapped file, opened.  `version` differs when its contents may differ: size and times of change. */
export interface MappedSource extends OpenSource {
  readonly version: string
}

export interface FilesParts {
  readonly store: RowStore
  /** Opens the very file that is mapped; undefined when it cannot be reached any more, or must not be read. */
  readonly open: (
    tgid: number,
    mapping: { readonly start: number; readonly end: number; readonly path: string; readonly file: string },
    origin?: MappedOrigin,
  ) => MappedSource | undefined
  /** The version of what is mapped now, without opening it; undefined: not to be reached. */
  readonly versionOf: (
    tgid: number,
    mapping: Parameters<FilesParts['open']>[1],
    origin?: MappedOrigin,
  ) => string | undefined
  readonly compile: (source: ByteSource, fd: number | undefined) => Compilation
  /** Code that lies in every process's memory and in no file; undefined where there is none. */
  readonly vdso: ByteSource | undefined
  readonly machine: number
  readonly nowMs: () => number
}

export interface Files {
  /** The file of an executable mapping.
   *  in   origin  how it is found should the process have ended; without, it is not
   *  out  undefined: anonymous text, or memory of a device;  'unreachable': not now, perhaps later
   *  cost a Map look-up; 10 µs when all that mapped it have ended, 0.1 to 0.3 ms when it must be opened */
  fileOf(
    tgid: number,
    mappings: Mappings,
    row: number,
    origin?: MappedOrigin,
  ): TableFile | undefined | 'unreachable'
  /** A run in the kernel begins to name the file's pages, or will never be read again. */
  addReader(file: TableFile): void
  removeReader(file: TableFile): void
  /** A run that names it has living processes, or has none any more. */
  addUser(file: TableFile): void
  removeUser(file: TableFile): void
  /** A process that maps it was sampled. */
  touch(file: TableFile): void
  /** Compiles for about `budgetMs`.  out  files that have become ready */
  compile(budgetMs: number): readonly TableFile[]
  /** Files still to be compiled. */
  readonly waiting: number
  /** Of these, what another process compiles. */
  readonly elsewhere: number
  /** Forgets files that nobody has used for ten minutes, and tables that nobody uses beyond 4 MiB (16 of the last minute). */
  sweep(): void
  /** Files with rows in the kernel. */
  readonly count: number
  readonly compileMs: number
  /** Files without rows, by reason. */
  readonly refused: ReadonlyMap<string, number>
  close(): void
}

const FILES_MAX = 4096
const IDLE_KEPT_MS = 600_000
const IDLE_ROWS_MAX = 1024 * 1024 // 4 MiB: two compilers' worth, for the next run of a build
const WARM_MS = 60_000 // who was used that lately will probably be used again: four times as much for them
const WARM_ROWS_MAX = 4 * IDLE_ROWS_MAX
const TRIMS_PER_SWEEP = 3 // each waits for a grace period
const HOMELESS_MS = 60_000
const VDSO = '[vdso]'
const SHARE_MAX = 4 // one file gets at most this part of the rows

/** Starts with no file. */
export function createFiles({ store, open, versionOf, compile, vdso, machine, nowMs }: FilesParts): Files {
  const byIdentity = new Map<string, Entry>() // least recently used first
  const byMapping = new Map<string, Entry>()
  const refused = new Map<string, number>()
  const queue = createCompileQueue<Entry>(nowMs)
  const tables = createSharedTables(store)
  let placedFiles = 0

  function fileOf(
    tgid: number,
    mappings: Mappings,
    row: number,
    origin?: MappedOrigin,
  ): TableFile | undefined | 'unreachable' {
    const path = mappings.path[row]!
    const start = mappings.start[row]!
    const end = mappings.end[row]!
    if (path === VDSO) return vdso?.size === end - start ? vdsoFile(vdso) : undefined
    const file = mappings.file[row]!
    if (file === '' || path.startsWith('/dev/')) return undefined
    const key = `${file} ${path}`
    const known = byMapping.get(key)
    if (known && !mayFindRoom(known)) {
      if (
        !known.isDoubtful ||
        known.mappedAs.get(key) === versionOf(tgid, { start, end, path, file }, origin)
      )
        return known
      unmap(known)
    }
    const opened = open(tgid, { start, end, path, file }, origin)
    if (opened === undefined) {
      refuse('open')
      return 'unreachable'
    }
    const entry = entryOf(file, opened)
    if (entry === 'unreachable') return entry
    byMapping.set(key, entry)
    entry.mappedAs.set(key, opened.version)
    return entry
  }

  function vdsoFile(source: ByteSource): TableFile | 'unreachable' {
    return byIdentity.get(VDSO) ?? enter(VDSO, { source, close() {} })
  }

  function entryOf(file: string, opened: MappedSource): Entry | 'unreachable' {
    const identity = `${file} ${opened.version}`
    const elf = readable(() => readElf(opened.source))
    if (elf?.ok !== true) {
      opened.close()
      return without(identity, 'elf', [])
    }
    const { is64, segments } = elf.value
    const former = byIdentity.get(identity)
    if (former && mayFindRoom(former)) forget(former)
    const known = byIdentity.get(identity)
    if (known || !is64 || elf.value.machine !== machine) {
      opened.close()
      return known ? renew(known) : without(identity, 'machine', segments)
    }
    return enter(identity, opened, segments)
  }

  function enter(identity: string, opened: OpenSource, found?: readonly Segment[]): Entry | 'unreachable' {
    const elf = found === undefined ? readElf(opened.source) : undefined
    const segments = found ?? (elf?.ok ? elf.value.segments : [])
    const entry = newEntry(identity, segments)
    if (queue.add({ key: entry, open: opened, start: compile })) return remember(entry)
    refuse('queue_full')
    return 'unreachable'
  }

  /** A file that will have no rows. */
  function without(identity: string, reason: string, segments: readonly Segment[]): Entry {
    const known = byIdentity.get(identity)
    if (known) return renew(known)
    const entry = newEntry(identity, segments)
    entry.state = 'none'
    refuse(reason)
    return remember(entry)
  }

  function newEntry(identity: string, segments: readonly Segment[]): Entry {
    return {
      ...{ identity, segments, state: 'waiting', placed: undefined, isHomeless: false },
      ...{ readers: 0, users: 0, usedAtMs: nowMs(), homelessUntilMs: 0 },
      mappedAs: new Map(),
      isDoubtful: false,
    }
  }

  function remember(entry: Entry): Entry {
    byIdentity.set(entry.identity, entry)
    for (const oldest of byIdentity.values()) {
      if (byIdentity.size <= FILES_MAX) break
      if (oldest !== entry && isIdle(oldest)) forget(oldest)
    }
    return entry
  }

  function renew(entry: Entry): Entry {
    entry.usedAtMs = nowMs()
    byIdentity.delete(entry.identity)
    byIdentity.set(entry.identity, entry)
    return entry
  }

  const mayFindRoom = ({ isHomeless, homelessUntilMs }: Entry) => isHomeless && nowMs() >= homelessUntilMs

  /** Those used last come first. */
  const idleFiles = () =>
    [...byIdentity.values()].filter(isIdle).sort((one, other) => other.usedAtMs - one.usedAtMs)

  const isIdle = ({ readers, users, state }: Entry) => readers === 0 && users === 0 && state !== 'waiting'

  function forget(entry: Entry): void {
    if (entry.placed) {
      tables.remove(entry.placed)
      placedFiles--
    }
    entry.placed = undefined
    entry.state = 'none'
    byIdentity.delete(entry.identity)
    unmap(entry)
  }

  function unmap(entry: Entry): void {
    for (const key of entry.mappedAs.keys()) byMapping.delete(key)
    entry.mappedAs.clear()
  }

  /** Tables that nobody uses make room, those that were used longest ago first. */
  function place(entry: Entry, table: Parameters<RowStore['place']>[0]): string | undefined {
    if (table.pc.length === 0) return 'no_rows'
    if (table.pc.length > store.rowsMax / SHARE_MAX) return 'too_many_rows'
    let placed = tables.place(table)
    const idle = typeof placed === 'string' ? idleFiles().filter((file) => file.placed) : []
    for (let last = idle.pop(); last && typeof placed === 'string'; last = idle.pop()) {
      forget(last)
      placed = tables.place(table)
    }
    if (typeof placed === 'string') {
      entry.isHomeless = true
      entry.homelessUntilMs = nowMs() + HOMELESS_MS
      return placed
    }
    entry.placed = placed
    entry.state = 'ready'
    placedFiles++
    return undefined
  }

  function refuse(reason: string): void {
    refused.set(reason, (refused.get(reason) ?? 0) + 1)
  }

  return {
    fileOf,
    addReader: (file) => {
      ;(file as Entry).readers++
    },
    removeReader: (file) => {
      ;(file as Entry).readers--
    },
    addUser: (file) => {
      const entry = file as Entry
      entry.users++
      entry.isDoubtful = false
    },
    removeUser(file) {
      const entry = file as Entry
      entry.usedAtMs = nowMs()
      if (--entry.users === 0) entry.isDoubtful = true
    },
    touch: (file) => {
      ;(file as Entry).usedAtMs = nowMs()
    },
    compile(budgetMs) {
      const ready: TableFile[] = []
      for (const { key, result } of queue.run(budgetMs)) {
        const reason = result.ok ? place(key, result.value) : 'eh_frame'
        if (reason === undefined) ready.push(key)
        else {
          key.state = 'none'
          refuse(reason)
        }
      }
      return ready
    },
    get waiting() {
      return queue.length
    },
    get elsewhere() {
      return queue.elsewhere
    },
    sweep() {
      const now = nowMs()
      let rows = 0
      for (const entry of idleFiles()) {
        rows += entry.placed?.nRows ?? 0
        const idleMs = now - entry.usedAtMs
        const rowsMax = idleMs > WARM_MS ? IDLE_ROWS_MAX : WARM_ROWS_MAX
        if (idleMs > IDLE_KEPT_MS || rows > rowsMax) forget(entry)
      }
      for (let i = 0; i < TRIMS_PER_SWEEP; i++) store.trim()
    },
    get count() {
      return placedFiles
    },
    get compileMs() {
      return queue.spentMs
    },
    refused,
    close: () => queue.close(),
  }
}

/** What a reading gives; undefined if the file was cut meanwhile, or the system does not give it. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof MalformedError || (error instanceof Error && 'code' in error)) return undefined
    throw error
  }
}

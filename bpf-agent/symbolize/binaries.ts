// Which binaries are open for naming? Every file that a sampled process maps executable, opened while the process lives
// and found again by "device:inode": the number cannot be given to another file while we hold this one open.
// Bounded in descriptors, bytes and time; what was refused is remembered with its reason.
import { closeSync, openSync, readSync } from 'node:fs'
import { bytesSource } from '../elf/byte-source.ts'
import { MAPS_BYTES_MAX, type Mappings, parseMappings } from '../host/mappings.ts'
import { orUndefined, readBounded } from '../host/proc.ts'
import type { MappedFiles, MappedOrigin } from '../host/processes.ts'
import { cleanText } from '../host/text.ts'
import { openDebugFile } from './debug-file.ts'
import type { FunctionAt } from './function-source.ts'
import { type Native, openNative } from './native.ts'
import { fileSource, ifReadable, isUnchanged, type OpenFile, openMapped } from './open-file.ts'

export interface Binaries extends MappedFiles {
  /** An opened binary; undefined if it could not be opened or is no ELF file. */
  at(file: string): Native | undefined
  /** The vDSO of 64-bit processes; undefined where there is none. */
  readonly vdso: Native | undefined
  /** Its length when mapped: a mapping of another length is another vDSO, that of 32-bit processes. */
  readonly vdsoBytes: number
  /** The functions at an address of it, the innermost inlined one first, loading symbols when time and memory allow;
   *  [] for none. */
  functionsAt(native: Native, address: number): readonly FunctionAt[]
  /** Where the function begins that `functionsAt` has no name for; undefined: nobody knows. */
  beginningOf(native: Native, address: number): number | undefined
  /** A new window: symbol tables may be read for another second, and files are checked for changes again. */
  renewBudget(): void
  /** Files open, bytes of tables and names. */
  readonly usage: { readonly files: number; readonly bytes: number }
  /** Binaries and tables that were refused, by reason: `elf`, `open`, `symbols`, `changed`, `deferred`. */
  readonly refused: ReadonlyMap<string, number>
  close(): void
}

export interface BinariesParts {
  readonly log?: (line: string) => void
  readonly nowMs?: () => number
  readonly bytesMax?: number
  readonly filesMax?: number
}

const BYTES_MAX = 24 * 1024 * 1024
const FILES_MAX = 512 // of the 1,024 descriptors that a process has by default
const LOADING_MS_MAX = 1000 // per window; the ring of samples holds four seconds
const NAMING_MS_MAX = 1000 // per window; a name costs microseconds, one of a crafted Go program up to a millisecond
const UNUSED_KEPT_MS = 60_000
const FAILURES_KEPT_MS = 600_000
const COMPLAINTS_MAX = 50
const VDSO_BYTES_MAX = 1024 * 1024

interface Held {
  /** Both undefined: no ELF file. */
  readonly open: OpenFile | undefined
  readonly native: Native | undefined
  /** A process that maps it, or did. */
  readonly tgid: number
  readonly path: string
  usedAtMs: number
  /** The window in which the file was last found as it was opened; -1: it has changed. */
  checkedIn: number
}

/** Starts with no file but the vDSO. */
export function createBinaries({
  log = () => {},
  nowMs = () => performance.now(),
  bytesMax = BYTES_MAX,
  filesMax = FILES_MAX,
}: BinariesParts = {}): Binaries {
  const held = new Map<string, Held>() // least recently used first
  const heldBy = new WeakMap<Native, Held>()
  const refused = new Map<string, number>()
  const reported = new WeakMap<Native, string>() // the last complaint of each
  const debugFiles = new Map<Native, OpenFile>()
  const vdso = readVdso()
  let window = 0
  let loadingMs = 0
  let namingMs = 0
  let complaints = 0

  function hold(tgid: number, mappings: Mappings, origin?: MappedOrigin): boolean {
    let isComplete = true
    mappings.file.forEach((file, i) => {
      if (file !== '' && !held.has(file) && !add(tgid, mappings, i, origin)) isComplete = false
    })
    return isComplete
  }

  function add(tgid: number, mappings: Mappings, row: number, origin: MappedOrigin | undefined): boolean {
    const file = mappings.file[row]!
    const path = mappings.path[row]!
    const mapping = { start: mappings.start[row]!, end: mappings.end[row]!, path, file }
    const open = openMapped(tgid, mapping, origin)
    if (open === undefined) {
      refuse('open') // not remembered: the process may just have ended, another may still open it
      return false
    }
    const native = readHead(open, path)
    if (native === undefined) orUndefined(() => closeSync(open.fd))
    const entry = { open: native && open, native, tgid, path, usedAtMs: nowMs(), checkedIn: window }
    held.set(file, entry)
    if (native) heldBy.set(native, entry)
    for (const [oldest] of held) {
      if (held.size <= filesMax) break
      letGo(oldest)
    }
    return true
  }

  function readHead(open: OpenFile, path: string): Native | undefined {
    const read = ifReadable(() => openNative(fileSource(open)))
    if (read?.ok) return read.value
    refuse('elf')
    // Data files are mapped executable too (old personalities, JIT markers): worth a counter, not a line.
    if (read && path.endsWith('.so')) complain(path, read.error.message)
    return undefined
  }

  function at(file: string): Native | undefined {
    const entry = held.get(file)
    if (entry === undefined) return undefined
    entry.usedAtMs = nowMs()
    held.delete(file)
    held.set(file, entry)
    return entry.native
  }

  function functionsAt(native: Native, address: number): readonly FunctionAt[] {
    const entry = heldBy.get(native)
    if (entry && !isAsOpened(entry)) return []
    if (!native.hasSymbols && !load(native, entry)) return []
    if (namingMs >= NAMING_MS_MAX) {
      refuse('deferred')
      return []
    }
    const startMs = nowMs()
    const functions = ifReadable(() => native.functionsAt(address)) ?? []
    namingMs += nowMs() - startMs
    reportBroken(native, entry) // some tables are read when an address asks for them
    return functions
  }

  function beginningOf(native: Native, address: number): number | undefined {
    const entry = heldBy.get(native)
    if ((entry && !isAsOpened(entry)) || namingMs >= NAMING_MS_MAX) return undefined
    const startMs = nowMs()
    const start = ifReadable(() => native.beginningOf(address))
    namingMs += nowMs() - startMs
    return start
  }

  /** A library may be overwritten while it is mapped: its new symbols are not those of the code that runs. */
  function isAsOpened(entry: Held): boolean {
    if (entry.checkedIn === window || entry.checkedIn === -1) return entry.checkedIn === window
    const isSame = entry.open !== undefined && orUndefined(() => isUnchanged(entry.open!)) === true
    entry.checkedIn = isSame ? window : -1
    if (!isSame) {
      refuse('changed')
      if (entry.native) forgetSymbols(entry.native)
    }
    return isSame
  }

  function load(native: Native, entry: Held | undefined): boolean {
    if (loadingMs >= LOADING_MS_MAX) {
      refuse('deferred')
      return false
    }
    const startMs = nowMs()
    let debug: OpenFile | undefined
    ifReadable(() =>
      native.loadSymbols((wanted) => {
        debug = entry && openDebugFile(entry, wanted)
        return debug && fileSource(debug)
      }),
    )
    if (debug) debugFiles.set(native, debug)
    loadingMs += nowMs() - startMs
    reportBroken(native, entry)
    shrink(native)
    return true
  }

  function reportBroken(native: Native, entry: Held | undefined): void {
    if (native.complaint === '' || reported.get(native) === native.complaint) return
    reported.set(native, native.complaint)
    refuse('symbols')
    complain(entry?.path ?? '[vdso]', native.complaint)
  }

  /** Over the budget, the tables of those go that were not used for longest; a single table may fill all of it. */
  function shrink(current?: Native): void {
    let bytes = bytesHeld()
    for (const { native } of held.values()) {
      if (bytes <= bytesMax) return
      if (native === undefined || native === current || !native.hasSymbols) continue
      bytes -= native.bytes
      forgetSymbols(native)
      bytes += native.bytes
    }
    if (bytes > bytesMax && current) forgetSymbols(current)
  }

  function forgetSymbols(native: Native): void {
    native.unloadSymbols()
    const debug = debugFiles.get(native)
    if (debug) orUndefined(() => closeSync(debug.fd))
    debugFiles.delete(native)
  }

  function bytesHeld(): number {
    let bytes = vdso?.native.bytes ?? 0
    for (const { native } of held.values()) bytes += native?.bytes ?? 0
    return bytes
  }

  function letGo(file: string): void {
    const entry = held.get(file)
    if (entry?.native) forgetSymbols(entry.native)
    if (entry?.open) orUndefined(() => closeSync(entry.open!.fd))
    held.delete(file)
  }

  /** A file held open keeps its disk space and its mount busy: nobody maps it, nobody asked for a minute, away. */
  function release(isMapped: (file: string) => boolean): void {
    const now = nowMs()
    for (const [file, { native, usedAtMs }] of held) {
      const keptMs = native ? UNUSED_KEPT_MS : FAILURES_KEPT_MS
      if (now - usedAtMs > keptMs && (native === undefined || !isMapped(file))) letGo(file)
    }
  }

  function refuse(reason: string): void {
    refused.set(reason, (refused.get(reason) ?? 0) + 1)
  }

  function complain(path: string, why: string): void {
    if (complaints++ < COMPLAINTS_MAX) log(`some functions of ${cleanText(path)} stay without names: ${why}`)
  }

  return {
    hold,
    release,
    at,
    vdso: vdso?.native,
    vdsoBytes: vdso?.bytes ?? 0,
    functionsAt,
    beginningOf,
    renewBudget() {
      loadingMs = 0
      namingMs = 0
      window++
      shrink() // names have come since tables were loaded
    },
    get usage() {
      return { files: held.size, bytes: bytesHeld() }
    },
    refused,
    close() {
      for (const file of [...held.keys()]) letGo(file)
    },
  }
}

/** The vDSO lies in the memory of every process, ours included, and in no file. */
function readVdso(): { readonly native: Native; readonly bytes: number } | undefined {
  const maps = parseMappings(readBounded('/proc/self/maps', MAPS_BYTES_MAX) ?? new Uint8Array())
  const row = maps.path.indexOf('[vdso]')
  const length = row === -1 ? 0 : maps.end[row]! - maps.start[row]!
  if (length === 0 || length > VDSO_BYTES_MAX) return undefined
  const bytes = orUndefined(() => {
    const fd = openSync('/proc/self/mem', 'r')
    try {
      const image = new Uint8Array(length)
      return readSync(fd, image, 0, length, maps.start[row]!) === length ? image : undefined
    } finally {
      closeSync(fd)
    }
  })
  const read = bytes && openNative(bytesSource(bytes))
  return read?.ok ? { native: read.value, bytes: length } : undefined
}

// What does a runtime with a JIT say of the code it has made? /tmp/perf-PID.map of a process, in its own file system and
// under its own PID: lines `start size name`, of which the later wins, for code moves. Read only as far as it has grown.
import { closeSync, fstatSync, readSync, type Stats } from 'node:fs'
import { uptime } from 'node:os'
import { orUndefined, readText } from '../host/proc.ts'
import { cleanText } from '../host/text.ts'
import { type OpenFile, openRegular } from './open-file.ts'
import { emptyPerfTable, type PerfTable, perfNameAt, readPerfLines } from './perf-table.ts'

export interface ProcessKey {
  readonly tgid: number
  readonly startTicks: number
}

export interface PerfMaps {
  /** The name of generated code at an address of a living process; undefined where its runtime tells none. */
  nameAt(process: ProcessKey, address: number): string | undefined
  /** A new window: maps that have grown are read on. */
  renewBudget(): void
  close(): void
}

const BYTES_MAX = 64 * 1024 * 1024
const BYTES_PER_WINDOW = 8 * 1024 * 1024 // 130,000 lines, some 50 ms; the rest comes with the next window
const PROCESSES_MAX = 64
const CHUNK_BYTES = 256 * 1024

interface Held {
  readonly file: OpenFile | undefined
  readonly table: PerfTable
  position: number
  rest: Uint8Array
  window: number
}

/** Starts with no map. */
export function createPerfMaps(): PerfMaps {
  const held = new Map<string, Held>() // least recently used first
  let window = 0
  let bytesLeft = BYTES_PER_WINDOW

  function nameAt(process: ProcessKey, address: number): string | undefined {
    const key = `${process.tgid} ${process.startTicks}`
    const known = held.get(key)
    held.delete(key)
    const entry = known && !isReplaced(known) ? known : openMap(process)
    held.set(key, entry)
    for (const [oldest, { file }] of held) {
      if (held.size <= PROCESSES_MAX) break
      if (file) orUndefined(() => closeSync(file.fd))
      held.delete(oldest)
    }
    if (entry.window !== window) readOn(entry)
    entry.window = window
    const name = perfNameAt(entry.table, address)
    return name === undefined ? undefined : cleanText(name)
  }

  function openMap({ tgid, startTicks }: ProcessKey): Held {
    const nothing = { table: emptyPerfTable(), position: 0, rest: new Uint8Array(), window: -1 }
    const status = readText(`/proc/${tgid}/status`, 16 * 1024)
    const innerPid = status && /^NSpid:.*?(\d+)$/m.exec(status)?.[1]
    const owner = status && Number(/^Uid:\s+(\d+)/m.exec(status)?.[1])
    // Maps outlive their processes: one last written before this process began is that of another with its PID.
    const startedMs = Date.now() - uptime() * 1000 + startTicks * 10
    const isOurs = ({ uid, mtimeMs }: Stats) => (uid === owner || uid === 0) && mtimeMs > startedMs - 1000
    const file = innerPid ? openRegular(`/proc/${tgid}/root/tmp/perf-${innerPid}.map`, isOurs) : undefined
    return { ...nothing, file }
  }

  /** One look per window: a process that had no map may have one now, and a PID may be another process. */
  function isReplaced({ file, position, window: seen }: Held): boolean {
    if (seen === window) return false
    const size = file && orUndefined(() => fstatSync(file.fd))
    const isSame = size !== undefined && size.nlink > 0 && size.size >= position
    if (!isSame && file) orUndefined(() => closeSync(file.fd))
    return !isSame
  }

  function readOn(entry: Held): void {
    const { file } = entry
    if (file === undefined) return
    while (bytesLeft > 0 && entry.position < BYTES_MAX) {
      const chunk = new Uint8Array(Math.min(CHUNK_BYTES, BYTES_MAX - entry.position))
      const read = orUndefined(() => readSync(file.fd, chunk, 0, chunk.length, entry.position)) ?? 0
      if (read === 0) break
      entry.position += read
      bytesLeft -= read
      entry.rest = readPerfLines(entry.table, entry.rest, chunk.subarray(0, read))
    }
  }

  return {
    nameAt,
    renewBudget() {
      window++
      bytesLeft = BYTES_PER_WINDOW
    },
    close() {
      for (const { file } of held.values()) if (file) orUndefined(() => closeSync(file.fd))
      held.clear()
    },
  }
}

// What does a runtime with a JIT say of the code it has made? /tmp/perf-PID.map of a process, in its own file system and
// under its own PID: lines `start size name`, of which the later wins, for code moves. Read only as far as it has grown.
import { closeSync, fstatSync, lstatSync, readSync, type Stats } from 'node:fs'
import { uptime } from 'node:os'
import { orUndefined, readText } from '../host/proc.ts'
import { cleanText } from '../host/text.ts'
import { type OpenFile, openRegular } from './open-file.ts'
import { emptyPerfTable, type PerfTable, perfNameAt, perfTableBytes, readPerfLines } from './perf-table.ts'

export interface ProcessKey {
  readonly tgid: number
  readonly startTicks: number
}

export interface PerfMaps {
  /** The name of generated code at an address of a living process; undefined where its runtime tells none. */
  nameAt(process: ProcessKey, address: number): string | undefined
  /** A new window: maps that have grown are read on. */
  renewBudget(): void
  /** Maps that were refused, by reason: `perf_map` is no regular file of the process's user or is another process's,
   *  `perf_map_full` has more lines than are kept, `perf_maps_full` was forgotten because all of them have too many. */
  readonly refused: ReadonlyMap<string, number>
  close(): void
}

const BYTES_MAX = 64 * 1024 * 1024
const BYTES_PER_WINDOW = 8 * 1024 * 1024 // 130,000 lines, some 50 ms; the rest comes with the next window
const BYTES_PER_PROCESS = BYTES_PER_WINDOW / 4 // nobody keeps the others from being read
const HELD_BYTES_MAX = 24 * 1024 * 1024 // of all tables: the map of a large program on Node takes 5
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
  const refused = new Map<string, number>()
  let window = 0
  let bytesLeft = BYTES_PER_WINDOW

  function nameAt(process: ProcessKey, address: number): string | undefined {
    const key = `${process.tgid} ${process.startTicks}`
    const known = held.get(key)
    held.delete(key)
    const entry = known && !isReplaced(known) ? known : openMap(process)
    held.set(key, entry)
    if (held.size > PROCESSES_MAX) forgetOldest()
    if (entry.window !== window) {
      readOn(entry)
      while (held.size > 1 && bytesHeld() > HELD_BYTES_MAX) {
        forgetOldest()
        refuse('perf_maps_full')
      }
    }
    entry.window = window
    const name = perfNameAt(entry.table, address)
    return name === undefined ? undefined : cleanText(name)
  }

  function forgetOldest(): void {
    for (const [oldest, { file }] of held) {
      if (file) orUndefined(() => closeSync(file.fd))
      held.delete(oldest)
      return
    }
  }

  function bytesHeld(): number {
    let bytes = 0
    for (const { table } of held.values()) bytes += perfTableBytes(table)
    return bytes
  }

  function refuse(reason: string): void {
    refused.set(reason, (refused.get(reason) ?? 0) + 1)
  }

  function openMap({ tgid, startTicks }: ProcessKey): Held {
    const nothing = { table: emptyPerfTable(), position: 0, rest: new Uint8Array(), window: -1 }
    const status = readText(`/proc/${tgid}/status`, 16 * 1024)
    const innerPid = status && /^NSpid:.*?(\d+)$/m.exec(status)?.[1]
    const owner = status && Number(/^Uid:\s+(\d+)/m.exec(status)?.[1])
    // Maps outlive their processes: one last written before this process began is that of another with its PID.
    const startedMs = Date.now() - uptime() * 1000 + startTicks * 10
    const isOurs = ({ uid, mtimeMs }: Stats) => (uid === owner || uid === 0) && mtimeMs > startedMs - 1000
    const path = `/proc/${tgid}/root/tmp/perf-${innerPid}.map`
    const file = innerPid ? openRegular(path, isOurs, false) : undefined
    if (innerPid && file === undefined && orUndefined(() => lstatSync(path))) refuse('perf_map')
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
    const stop = Math.min(BYTES_MAX, entry.position + BYTES_PER_PROCESS)
    while (bytesLeft > 0 && entry.position < stop && !entry.table.isFull) {
      const chunk = new Uint8Array(Math.min(CHUNK_BYTES, stop - entry.position))
      const read = orUndefined(() => readSync(file.fd, chunk, 0, chunk.length, entry.position)) ?? 0
      if (read === 0) break
      entry.position += read
      bytesLeft -= read
      entry.rest = readPerfLines(entry.table, entry.rest, chunk.subarray(0, read))
      if (entry.table.isFull) refuse('perf_map_full')
    }
  }

  return {
    nameAt,
    renewBudget() {
      window++
      bytesLeft = BYTES_PER_WINDOW
    },
    refused,
    close() {
      for (const { file } of held.values()) if (file) orUndefined(() => closeSync(file.fd))
      held.clear()
    },
  }
}

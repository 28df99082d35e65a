// Who has just mapped code? perf's own records of executable mappings, one dummy event per CPU, which costs nothing unless
// somebody maps. They wake us, so that a library's tables are there milliseconds after it was opened, and a program's
// after it was executed. A record lost costs a second until the samples tell.
//
//   u32 type, u16 misc, u16 size │ u32 pid, u32 tid │ u64 address, length, offset │ u32 major, minor │ u64 inode │ …
//
// Records are multiples of 8 bytes, so no field of 8 bytes wraps.
import { readFileSync, writeSync } from 'node:fs'
import { parseCpuList } from './cpus.ts'
import {
  closeFd,
  eventFd,
  type Mapped,
  mapShared,
  pageBytes,
  perfEventOpen,
  pollReadable,
  SyscallError,
} from './syscalls.ts'

const PERF_TYPE_SOFTWARE = 1
const PERF_COUNT_SW_DUMMY = 9
const PERF_ATTRIBUTE_BYTES = 128
const MMAP = 1n << 8n
const WATERMARK = 1n << 14n
const MMAP2 = 1n << 23n
const PERF_RECORD_MMAP2 = 10
const INODE_WORD = 12
const DATA_PAGES = 8 // 32 KB, some 300 records
const HEAD_AT = 1024
const TAIL_AT = 1032

export interface MappingEvents {
  /** Processes that have mapped code of a file since the last call, each once. */
  take(): readonly number[]
  /** Resolves when there is something to take, after `timeoutMs`, or at `close`. */
  wait(timeoutMs: number): Promise<unknown>
  close(): void
}

/** Opens one event on each CPU; CPUs that come later are not listened to.
 *  throws  SyscallError */
export function openMappingEvents(cpus: readonly number[]): MappingEvents {
  const listeners: Listener[] = []
  const endFd = eventFd()
  let waiting: Promise<unknown> | undefined
  let isClosed = false
  const close = () => {
    if (isClosed) return
    isClosed = true
    writeSync(endFd, Buffer.of(1, 0, 0, 0, 0, 0, 0, 0))
    // Not before the thread has left: the number of the descriptor may be another file's then.
    void Promise.resolve(waiting).then(() => closeFd(endFd))
    for (const { fd, mapped } of listeners.splice(0)) {
      mapped.unmap()
      closeFd(fd)
    }
  }
  try {
    for (const cpu of cpus) listeners.push(listenOn(cpu))
  } catch (error) {
    close()
    throw error
  }
  return {
    take() {
      const tgids = new Set<number>()
      for (const listener of listeners) drain(listener, tgids)
      return [...tgids]
    },
    wait(timeoutMs) {
      if (isClosed) return Promise.resolve()
      waiting = pollReadable([endFd, ...listeners.map(({ fd }) => fd)], timeoutMs)
      return waiting
    },
    close,
  }
}

/** Listens on all online CPUs; undefined where the kernel does not let us: samples tell of changes too, only later. */
export function listenToMappings(): MappingEvents | undefined {
  try {
    return openMappingEvents(parseCpuList(readFileSync('/sys/devices/system/cpu/online', 'latin1')))
  } catch (error) {
    if (error instanceof SyscallError) return undefined
    throw error
  }
}

interface Listener {
  readonly fd: number
  readonly mapped: Mapped
  readonly head: BigInt64Array
  readonly tail: BigInt64Array
  readonly words: Uint32Array
}

function listenOn(cpu: number): Listener {
  const attributes = Buffer.alloc(PERF_ATTRIBUTE_BYTES)
  attributes.writeUInt32LE(PERF_TYPE_SOFTWARE, 0)
  attributes.writeUInt32LE(PERF_ATTRIBUTE_BYTES, 4)
  attributes.writeBigUInt64LE(BigInt(PERF_COUNT_SW_DUMMY), 8)
  attributes.writeBigUInt64LE(MMAP | MMAP2 | WATERMARK, 40)
  attributes.writeUInt32LE(1, 48) // bytes: each record wakes
  const fd = perfEventOpen(attributes, cpu)
  const page = pageBytes()
  try {
    const mapped = mapShared(fd, (1 + DATA_PAGES) * page, 0, true)
    return {
      ...{ fd, mapped },
      head: new BigInt64Array(mapped.memory, HEAD_AT, 1),
      tail: new BigInt64Array(mapped.memory, TAIL_AT, 1),
      words: new Uint32Array(mapped.memory, page, (DATA_PAGES * page) / 4),
    }
  } catch (error) {
    closeFd(fd)
    throw error
  }
}

/** Reads what the kernel has written, and gives it back. */
function drain({ head, tail, words }: Listener, tgids: Set<number>): void {
  const end = Atomics.load(head, 0)
  const start = Atomics.load(tail, 0)
  const n = Number(end - start)
  const mask = words.length - 1
  const first = Number(BigInt.asUintN(32, start)) / 4
  for (let at = 0; at + 16 <= n; ) {
    const type = words[(first + at / 4) & mask]!
    const bytes = words[(first + at / 4 + 1) & mask]! >>> 16
    // Text of no file is a compiler's: it has no rows, and comes hundreds of times a second.
    const inode =
      words[(first + at / 4 + INODE_WORD) & mask]! + words[(first + at / 4 + INODE_WORD + 1) & mask]!
    if (type === PERF_RECORD_MMAP2 && inode !== 0) tgids.add(words[(first + at / 4 + 2) & mask]!)
    if (bytes < 8) break // cannot be: all that is left is given back unread
    at += bytes
  }
  Atomics.store(tail, 0, end)
}

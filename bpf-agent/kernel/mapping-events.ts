// What code has been mapped, by whom and when? perf's own records: of every executable mapping, and of the moment in which
// a process becomes another program. One dummy event of each kind per CPU, which cost nothing unless somebody maps.
//
//   map      u32 type, u16 misc, u16 size │ u32 pid, u32 tid │ u64 address, length, offset │ u32 major, minor │ u64 inode │
//            u64 inode's generation │ u32 protection, flags │ path, NUL-padded to 8 bytes │ u64 time
//   program  u32 type, u16 misc, u16 size │ u32 pid, u32 tid │ name, NUL-padded │ u64 time
//
// The kernel writes "program" before it maps the new one's file, loader and vDSO; the tracepoint of the execution comes
// after these. Mappings wake us, so that a library's tables are there milliseconds after it was opened; programs have a
// ring of their own that wakes nobody, since every thread that gives itself a name is in it too.
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

export type MappingEvent =
  | {
      readonly kind: 'map'
      readonly tgid: number
      /** CLOCK_MONOTONIC, ms. */
      readonly timeMs: number
      readonly start: number
      /** Exclusive. */
      readonly end: number
      /** Offset of `start` in the file. */
      readonly offset: number
      /** "major:minor:inode" as /proc/PID/maps writes it; "" for the vDSO. */
      readonly file: string
      /** As the process sees it; chosen by strangers. */
      readonly path: string
    }
  /** It has become another program: nothing of the former one is mapped any more. */
  | { readonly kind: 'program'; readonly tgid: number; readonly timeMs: number }

export interface MappingEvents {
  /** What has happened since the last call, ordered by time. Executable memory of no file is left out: it is a
   *  compiler's, has no rows, and comes hundreds of times a second.
   *  cost 1 to 2 µs per event */
  take(): MappingEvent[]
  /** Mappings that found their ring full, since the start: whoever was seen before may have mapped more than was told. */
  readonly lost: number
  /** Resolves when a mapping is there to be taken, after `timeoutMs`, or at `close`. */
  wait(timeoutMs: number): Promise<unknown>
  close(): void
}

const PERF_TYPE_SOFTWARE = 1
const PERF_COUNT_SW_DUMMY = 9
const PERF_ATTRIBUTE_BYTES = 128
const PERF_SAMPLE_TIME = 4n
const CLOCK_MONOTONIC = 1
const SAMPLE_TYPE_AT = 24
const FLAGS_AT = 40
const WAKEUP_AT = 48
const CLOCK_AT = 92
// Bits of the attribute's flags.
const MMAP = 1n << 8n
const COMM = 1n << 9n
const WATERMARK = 1n << 14n
const SAMPLE_ID_ALL = 1n << 18n
const MMAP2 = 1n << 23n
const COMM_EXEC = 1n << 24n
const USE_CLOCK = 1n << 25n

const RECORD_LOST = 2
const RECORD_COMM = 3
const RECORD_MMAP2 = 10
const MISC_COMM_EXEC = 1 << 13
const PATH_AT = 72
const TIME_BYTES = 8
const VDSO = '[vdso]'

// A record of a mapping has some 130 bytes, so 128 KB per CPU hold 1,000: one second of the worst build (30 programs a
// second on a CPU, ten libraries each: 300), four between two drains of a busy loop. Touched only as far as they are used.
const MAPPING_PAGES = 32
// 40 bytes each: 400 programs or named threads. Who loses one is read instead.
const PROGRAM_PAGES = 4
const HEAD_AT = 1024
const TAIL_AT = 1032

/** Opens two events on each CPU; CPUs that come later are not listened to.
 *  in      mappingPages  of each CPU's ring of mappings, a power of two
 *  throws  SyscallError */
export function openMappingEvents(cpus: readonly number[], mappingPages = MAPPING_PAGES): MappingEvents {
  const listeners: Listener[] = []
  const endFd = eventFd()
  let waiting: Promise<unknown> | undefined
  let isClosed = false
  let lost = 0
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
    for (const cpu of cpus) {
      listeners.push(listenOn(cpu, { flags: MMAP | MMAP2, pages: mappingPages, wakes: true }))
      listeners.push(listenOn(cpu, { flags: COMM | COMM_EXEC, pages: PROGRAM_PAGES, wakes: false }))
    }
  } catch (error) {
    close()
    throw error
  }
  return {
    take() {
      const found: MappingEvent[] = []
      for (const listener of listeners) {
        const lostHere = drain(listener, found)
        if (listener.wakes) lost += lostHere
      }
      return found.sort((one, other) => one.timeMs - other.timeMs)
    },
    get lost() {
      return lost
    },
    wait(timeoutMs) {
      if (isClosed) return Promise.resolve()
      const fds = listeners.filter(({ wakes }) => wakes).map(({ fd }) => fd)
      waiting = pollReadable([endFd, ...fds], timeoutMs)
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
  readonly wakes: boolean
  readonly head: BigInt64Array
  readonly tail: BigInt64Array
  readonly data: Buffer
}

function listenOn(
  cpu: number,
  { flags, pages, wakes }: { readonly flags: bigint; readonly pages: number; readonly wakes: boolean },
): Listener {
  const page = pageBytes()
  const attributes = Buffer.alloc(PERF_ATTRIBUTE_BYTES)
  attributes.writeUInt32LE(PERF_TYPE_SOFTWARE, 0)
  attributes.writeUInt32LE(PERF_ATTRIBUTE_BYTES, 4)
  attributes.writeBigUInt64LE(BigInt(PERF_COUNT_SW_DUMMY), 8)
  attributes.writeBigUInt64LE(PERF_SAMPLE_TIME, SAMPLE_TYPE_AT)
  attributes.writeBigUInt64LE(flags | WATERMARK | SAMPLE_ID_ALL | USE_CLOCK, FLAGS_AT)
  attributes.writeUInt32LE(wakes ? 1 : pages * page, WAKEUP_AT) // bytes: each record wakes, or none
  attributes.writeInt32LE(CLOCK_MONOTONIC, CLOCK_AT)
  const fd = perfEventOpen(attributes, cpu)
  try {
    const mapped = mapShared(fd, (1 + pages) * page, 0, true)
    return {
      ...{ fd, mapped, wakes },
      head: new BigInt64Array(mapped.memory, HEAD_AT, 1),
      tail: new BigInt64Array(mapped.memory, TAIL_AT, 1),
      data: Buffer.from(mapped.memory as ArrayBuffer, page, pages * page),
    }
  } catch (error) {
    closeFd(fd)
    throw error
  }
}

/** Reads what the kernel has written, and gives it back.  out  records that were lost before one of these */
function drain({ head, tail, data }: Listener, found: MappingEvent[]): number {
  const end = Atomics.load(head, 0)
  const begin = Atomics.load(tail, 0)
  const lost = readRecords(
    { data, from: Number(BigInt.asUintN(32, begin)) % data.length, bytes: Number(end - begin) },
    found,
  )
  Atomics.store(tail, 0, end)
  return lost
}

/** Reads records out of a ring.
 *  in   data   a power of two long
 *       from   where the first record begins; `bytes` of them follow, beyond the end from the beginning again
 *       found  events are added to it
 *  out  records that were lost before one of these */
export function readRecords(
  { data, from, bytes }: { readonly data: Buffer; readonly from: number; readonly bytes: number },
  found: MappingEvent[],
): number {
  let lost = 0
  for (let done = 0; done + 8 <= bytes; ) {
    const at = (from + done) % data.length // records are multiples of 8 bytes: no head of one wraps
    const type = data.readUInt32LE(at)
    const length = data.readUInt16LE(at + 6)
    if (length < 8 || done + length > bytes) break // cannot be: all that is left is given back unread
    done += length
    const record = at + length <= data.length ? data.subarray(at, at + length) : unwrapped(data, at, length)
    if (type === RECORD_LOST && length >= 24) lost += record.readUInt32LE(16)
    const event = type === RECORD_MMAP2 ? mapOf(record) : type === RECORD_COMM ? programOf(record) : undefined
    if (event) found.push(event)
  }
  return lost
}

const unwrapped = (data: Buffer, at: number, length: number) =>
  Buffer.concat([data.subarray(at), data.subarray(0, at + length - data.length)])

function mapOf(record: Buffer): MappingEvent | undefined {
  const pathEnd = record.length - TIME_BYTES
  if (pathEnd <= PATH_AT) return undefined
  const [inodeLow, inodeHigh] = [record.readUInt32LE(48), record.readUInt32LE(52)]
  const isOfFile = inodeLow !== 0 || inodeHigh !== 0
  if (!isOfFile && record.toString('latin1', PATH_AT, PATH_AT + VDSO.length) !== VDSO) return undefined
  const nul = record.indexOf(0, PATH_AT)
  const path = record.toString('utf8', PATH_AT, nul === -1 || nul > pathEnd ? pathEnd : nul)
  const start = number64(record, 16)
  const end = start + number64(record, 24)
  const offset = number64(record, 32)
  if (!Number.isSafeInteger(end) || !Number.isSafeInteger(offset) || end <= start) return undefined
  const device = `${hex2(record.readUInt32LE(40))}:${hex2(record.readUInt32LE(44))}`
  const inode = inodeHigh < 2 ** 21 ? inodeHigh * 2 ** 32 + inodeLow : record.readBigUInt64LE(48)
  return {
    ...{ kind: 'map', tgid: record.readUInt32LE(8), timeMs: timeOf(record) },
    ...{ start, end, offset, file: isOfFile ? `${device}:${inode}` : '', path },
  }
}

/** Threads that only give themselves another name are none. */
function programOf(record: Buffer): MappingEvent | undefined {
  if ((record.readUInt16LE(4) & MISC_COMM_EXEC) === 0 || record.length < 16 + TIME_BYTES) return undefined
  return { kind: 'program', tgid: record.readUInt32LE(8), timeMs: timeOf(record) }
}

const number64 = (record: Buffer, at: number) =>
  record.readUInt32LE(at + 4) * 2 ** 32 + record.readUInt32LE(at)
const timeOf = (record: Buffer) => number64(record, record.length - TIME_BYTES) / 1e6
const hex2 = (part: number) => part.toString(16).padStart(2, '0')

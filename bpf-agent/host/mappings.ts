// What has a process mapped, and where? The executable lines of /proc/PID/maps as columns. No regular expressions: a
// scan over 5,000 lines must not be felt.
import { hexNumber } from './hex.ts'

/** Executable mappings, columns of equal length, ascending, without overlap. */
export interface Mappings {
  readonly start: Float64Array
  /** Exclusive. */
  readonly end: Float64Array
  /** Offset of `start` in the file. */
  readonly offset: Float64Array
  /** "device:inode" of a mapped file; "" for memory that belongs to none. */
  readonly file: readonly string[]
  /** As the kernel prints it: a path, "[vdso]", "" … Chosen by strangers: never opened as it is. */
  readonly path: readonly string[]
}

export const NO_MAPPINGS: Mappings = {
  start: new Float64Array(),
  end: new Float64Array(),
  offset: new Float64Array(),
  file: [],
  path: [],
}

/** Bounds of /proc/PID/maps; vm.max_map_count is 65,530 by default. */
export const MAPS_BYTES_MAX = 8 * 1024 * 1024
export const MAPS_LINES_MAX = 65_536

const LINE_FEED = 0x0a
const SPACE = 0x20
const DASH = 0x2d
const EXECUTABLE = 0x78

/** Parses /proc/PID/maps. Lines that are not as the kernel writes them, and mappings above 2^53 (`[vsyscall]`), are left
 *  out.
 *  cost about 0.1 µs per line, 1 µs per executable one */
export function parseMappings(bytes: Uint8Array): Mappings {
  const start: number[] = []
  const end: number[] = []
  const offset: number[] = []
  const file: string[] = []
  const path: string[] = []
  const known = new Map<string, string>() // equal paths of one process share their memory
  const shared = (word: string) => {
    const first = known.get(word)
    if (first === undefined) known.set(word, word)
    return first ?? word
  }
  let line = 0
  for (let lines = 0; line < bytes.length && lines < MAPS_LINES_MAX; lines++) {
    const feed = bytes.indexOf(LINE_FEED, line)
    const stop = feed === -1 ? bytes.length : feed
    const row = parseLine(bytes, line, stop)
    line = stop + 1
    if (row === undefined || row.start < (end.at(-1) ?? 0)) continue
    start.push(row.start)
    end.push(row.end)
    offset.push(row.offset)
    file.push(shared(row.file))
    path.push(shared(row.path))
  }
  return {
    start: Float64Array.from(start),
    end: Float64Array.from(end),
    offset: Float64Array.from(offset),
    file,
    path,
  }
}

/** Row of the mapping that holds an address; -1: none.  cost O(log n) */
export function mappingAt({ start, end }: Mappings, address: number): number {
  let low = 0
  let high = start.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (start[middle]! <= address) low = middle + 1
    else high = middle
  }
  return low > 0 && address < end[low - 1]! ? low - 1 : -1
}

/** Whether two lists say the same. */
export function equalMappings(one: Mappings, other: Mappings): boolean {
  if (one.start.length !== other.start.length) return false
  for (let i = 0; i < one.start.length; i++) {
    const isEqual =
      one.start[i] === other.start[i] &&
      one.end[i] === other.end[i] &&
      one.offset[i] === other.offset[i] &&
      one.file[i] === other.file[i] &&
      one.path[i] === other.path[i]
    if (!isEqual) return false
  }
  return true
}

interface Row {
  readonly start: number
  readonly end: number
  readonly offset: number
  readonly file: string
  readonly path: string
}

/** `7f12a000-7f12c000 r-xp 00026000 fe:00 326269      /usr/lib/libc.so.6`; undefined unless it is executable. */
function parseLine(bytes: Uint8Array, from: number, stop: number): Row | undefined {
  const dash = indexWithin(bytes, DASH, from, stop)
  const space = indexWithin(bytes, SPACE, dash + 1, stop)
  if (dash === -1 || space === -1 || bytes[space + 3] !== EXECUTABLE || space + 6 > stop) return undefined
  const offsetAt = space + 6
  const deviceAt = indexWithin(bytes, SPACE, offsetAt, stop) + 1
  const inodeAt = indexWithin(bytes, SPACE, deviceAt, stop) + 1
  if (deviceAt === 0 || inodeAt === 0) return undefined
  const inodeEnd = indexWithin(bytes, SPACE, inodeAt, stop)
  const inode = text(bytes, inodeAt, inodeEnd === -1 ? stop : inodeEnd)
  const start = hexNumber(bytes, from, dash)
  const end = hexNumber(bytes, dash + 1, space)
  const offset = hexNumber(bytes, offsetAt, deviceAt - 1)
  if (
    !Number.isSafeInteger(start) ||
    !Number.isSafeInteger(end) ||
    !Number.isSafeInteger(offset) ||
    end <= start
  )
    return undefined
  let pathAt = inodeEnd === -1 ? stop : inodeEnd
  while (pathAt < stop && bytes[pathAt] === SPACE) pathAt++
  const file = inode === '0' ? '' : `${text(bytes, deviceAt, inodeAt - 1)}:${inode}`
  return { start, end, offset, file, path: text(bytes, pathAt, stop) }
}

function indexWithin(bytes: Uint8Array, byte: number, from: number, stop: number): number {
  for (let i = from; i < stop; i++) if (bytes[i] === byte) return i
  return -1
}

const utf8 = new TextDecoder()
const text = (bytes: Uint8Array, from: number, stop: number) => utf8.decode(bytes.subarray(from, stop))

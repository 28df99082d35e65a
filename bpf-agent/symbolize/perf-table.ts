// Which generated function covers an address? Lines of a perf map as columns, in the order in which they came, and an
// order by address beside them. Pure; every line is hostile.
import { hexNumber } from '../host/hex.ts'

export interface PerfTable {
  count: number
  start: Float64Array
  size: Float64Array
  /** Name i is nameEnd[i - 1] … nameEnd[i] of `names`: a text of its own for each would be twice the memory. */
  nameEnd: Uint32Array
  names: Uint8Array
  /** Rows 0 … sortedCount - 1, ascending by start, equal starts by age. */
  order: Uint32Array
  sortedCount: number
  /** A line was left out because the table has as much as it may have. */
  isFull: boolean
}

const ENTRIES_MAX = 131_072 // 24 bytes each; large programs on Node and the JVM have some 50,000
const NAME_BYTES_MAX = 8 * 1024 * 1024
const NAME_CHARS_MAX = 4096
const LINE_BYTES_MAX = 8192
const OVERLAPS_MAX = 64 // rows looked at downwards: code is rarely moved more often over one place
const LINE_FEED = 0x0a
const SPACE = 0x20

export const emptyPerfTable = (): PerfTable => ({
  count: 0,
  start: new Float64Array(64),
  size: new Float64Array(64),
  nameEnd: new Uint32Array(64),
  names: new Uint8Array(1024),
  order: new Uint32Array(),
  sortedCount: 0,
  isFull: false,
})

/** Memory of a table: at most 19 MiB. */
export const perfTableBytes = ({ start, size, nameEnd, names, order }: PerfTable): number =>
  start.byteLength + size.byteLength + nameEnd.byteLength + names.byteLength + order.byteLength

/** Takes whole lines in: `7f12a0 40 LazyCompile:*f file.js:1`. Lines that are none are left out, what exceeds
 *  131,072 entries or 8 MiB of names too.
 *  in   rest  what the call before gave back
 *  out  the beginning of a line that is not complete yet; empty if it is longer than a line may be */
export function readPerfLines(table: PerfTable, rest: Uint8Array, chunk: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(rest.length + chunk.length)
  bytes.set(rest)
  bytes.set(chunk, rest.length)
  let at = 0
  for (let feed = bytes.indexOf(LINE_FEED); feed !== -1; feed = bytes.indexOf(LINE_FEED, at)) {
    if (feed - at <= LINE_BYTES_MAX) readLine(table, bytes, at, feed)
    at = feed + 1
  }
  return bytes.length - at > LINE_BYTES_MAX ? new Uint8Array() : bytes.slice(at)
}

/** Name of the code at an address, the latest of those that cover it; undefined if none does.
 *  cost O(log n); after new lines, O(n) once */
export function perfNameAt(table: PerfTable, address: number): string | undefined {
  sortNew(table)
  const { order, start, size } = table
  let low = 0
  let high = table.sortedCount
  while (low < high) {
    const middle = (low + high) >>> 1
    if (start[order[middle]!]! <= address) low = middle + 1
    else high = middle
  }
  let latest = -1
  for (let i = low - 1; i >= Math.max(0, low - OVERLAPS_MAX); i--) {
    const row = order[i]!
    if (address < start[row]! + size[row]!) latest = Math.max(latest, row)
  }
  if (latest === -1) return undefined
  return utf8.decode(table.names.subarray(nameStart(table, latest), table.nameEnd[latest]))
}

const utf8 = new TextDecoder()

const nameStart = ({ nameEnd }: PerfTable, row: number) => (row === 0 ? 0 : nameEnd[row - 1]!)

function readLine(table: PerfTable, bytes: Uint8Array, from: number, lineEnd: number): void {
  let stop = lineEnd
  while (stop > from && bytes[stop - 1]! <= SPACE) stop--
  const first = bytes.indexOf(SPACE, from)
  const second = bytes.indexOf(SPACE, first + 1)
  if (first <= from || second === -1 || second + 1 >= stop) return
  const start = hex(bytes, from, first)
  const size = hex(bytes, first + 1, second)
  if (!(size > 0) || !Number.isSafeInteger(start + size)) return
  const name = bytes.subarray(second + 1, Math.min(stop, second + 1 + NAME_CHARS_MAX))
  const namesLength = nameStart(table, table.count)
  if (table.count >= ENTRIES_MAX || namesLength + name.length > NAME_BYTES_MAX) {
    table.isFull = true
    return
  }
  if (table.count === table.start.length) grow(table)
  if (namesLength + name.length > table.names.length)
    table.names = widened(table.names, Math.min(NAME_BYTES_MAX, 2 * table.names.length + name.length))
  table.start[table.count] = start
  table.size[table.count] = size
  table.names.set(name, namesLength)
  table.nameEnd[table.count++] = namesLength + name.length
}

/** NaN unless all of it is hex; `0x` in front is allowed, some runtimes write it. */
function hex(bytes: Uint8Array, from: number, stop: number): number {
  const isPrefixed = bytes[from] === 0x30 && bytes[from + 1] === 0x78
  const digits = isPrefixed ? from + 2 : from
  return stop - digits <= 16 ? hexNumber(bytes, digits, stop) : Number.NaN
}

function grow(table: PerfTable): void {
  const length = 2 * table.count
  const [start, size, nameEnd] = [new Float64Array(length), new Float64Array(length), new Uint32Array(length)]
  start.set(table.start)
  size.set(table.size)
  nameEnd.set(table.nameEnd)
  Object.assign(table, { start, size, nameEnd })
}

function widened(bytes: Uint8Array, length: number): Uint8Array {
  const wider = new Uint8Array(length)
  wider.set(bytes)
  return wider
}

/** Sorts only the new rows and merges them in: a map grows all the time, and most of it is old. */
function sortNew(table: PerfTable): void {
  const { count, sortedCount, start, order: old } = table
  if (count === sortedCount) return
  const fresh = new Uint32Array(count - sortedCount).map((_, i) => sortedCount + i)
  fresh.sort((i, j) => start[i]! - start[j]! || i - j)
  const order = new Uint32Array(count)
  let [oldAt, freshAt] = [0, 0]
  for (let i = 0; i < count; i++) {
    const takesOld =
      oldAt < sortedCount && (freshAt >= fresh.length || start[old[oldAt]!]! <= start[fresh[freshAt]!]!)
    order[i] = takesOld ? old[oldAt++]! : fresh[freshAt++]!
  }
  table.order = order
  table.sortedCount = count
}

// Which generated function covers an address? Lines of a perf map as columns, in the order in which they came, and an
// order by address beside them. Pure; every line is hostile.

export interface PerfTable {
  count: number
  start: Float64Array
  size: Float64Array
  readonly name: string[]
  /** Bytes of all names. */
  nameBytes: number
  /** Rows 0 … sortedCount - 1, ascending by start, equal starts by age. */
  order: Uint32Array
  sortedCount: number
}

const ENTRIES_MAX = 1_000_000
const NAME_BYTES_MAX = 16 * 1024 * 1024
const NAME_CHARS_MAX = 4096
const LINE_BYTES_MAX = 8192
const OVERLAPS_MAX = 64 // rows looked at downwards: code is rarely moved more often over one place
const LINE_FEED = 0x0a

export const emptyPerfTable = (): PerfTable => ({
  count: 0,
  start: new Float64Array(64),
  size: new Float64Array(64),
  name: [],
  nameBytes: 0,
  order: new Uint32Array(),
  sortedCount: 0,
})

/** Takes whole lines in: `7f12a0 40 LazyCompile:*f file.js:1`. Lines that are none are left out, what exceeds a million
 *  entries or 16 MiB of names too.
 *  in   rest  what the call before gave back
 *  out  the beginning of a line that is not complete yet; empty if it is longer than a line may be */
export function readPerfLines(table: PerfTable, rest: Uint8Array, chunk: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(rest.length + chunk.length)
  bytes.set(rest)
  bytes.set(chunk, rest.length)
  let at = 0
  for (let feed = bytes.indexOf(LINE_FEED); feed !== -1; feed = bytes.indexOf(LINE_FEED, at)) {
    if (feed - at <= LINE_BYTES_MAX) readLine(table, utf8.decode(bytes.subarray(at, feed)))
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
  return table.name[latest]
}

const utf8 = new TextDecoder()

function readLine(table: PerfTable, line: string): void {
  const first = line.indexOf(' ')
  const second = line.indexOf(' ', first + 1)
  if (first <= 0 || second === -1) return
  const start = hex(line.slice(0, first))
  const size = hex(line.slice(first + 1, second))
  const name = line.slice(second + 1).trimEnd()
  if (!(size > 0) || !Number.isSafeInteger(start + size) || name === '') return
  if (table.count >= ENTRIES_MAX || table.nameBytes + name.length > NAME_BYTES_MAX) return
  if (table.count === table.start.length) grow(table)
  table.start[table.count] = start
  table.size[table.count] = size
  table.name[table.count++] = name.slice(0, NAME_CHARS_MAX)
  table.nameBytes += name.length
}

/** NaN unless all of it is hex; `0x` in front is allowed, some runtimes write it. */
function hex(text: string): number {
  const digits = text.startsWith('0x') ? text.slice(2) : text
  return /^[0-9a-fA-F]{1,16}$/.test(digits) ? Number.parseInt(digits, 16) : Number.NaN
}

function grow(table: PerfTable): void {
  const start = new Float64Array(2 * table.count)
  const size = new Float64Array(2 * table.count)
  start.set(table.start)
  size.set(table.size)
  table.start = start
  table.size = size
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

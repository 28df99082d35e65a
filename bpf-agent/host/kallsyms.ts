// Which kernel function lies at an address? /proc/kallsyms as sorted columns over one block of names. Pure: bytes in,
// names out. Refuses data symbols, and to guess far behind the last symbol of a region: symbols here have no size.

import { failure, type Result, success } from '#profile/model/result'
import { hexNumber } from './hex.ts'

/** Functions of the running kernel, its modules and BPF programs; ascending by address. */
export interface KernelTable {
  /** Distance from 0xffff000000000000: exact in a double, unlike a kernel address. */
  readonly offset: Float64Array
  /** Name of row i: bytes nameStart[i] … nameStart[i + 1] - 1 of `names`. */
  readonly nameStart: Uint32Array
  readonly names: Uint8Array
  /** Row of `modules`; 0: the kernel itself. */
  readonly module: Uint16Array
  readonly modules: readonly string[]
  /** Where the kernel's own code begins and ends. */
  readonly textStart: number
  readonly textEnd: number
}

export interface KernelSymbol {
  readonly name: string
  /** "" for the kernel itself, "bpf" for BPF programs, else the module. */
  readonly module: string
}

const LOWEST_HIGH = 0xffff_0000
const FAR = 128 * 1024 // no function of a module or BPF program is longer; behind it lies something without a name
const MODULES_MAX = 65_535
const LINES_MAX = 4_000_000
const LINE_BYTES_MAX = 8192
const NAME_BYTES_MAX = 512 // KSYM_NAME_LEN
const INITIAL_ROWS = 65_536 // a distribution's kernel has 60,000 functions
const LINE_FEED = 0x0a
const SPACE = 0x20
const TAB = 0x09

/** A kernel address as a number that sorts: its distance from 0xffff000000000000.
 *  out  negative for what is no kernel address */
export const kernelOffset = (high: number, low: number): number => (high - LOWEST_HIGH) * 2 ** 32 + low

/** Reads /proc/kallsyms piece by piece: the whole text has 5 MB, the table 3. */
export interface KallsymsReader {
  /** Takes the next bytes; they may end anywhere in a line. */
  take(bytes: Uint8Array): void
  /** What came together.
   *  out  a failure when addresses are hidden from us, with the cure */
  finish(): Result<KernelTable>
}

/** Makes a reader.  cost 60 ms for 122,000 lines; the table takes 40 bytes per function */
export function createKallsymsReader(): KallsymsReader {
  const rows = emptyRows(INITIAL_ROWS)
  const moduleIds = new Map<string, number>([['', 0]])
  let rest = new Uint8Array()
  let lines = 0

  function take(piece: Uint8Array): void {
    const bytes = new Uint8Array(rest.length + piece.length)
    bytes.set(rest)
    bytes.set(piece, rest.length)
    let at = 0
    for (
      let feed = bytes.indexOf(LINE_FEED);
      feed !== -1 && lines < LINES_MAX;
      feed = bytes.indexOf(LINE_FEED, at)
    ) {
      lines++
      if (feed - at > 19 && bytes[at + 16] === SPACE && bytes[at + 18] === SPACE)
        scanLine(bytes, at, feed, rows, moduleIds)
      at = feed + 1
    }
    rest = bytes.length - at > LINE_BYTES_MAX ? new Uint8Array() : bytes.slice(at)
  }

  function finish(): Result<KernelTable> {
    if (rest.length > 0) take(Uint8Array.of(LINE_FEED))
    if (rows.count > 0) return success(sorted(rows))
    return failure(
      rows.hidden > 0
        ? `/proc/kallsyms shows ${rows.hidden} functions without addresses; give the agent CAP_SYSLOG or set kernel.kptr_restrict=0`
        : '/proc/kallsyms holds no functions',
    )
  }
  return { take, finish }
}

/** The function at an address; undefined if none is near enough.  cost O(log n) and one short string */
export function kernelSymbolAt(table: KernelTable, high: number, low: number): KernelSymbol | undefined {
  const offset = kernelOffset(high, low)
  let first = 0
  let last = table.offset.length
  while (first < last) {
    const middle = (first + last) >>> 1
    if (table.offset[middle]! <= offset) first = middle + 1
    else last = middle
  }
  const row = first - 1
  if (row < 0) return undefined
  const module = table.modules[table.module[row]!]!
  const isNear =
    module === '' ? offset < table.textEnd : offset - table.offset[row]! < FAR && !isInside(table, offset)
  if (!isNear) return undefined
  return { name: decode(table.names.subarray(table.nameStart[row], table.nameStart[row + 1])), module }
}

const isInside = ({ textStart, textEnd }: KernelTable, offset: number) =>
  offset >= textStart && offset < textEnd

interface Rows {
  count: number
  /** Function lines whose address is 0. */
  hidden: number
  offset: Float64Array
  nameAt: Uint32Array
  nameLength: Uint16Array
  module: Uint16Array
  /** Names one after the other, in the order of the rows. */
  names: Uint8Array
  nameBytes: number
  modules: string[]
  textStart: number
  textEnd: number
}

/** `ffffffff81000000 T _text`, `ffffffffc0201000 t veth_open\t[veth]`. */
function scanLine(
  bytes: Uint8Array,
  at: number,
  stop: number,
  rows: Rows,
  moduleIds: Map<string, number>,
): void {
  const type = bytes[at + 17]! | 0x20
  if (type !== 0x74 && type !== 0x77) return // t, T, w, W: code
  const high = hexNumber(bytes, at, at + 8)
  const low = hexNumber(bytes, at + 8, at + 16)
  if (high === 0 && low === 0) rows.hidden++
  if (!(high >= LOWEST_HIGH) || Number.isNaN(low)) return
  const nameAt = at + 19
  let tab = nameAt // not indexOf: without modules no tab ends it before the end of the text
  while (tab < stop && bytes[tab] !== TAB) tab++
  const hasModule = tab < stop
  const nameStop = hasModule ? tab : stop
  const offset = kernelOffset(high, low)
  if (isPadding(bytes, nameAt)) return
  if (!hasModule) noteRegion(rows, decode(bytes.subarray(nameAt, Math.min(nameStop, nameAt + 16))), offset)
  append(rows, {
    offset,
    name: bytes.subarray(nameAt, Math.min(nameStop, nameAt + NAME_BYTES_MAX)),
    module: hasModule ? moduleId(decode(bytes.subarray(tab + 2, stop - 1)), rows, moduleIds) : 0,
  })
}

/** `__pfx_name` marks the padding in front of a function: half of all symbols, and never executed. */
const PADDING = new TextEncoder().encode('__pfx_')
const isPadding = (bytes: Uint8Array, at: number) => PADDING.every((byte, i) => bytes[at + i] === byte)

/** Names that mark where the kernel's own code lies; code of the start-up lies behind `_etext`. */
function noteRegion(rows: Rows, name: string, offset: number): void {
  if (name === '_text' || name === '_stext')
    rows.textStart = rows.textStart === 0 ? offset : Math.min(rows.textStart, offset)
  if (name === '_etext' || name === '_einittext') rows.textEnd = Math.max(rows.textEnd, offset)
}

function moduleId(name: string, rows: Rows, ids: Map<string, number>): number {
  // BPF trampolines and dispatchers come as other bracketed names; to people all of it is BPF.
  const shown = name.startsWith('bpf') || name.startsWith('__builtin__') ? 'bpf' : name
  const known = ids.get(shown)
  if (known !== undefined) return known
  if (rows.modules.length >= MODULES_MAX) return 0
  const id = rows.modules.push(shown) - 1
  ids.set(shown, id)
  return id
}

function emptyRows(length: number): Rows {
  return {
    count: 0,
    hidden: 0,
    offset: new Float64Array(length),
    nameAt: new Uint32Array(length),
    nameLength: new Uint16Array(length),
    module: new Uint16Array(length),
    names: new Uint8Array(length * 24),
    nameBytes: 0,
    modules: [''],
    textStart: 0,
    textEnd: 0,
  }
}

function append(
  rows: Rows,
  row: { readonly offset: number; readonly name: Uint8Array; readonly module: number },
): void {
  const { name } = row
  if (rows.count === rows.offset.length || rows.nameBytes + name.length > rows.names.length) grow(rows)
  const i = rows.count++
  rows.offset[i] = row.offset
  rows.nameAt[i] = rows.nameBytes
  rows.nameLength[i] = name.length
  rows.module[i] = row.module
  rows.names.set(name, rows.nameBytes)
  rows.nameBytes += name.length
}

function grow(rows: Rows): void {
  const larger = emptyRows(2 * rows.offset.length)
  larger.offset.set(rows.offset)
  larger.nameAt.set(rows.nameAt)
  larger.nameLength.set(rows.nameLength)
  larger.module.set(rows.module)
  const names = new Uint8Array(2 * rows.names.length + NAME_BYTES_MAX)
  names.set(rows.names)
  const { offset, nameAt, nameLength, module } = larger
  Object.assign(rows, { offset, nameAt, nameLength, module, names })
}

/** The kernel lists itself in order and modules after it, so that a stable sort of the row numbers has little to do.
 *  Of several names at one address the one with the fewest leading underscores stays, then the shortest. */
function sorted(rows: Rows): KernelTable {
  const order = new Uint32Array(rows.count).map((_, i) => i)
  order.sort((i, j) => rows.offset[i]! - rows.offset[j]! || rank(rows, i) - rank(rows, j) || i - j)
  const kept = order.filter((row, i) => i === 0 || rows.offset[order[i - 1]!] !== rows.offset[row])
  const offset = new Float64Array(kept.length)
  const module = new Uint16Array(kept.length)
  const nameStart = new Uint32Array(kept.length + 1)
  kept.forEach((row, i) => {
    offset[i] = rows.offset[row]!
    module[i] = rows.module[row]!
    nameStart[i + 1] = nameStart[i]! + rows.nameLength[row]!
  })
  const names = new Uint8Array(nameStart[kept.length]!)
  kept.forEach((row, i) => {
    names.set(rows.names.subarray(rows.nameAt[row], rows.nameAt[row]! + rows.nameLength[row]!), nameStart[i])
  })
  const { modules, textStart } = rows
  const textEnd = rows.textEnd === 0 ? Number.POSITIVE_INFINITY : rows.textEnd
  return { offset, nameStart, names, module, modules, textStart, textEnd }
}

function rank(rows: Rows, row: number): number {
  const at = rows.nameAt[row]!
  let underscores = 0
  while (rows.names[at + underscores] === 0x5f) underscores++
  return underscores * 1024 + rows.nameLength[row]!
}

const utf8 = new TextDecoder()
const decode = (bytes: Uint8Array) => utf8.decode(bytes)

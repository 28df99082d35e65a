// Which function lies at an address? The symbol tables of an ELF file as sorted columns; names stay in the file until
// somebody asks. Refuses data, undefined and absolute symbols, and never names what lies behind a symbol's size:
// a stripped libc would name static functions after their neighbours, and `.plt` stubs would all be `_init`.
import { failure, type Result, success } from '#profile/model/result'
import { checkRange, type Part, textAt } from './byte-source.ts'
import { MalformedError, wordAt } from './cursor.ts'
import {
  type ElfFile,
  malformedAsFailure,
  SECTION_DYNSYM,
  SECTION_EXECUTABLE,
  SECTION_NOBITS,
  SECTION_SYMTAB,
  type Section,
} from './elf-file.ts'

/** Functions of one file, columns of equal length, ascending by address; several names may share one address. */
export interface SymbolTable {
  /** Lowest address; `address[i]` is relative to it, so that 4 bytes are enough. */
  readonly base: number
  readonly address: Uint32Array
  /** Bytes; never 0. */
  readonly size: Uint32Array
  /** Position of the name in the file's string table. */
  readonly name: Uint32Array
  /** Where in the file that string table lies. */
  readonly strings: Part
}

export interface SymbolBounds {
  /** Entries read of a table. */
  readonly entriesMax: number
  /** Functions kept: 12 bytes each. */
  readonly functionsMax: number
}
/** Chromium with all symbols has about 1.2 M functions; 21 bits of index are what the sort below can pack. */
export const SYMBOL_BOUNDS: SymbolBounds = { entriesMax: 4 * 1024 * 1024, functionsMax: 2 * 1024 * 1024 - 1 }

const CHUNK_ENTRIES = 16_384 // 384 KiB read at a time, so that memory follows what is kept, not what a header claims
const ALIASES_MAX = 16 // names read for one address; libc has up to 9 (`__pthread_key_create` and its like)
const NESTED_MAX = 32 // symbols looked at downwards from an address: labels inside a function are few
const TYPE_NONE = 0
const TYPE_FUNCTION = 2
const TYPE_INDIRECT = 10 // STT_GNU_IFUNC: the code that chooses an implementation
const BINDING_LOCAL = 0
const SECTION_UNDEFINED = 0
const SECTION_RESERVED = 0xff00 // absolute, common, extended indices

/** Reads `.symtab`, or `.dynsym` where that is missing.
 *  out  undefined: the file has neither; a failure says what is broken or too large
 *  cost 0.3 µs per entry; memory 12 bytes per function and as much again while sorting */
export function readSymbols(
  elf: ElfFile,
  bounds: SymbolBounds = SYMBOL_BOUNDS,
): Result<SymbolTable | undefined> {
  const section = hasEntries(elf, SECTION_SYMTAB) ?? hasEntries(elf, SECTION_DYNSYM)
  if (section === undefined) return success(undefined)
  const read = malformedAsFailure(() => readTable(elf, section, bounds))
  return read.ok ? read : failure(`${section.name || 'symbols'}: ${read.error.message}`)
}

/** Row of the function that holds an ELF virtual address, the innermost one; -1 if no symbol covers it.
 *  cost O(log n) */
export function symbolAt(table: SymbolTable, address: number): number {
  const offset = address - table.base
  if (!(offset >= 0 && offset < 2 ** 32)) return -1
  let low = 0
  let high = table.address.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (table.address[middle]! <= offset) low = middle + 1
    else high = middle
  }
  for (let i = low - 1, last = Math.max(0, low - NESTED_MAX); i >= last; i--)
    if (offset - table.address[i]! < table.size[i]!) return firstAlias(table, i)
  return -1
}

/** Names of a row and of its aliases, version suffixes cut (`memcpy@@GLIBC_2.14`), empty ones left out; in file order.
 *  in   row  as symbolAt gave it
 *  cost one short read per name. Throws what the source throws: the file may be gone */
export function symbolNames(elf: NameSource, table: SymbolTable, row: number): string[] {
  const names: string[] = []
  const address = table.address[row]
  for (let i = row; i < table.address.length && i < row + ALIASES_MAX && table.address[i] === address; i++) {
    const name = textAt(elf.source, table.strings, table.name[i]!)
    const version = name.indexOf('@', 1)
    const bare = version === -1 ? name : name.slice(0, version)
    if (bare !== '' && !names.includes(bare)) names.push(bare)
  }
  return names
}

/** The file whose string table the names stand in. */
export type NameSource = Pick<ElfFile, 'source'>

/** A section of the type, if its contents are in the file: debug files keep headers without contents, and some strip
 *  tools leave an empty table. */
function hasEntries(elf: ElfFile, type: number): Section | undefined {
  const entry = elf.is64 ? 24 : 16
  return elf.sections.find((section) => section.type === type && section.size > entry)
}

function readTable(elf: ElfFile, section: Section, bounds: SymbolBounds): SymbolTable {
  const entry = elf.is64 ? 24 : 16
  const count = Math.floor(section.size / entry)
  if (section.entrySize !== entry)
    throw new MalformedError(`entries of ${section.entrySize} bytes, expected ${entry}`)
  if (count > bounds.entriesMax)
    throw new MalformedError(`${count} entries, at most ${bounds.entriesMax} are read`)
  const strings = elf.sections[section.link]
  if (strings === undefined || strings.type === SECTION_NOBITS)
    throw new MalformedError(`its string table ${section.link} is missing`)
  const { size } = elf.source
  checkRange({ offset: section.offset, length: count * entry, size, name: 'entries' })
  checkRange({ offset: strings.offset, length: strings.size, size, name: 'string table' })
  const found = scan(elf, section, { count, functionsMax: bounds.functionsMax })
  return sorted(found, { offset: strings.offset, size: strings.size })
}

interface Found {
  count: number
  address: Float64Array
  size: Float64Array
  name: Uint32Array
  /** End of the section the symbol lies in: how far one without a size may reach. */
  limit: Float64Array
}

function scan(
  elf: ElfFile,
  section: Section,
  { count, functionsMax }: { readonly count: number; readonly functionsMax: number },
): Found {
  const entry = elf.is64 ? 24 : 16
  const found = emptyFound(Math.min(count, 1024))
  for (let start = 0; start < count; start += CHUNK_ENTRIES) {
    const entries = Math.min(CHUNK_ENTRIES, count - start)
    const bytes = elf.source.read(section.offset + start * entry, entries * entry)
    scanChunk(elf, new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), entries, found)
    if (found.count > functionsMax)
      throw new MalformedError(`more than ${functionsMax} functions, which would not fit the memory budget`)
  }
  return found
}

function scanChunk(elf: ElfFile, view: DataView, entries: number, found: Found): void {
  const { is64, isLittleEndian: little, sections } = elf
  const pointerBytes = is64 ? 8 : 4
  for (let i = 0; i < entries; i++) {
    const at = i * (is64 ? 24 : 16)
    const info = view.getUint8(at + (is64 ? 4 : 12))
    const type = info & 0xf
    const index = view.getUint16(at + (is64 ? 6 : 14), little)
    if (type !== TYPE_FUNCTION && type !== TYPE_INDIRECT && type !== TYPE_NONE) continue
    if (index === SECTION_UNDEFINED || index >= SECTION_RESERVED) continue
    const section = sections[index]
    if (section === undefined || !(section.flags & SECTION_EXECUTABLE)) continue
    // Hand-written assembly often forgets the type: its global labels are functions (musl's `_start`), its local
    // ones are jump targets and markers.
    if (type === TYPE_NONE && info >> 4 === BINDING_LOCAL) continue
    const name = view.getUint32(at, little)
    const address = wordAt(view, at + (is64 ? 8 : 4), pointerBytes, little)
    const size = wordAt(view, at + (is64 ? 16 : 8), pointerBytes, little)
    const limit = section.address + section.size
    if (name === 0 || !(address >= section.address && address < limit)) continue
    append(found, { address, size: Math.min(size, limit - address), name, limit })
  }
}

function emptyFound(length: number): Found {
  return {
    count: 0,
    address: new Float64Array(length),
    size: new Float64Array(length),
    name: new Uint32Array(length),
    limit: new Float64Array(length),
  }
}

function append(
  found: Found,
  row: { readonly address: number; readonly size: number; readonly name: number; readonly limit: number },
): void {
  if (found.count === found.address.length) {
    const larger = emptyFound(found.count * 2)
    larger.address.set(found.address)
    larger.size.set(found.size)
    larger.name.set(found.name)
    larger.limit.set(found.limit)
    Object.assign(found, { ...larger, count: found.count })
  }
  const i = found.count++
  found.address[i] = row.address
  found.size[i] = row.size
  found.name[i] = row.name
  found.limit[i] = row.limit
}

/** Sorts by address and gives symbols without a size the space up to the next one, or to the end of their section.
 *  The numeric sort of a Float64Array is ten times faster than one with a comparator: address and row are packed into
 *  one number of 32 + 21 bits. */
function sorted(found: Found, strings: SymbolTable['strings']): SymbolTable {
  const { count } = found
  let base = Number.POSITIVE_INFINITY
  let top = 0
  for (let i = 0; i < count; i++) {
    base = Math.min(base, found.address[i]!)
    top = Math.max(top, found.address[i]! + found.size[i]!)
  }
  if (count === 0) base = 0
  if (top - base >= 2 ** 32) throw new MalformedError('its functions lie more than 4 GiB apart')
  const order = new Float64Array(count)
  for (let i = 0; i < count; i++) order[i] = (found.address[i]! - base) * 2 ** 21 + i
  order.sort()
  const table = {
    base,
    address: new Uint32Array(count),
    size: new Uint32Array(count),
    name: new Uint32Array(count),
    strings,
  }
  let next = Number.POSITIVE_INFINITY
  let after = Number.POSITIVE_INFINITY // the next address that is not this one
  for (let i = count - 1; i >= 0; i--) {
    const row = order[i]! % 2 ** 21
    const address = found.address[row]!
    if (address !== next) after = next
    next = address
    const room = Math.min(after, found.limit[row]!, address + 2 ** 32 - 1) - address
    const size = found.size[row] === 0 ? room : found.size[row]!
    table.address[i] = address - base
    table.size[i] = size
    table.name[i] = found.name[row]!
  }
  return table
}

function firstAlias(table: SymbolTable, row: number): number {
  let first = row
  const last = Math.max(0, row - NESTED_MAX) // a hostile file may give one address a million names
  while (first > last && table.address[first - 1] === table.address[row]) first--
  return first
}

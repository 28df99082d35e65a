// Where does a Go program's code begin, and where are its trees of inlined calls? Its function table leaves both to a
// record of the program's data, which begins with the address of that table. Nothing else points to it, so it is
// searched for, and believed only if five of its pointers lead where the table says.
// In position-independent programs its pointers are not in the data but in the relocations.
//
//   word  0 table   1 names   13 functions   16 functions   17 their number + 1   22 code   23 end of code
//        38 inlined calls (1.18, 1.19), 40 (since 1.20)
import type { Part } from './byte-source.ts'
import { wordAt } from './cursor.ts'
import {
  type ElfFile,
  fileOffsetOfAddress,
  SECTION_RELA,
  SEGMENT_LOAD,
  SEGMENT_WRITABLE,
  type Segment,
} from './elf-file.ts'

export interface GoModule {
  /** ELF address. */
  readonly text: number
  /** From there to the end of the segment; undefined where no segment brings them from the file. */
  readonly inlineTrees: Part | undefined
}

/** What the table says of itself. */
export interface GoTableClaims {
  /** Its ELF address. */
  readonly table: number
  /** Its parts, at places of the file. */
  readonly names: Part
  readonly functions: Part
  readonly version: number
  readonly count: number
}

const WORDS = 41
const SCANNED_BYTES_MAX = 64 * 1024 * 1024
const RELOCATIONS_MAX = 4 * 1024 * 1024
const CHUNK_BYTES = 256 * 1024
const CANDIDATES_MAX = 64
const MOVED_CANDIDATES_MAX = 4 // each costs a pass over all relocations; real files have one
const RELOCATION_BYTES = 24
/** R_X86_64_RELATIVE and R_AARCH64_RELATIVE. */
const RELATIVE_TYPES: ReadonlyMap<number, number> = new Map([[62, 8], [183, 1027]]) // biome-ignore format: a table

/** Finds the record.  out  undefined: no record fits the table
 *  cost one pass over writable data, at most 64 MiB; where that finds nothing two over relocations, at worst five. Yields
 *       every millisecond or so */
export function* findGoModule(
  elf: ElfFile,
  claims: GoTableClaims,
): Generator<void, GoModule | undefined, void> {
  const pointerBytes = elf.is64 ? 8 : 4
  const none = new Map<number, number>()
  for (const address of yield* addressesInData(elf, claims.table)) {
    const module = moduleAt(elf, address, none, claims)
    if (module) return module
  }
  const type = RELATIVE_TYPES.get(elf.machine)
  if (type === undefined || !elf.is64 || !elf.isLittleEndian) return undefined
  const places: number[] = []
  yield* eachRelocation(elf, type, (address, value) => {
    if (value === claims.table && places.length < MOVED_CANDIDATES_MAX) places.push(address)
  })
  for (const place of places) {
    const moved = new Map<number, number>()
    yield* eachRelocation(elf, type, (address, value) => {
      if (address >= place && address < place + WORDS * pointerBytes) moved.set(address, value)
    })
    const module = moduleAt(elf, place, moved, claims)
    if (module) return module
  }
  return undefined
}

/** ELF addresses of aligned words of writable data that hold a value. */
function* addressesInData(elf: ElfFile, value: number): Generator<void, number[], void> {
  const pointerBytes = elf.is64 ? 8 : 4
  const found: number[] = []
  let left = SCANNED_BYTES_MAX
  for (const segment of elf.segments.filter(isWritable)) {
    const size = Math.min(segment.fileSize, elf.source.size - segment.offset)
    for (let start = 0; start < size && left > 0; start += CHUNK_BYTES) {
      yield
      const length = Math.min(CHUNK_BYTES, size - start)
      left -= length
      const bytes = elf.source.read(segment.offset + start, length)
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      for (let at = 0; at + pointerBytes <= length; at += pointerBytes) {
        if (wordAt(view, at, pointerBytes, elf.isLittleEndian) !== value) continue
        found.push(segment.address + start + at)
        if (found.length >= CANDIDATES_MAX) return found
      }
    }
  }
  return found
}

const isWritable = ({ type, flags, fileSize }: Segment) =>
  type === SEGMENT_LOAD && (flags & SEGMENT_WRITABLE) !== 0 && fileSize > 0

/** The record at an address, if its words agree with the table.
 *  in   moved  values that relocations put at addresses */
function moduleAt(
  elf: ElfFile,
  address: number,
  moved: ReadonlyMap<number, number>,
  { table, names, functions, version, count }: GoTableClaims,
): GoModule | undefined {
  const pointerBytes = elf.is64 ? 8 : 4
  const offset = fileOffsetOfAddress(elf, address)
  const length = WORDS * pointerBytes
  if (offset === undefined || offset + length > elf.source.size) return undefined
  const bytes = elf.source.read(offset, length)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const word = (index: number) =>
    moved.get(address + index * pointerBytes) ??
    wordAt(view, index * pointerBytes, pointerBytes, elf.isLittleEndian)
  const [text, end, inlined] = [word(22), word(23), word(version < 20 ? 38 : 40)]
  const tableOffset = fileOffsetOfAddress(elf, table) ?? Number.NaN
  const fits =
    word(0) === table &&
    word(1) === table + names.offset - tableOffset &&
    word(13) === table + functions.offset - tableOffset &&
    word(16) === word(13) &&
    word(17) === count + 1 &&
    text > 0 &&
    end > text
  return fits ? { text, inlineTrees: partFrom(elf, inlined) } : undefined
}

function partFrom(elf: ElfFile, address: number): Part | undefined {
  const offset = fileOffsetOfAddress(elf, address)
  const segment = elf.segments.find((one) => one.type === SEGMENT_LOAD && address >= one.address && address < one.address + one.fileSize) // biome-ignore format: one condition
  return offset === undefined || !segment
    ? undefined
    : { offset, size: Math.min(segment.offset + segment.fileSize, elf.source.size) - offset }
}

/** Relocations of one type, of all sections together at most 4 M. */
function* eachRelocation(
  elf: ElfFile,
  type: number,
  take: (address: number, value: number) => void,
): Generator<void, void, void> {
  let left = RELOCATIONS_MAX
  for (const section of elf.sections) {
    if (section.type !== SECTION_RELA || section.entrySize !== RELOCATION_BYTES) continue
    const end = Math.min(section.offset + section.size, elf.source.size)
    for (let start = section.offset; start + RELOCATION_BYTES <= end && left > 0; ) {
      yield
      const count = Math.min(left, 16_384, Math.floor((end - start) / RELOCATION_BYTES))
      left -= count
      const bytes = elf.source.read(start, count * RELOCATION_BYTES)
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      for (let at = 0; at < bytes.length; at += RELOCATION_BYTES) {
        if (view.getUint32(at + 8, true) === type && view.getUint32(at + 12, true) === 0)
          take(wordAt(view, at, 8, true), wordAt(view, at + 16, 8, true))
      }
      start += count * RELOCATION_BYTES
    }
  }
}

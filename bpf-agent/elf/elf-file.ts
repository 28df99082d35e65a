// What does an ELF file say of itself? Class and byte order, segments, sections, build ID, debug link; headers only,
// contents are read when asked. Takes 32 and 64 bit, both byte orders.
// Refuses what is not ELF and what points outside the file. Source: the ELF chapter of the System V gABI.
import { failure, type Result, success } from '#profile/model/result'
import { type ByteSource, checkRange } from './byte-source.ts'
import { Cursor, MalformedError } from './cursor.ts'

export interface Segment {
  readonly type: number
  readonly flags: number
  readonly offset: number
  readonly address: number
  readonly fileSize: number
  readonly memorySize: number
}
export interface Section {
  readonly name: string
  readonly type: number
  readonly flags: number
  readonly address: number
  readonly offset: number
  readonly size: number
  readonly link: number
  readonly entrySize: number
}
export interface ElfFile {
  readonly source: ByteSource
  readonly is64: boolean
  readonly isLittleEndian: boolean
  /** e_machine: 62 x86-64, 183 arm64, 3 i386. */
  readonly machine: number
  /** ELF virtual address of the first instruction; 0: none. */
  readonly entry: number
  readonly segments: readonly Segment[]
  readonly sections: readonly Section[]
  /** Lower-case hex; "" where the linker wrote none. */
  readonly buildId: string
  /** Name of the file with the debug information, from .gnu_debuglink; "" if there is none. */
  readonly debugLink: string
  /** CRC-32 of that file, as .gnu_debuglink says; 0 if there is none. */
  readonly debugLinkCrc: number
}

export const SEGMENT_LOAD = 1
export const SEGMENT_NOTE = 4
export const SEGMENT_EXECUTABLE = 1
export const SEGMENT_WRITABLE = 2
export const SECTION_SYMTAB = 2
export const SECTION_RELA = 4
export const SECTION_NOTE = 7
export const SECTION_NOBITS = 8
export const SECTION_DYNSYM = 11
export const SECTION_EXECUTABLE = 4

const SECTIONS_MAX = 65_536 // real files hold some 40; objects built with -ffunction-sections reach thousands
const SEGMENTS_MAX = 2048 // the kernel starts no program whose table exceeds 64 KiB, 1,170 rows
const SECTION_NAMES_BYTES_MAX = 4 * 1024 * 1024
const NOTES_BYTES_MAX = 64 * 1024 // a build ID note is 36 bytes and stands first
const BUILD_ID_BYTES_MAX = 64 // SHA-1 has 20, lld's xxhash 8, SHA-256 32
const SECTION_NAME_BYTES_MAX = 64 // .note.gnu.build-id has 18; 65,536 names must stay below 4 MiB
const DEBUG_LINK_BYTES_MAX = 4096 // PATH_MAX
const MANY_SEGMENTS = 0xffff // PN_XNUM: the true number stands in section 0
const NOTE_GNU_BUILD_ID = 3

/** Reads the headers of an ELF file.
 *  out  why it is refused, in one sentence; a damaged section table or note leaves sections or build ID empty, since a
 *       program runs without them
 *  cost two to six small reads; at most 4 MiB for section headers and 4 MiB for their names */
export function readElf(source: ByteSource): Result<ElfFile> {
  return malformedAsFailure(() => {
    const header = readHeader(source)
    const { segments, sections } = readTables(source, header)
    const shape = { source, ...header, segments, sections }
    return { ...shape, buildId: findBuildId(shape), ...findDebugLink(shape) }
  })
}

/** The ELF virtual address of a byte of the file, as it is when mapped; undefined where no segment loads it.
 *  cost O(segments) */
export function addressOfFileOffset(elf: ElfFile, fileOffset: number): number | undefined {
  let found: Segment | undefined
  for (const segment of elf.segments) {
    const isInside = fileOffset >= segment.offset && fileOffset < segment.offset + segment.fileSize
    // One page of the file may be mapped twice, as the end of one segment and the start of the next: code wins.
    if (segment.type === SEGMENT_LOAD && isInside && (!found || segment.flags & SEGMENT_EXECUTABLE))
      found = segment
  }
  return found && fileOffset - found.offset + found.address
}

/** Where in the file the byte of an ELF virtual address lies; undefined where no segment brings it from the file.
 *  cost O(segments) */
export function fileOffsetOfAddress(
  { segments }: Pick<ElfFile, 'segments'>,
  address: number,
): number | undefined {
  for (const segment of segments) {
    const isInside = address >= segment.address && address < segment.address + segment.fileSize
    if (segment.type === SEGMENT_LOAD && isInside) return address - segment.address + segment.offset
  }
  return undefined
}

/** Build ID in a run of notes (`.note.*` sections, /sys/kernel/notes), lower-case hex; "" if there is none.
 *  Damaged notes end the search. */
export function buildIdOfNotes(notes: Uint8Array, isLittleEndian = true): string {
  const cursor = new Cursor(notes, { name: 'notes', isLittleEndian })
  while (cursor.left >= 12) {
    const nameBytes = cursor.u32()
    const valueBytes = cursor.u32()
    const type = cursor.u32()
    if (padded(nameBytes) + valueBytes > cursor.left) return ''
    const name = cursor.bytes(nameBytes)
    cursor.skip(padded(nameBytes) - nameBytes)
    const value = cursor.bytes(valueBytes)
    const isBuildId = type === NOTE_GNU_BUILD_ID && nameBytes === 4 && name[0] === 0x47 // "GNU\0"
    if (isBuildId && name[1] === 0x4e && name[2] === 0x55 && name[3] === 0)
      return valueBytes > 0 && valueBytes <= BUILD_ID_BYTES_MAX ? hexOf(value) : ''
    cursor.skip(Math.min(padded(valueBytes) - valueBytes, cursor.left))
  }
  return ''
}

/** Runs a parser; a MalformedError becomes a failure, everything else is not ours to judge. */
export function malformedAsFailure<T>(parse: () => T): Result<T> {
  try {
    return success(parse())
  } catch (error) {
    if (error instanceof MalformedError) return failure(error.message)
    throw error
  }
}

interface Header {
  readonly is64: boolean
  readonly isLittleEndian: boolean
  readonly machine: number
  readonly entry: number
  readonly segmentTable: { readonly offset: number; readonly count: number; readonly entrySize: number }
  readonly sectionTable: { readonly offset: number; readonly count: number; readonly entrySize: number }
  readonly sectionNames: number
}

function readHeader(source: ByteSource): Header {
  if (source.size < 52) throw new MalformedError(`not an ELF file: ${source.size} bytes, a header has 52`)
  const bytes = source.read(0, Math.min(64, source.size))
  const [first, second, third, fourth, elfClass, order] = bytes
  if (first !== 0x7f || second !== 0x45 || third !== 0x4c || fourth !== 0x46)
    throw new MalformedError('not an ELF file: it does not start with \\x7fELF')
  if (elfClass !== 1 && elfClass !== 2)
    throw new MalformedError(`ELF class ${elfClass} is neither 1 (32 bit) nor 2 (64 bit)`)
  if (order !== 1 && order !== 2)
    throw new MalformedError(`ELF byte order ${order} is neither 1 (little) nor 2 (big endian)`)
  const is64 = elfClass === 2
  const isLittleEndian = order === 1
  const cursor = new Cursor(bytes, { name: 'ELF header', isLittleEndian }).seek(18)
  const word = () => (is64 ? cursor.u64() : cursor.u32())
  const machine = cursor.u16()
  cursor.skip(4)
  const entry = word()
  const segmentOffset = word()
  const sectionOffset = word()
  cursor.skip(6)
  const segmentEntrySize = cursor.u16()
  const segmentCount = cursor.u16()
  const sectionEntrySize = cursor.u16()
  const sectionCount = cursor.u16()
  return {
    is64,
    isLittleEndian,
    machine,
    entry,
    segmentTable: { offset: segmentOffset, count: segmentCount, entrySize: segmentEntrySize },
    sectionTable: { offset: sectionOffset, count: sectionCount, entrySize: sectionEntrySize },
    sectionNames: cursor.u16(),
  }
}

function readTables(source: ByteSource, header: Header) {
  const { is64, isLittleEndian, sectionTable } = header
  let { segmentTable, sectionNames } = header
  let count = sectionTable.count
  const entry = is64 ? 64 : 40
  let sections: readonly Section[] = []
  if (
    sectionTable.offset > 0 &&
    sectionTable.entrySize === entry &&
    sectionTable.offset + entry <= source.size
  ) {
    const bytes = source.read(sectionTable.offset, entry)
    const first = readSection(new Cursor(bytes, { name: 'section 0', isLittleEndian }), is64)
    // More than 65,279 of anything: the true numbers stand in section 0.
    if (count === 0) count = first.size
    if (sectionNames === 0xffff) sectionNames = first.link
    if (segmentTable.count === MANY_SEGMENTS) segmentTable = { ...segmentTable, count: first.info }
    sections = readSections(source, header, { count, sectionNames })
  }
  return { segments: readSegments(source, header, segmentTable), sections }
}

function readSegments(source: ByteSource, header: Header, table: Header['segmentTable']): Segment[] {
  const { is64, isLittleEndian } = header
  const entry = is64 ? 56 : 32
  if (table.count === 0) return []
  if (table.entrySize !== entry)
    throw new MalformedError(`program headers of ${table.entrySize} bytes, expected ${entry}`)
  if (table.count > SEGMENTS_MAX)
    throw new MalformedError(`${table.count} program headers, at most ${SEGMENTS_MAX} are read`)
  checkRange({ ...table, length: table.count * entry, size: source.size, name: 'program headers' })
  const bytes = source.read(table.offset, table.count * entry)
  const cursor = new Cursor(bytes, { name: 'program headers', isLittleEndian })
  return Array.from({ length: table.count }, () => readSegment(cursor, is64))
}

function readSegment(cursor: Cursor, is64: boolean): Segment {
  const type = cursor.u32()
  if (is64) {
    const flags = cursor.u32()
    const offset = cursor.u64()
    const address = cursor.u64()
    cursor.skip(8)
    const fileSize = cursor.u64()
    const memorySize = cursor.u64()
    cursor.skip(8)
    return { type, flags, offset, address, fileSize, memorySize }
  }
  const offset = cursor.u32()
  const address = cursor.u32()
  cursor.skip(4)
  const fileSize = cursor.u32()
  const memorySize = cursor.u32()
  const flags = cursor.u32()
  cursor.skip(4)
  return { type, flags, offset, address, fileSize, memorySize }
}

/** Sections are for tools, a program runs without them: a broken table counts as none. */
function readSections(
  source: ByteSource,
  { is64, isLittleEndian, sectionTable }: Header,
  { count, sectionNames }: { readonly count: number; readonly sectionNames: number },
): readonly Section[] {
  const entry = is64 ? 64 : 40
  if (count > SECTIONS_MAX || sectionTable.offset > source.size - count * entry) return []
  const bytes = source.read(sectionTable.offset, count * entry)
  const cursor = new Cursor(bytes, { name: 'section headers', isLittleEndian })
  const read = malformedAsFailure(() => Array.from({ length: count }, () => readSection(cursor, is64)))
  if (!read.ok) return []
  const names = stringTable(source, read.value[sectionNames], isLittleEndian)
  return read.value.map(({ nameOffset, ...section }) => ({
    ...section,
    name: names && nameOffset < names.size ? names.seek(nameOffset).string(SECTION_NAME_BYTES_MAX) : '',
  }))
}

function readSection(cursor: Cursor, is64: boolean) {
  const word = () => (is64 ? cursor.u64() : cursor.u32())
  const nameOffset = cursor.u32()
  const type = cursor.u32()
  const flags = word()
  const address = word()
  const offset = word()
  const size = word()
  const link = cursor.u32()
  const info = cursor.u32()
  word() // alignment
  return { name: '', nameOffset, type, flags, address, offset, size, link, info, entrySize: word() }
}

function stringTable(
  source: ByteSource,
  section: Section | undefined,
  isLittleEndian: boolean,
): Cursor | undefined {
  if (section === undefined || section.type === SECTION_NOBITS || section.size > SECTION_NAMES_BYTES_MAX)
    return undefined
  if (section.offset > source.size - section.size) return undefined
  return new Cursor(source.read(section.offset, section.size), { name: 'section names', isLittleEndian })
}

type Shape = Omit<ElfFile, 'buildId' | 'debugLink' | 'debugLinkCrc'>

function findBuildId({ source, segments, sections, isLittleEndian }: Shape): string {
  const segmentRanges = segments.filter((segment) => segment.type === SEGMENT_NOTE)
  const ranges = [
    ...segmentRanges.map(({ offset, fileSize }) => ({ offset, size: fileSize })),
    ...sections.filter((section) => section.type === SECTION_NOTE),
  ]
  let left = NOTES_BYTES_MAX
  for (const { offset, size } of ranges) {
    const length = Math.min(size, left, source.size - offset)
    if (length <= 0) continue
    left -= length
    const buildId = buildIdOfNotes(source.read(offset, length), isLittleEndian)
    if (buildId !== '') return buildId
  }
  return ''
}

/** `name\0`, padded to four bytes, and the CRC-32 of the file of that name. */
function findDebugLink({ source, sections, isLittleEndian }: Shape) {
  const none = { debugLink: '', debugLinkCrc: 0 }
  const section = sections.find(({ name }) => name === '.gnu_debuglink')
  if (section === undefined || section.type === SECTION_NOBITS) return none
  const length = Math.min(section.size, DEBUG_LINK_BYTES_MAX, source.size - section.offset)
  if (length <= 0) return none
  const cursor = new Cursor(source.read(section.offset, length), { name: section.name, isLittleEndian })
  const debugLink = cursor.string(DEBUG_LINK_BYTES_MAX)
  const crcAt = padded(cursor.at)
  return crcAt + 4 > cursor.size ? none : { debugLink, debugLinkCrc: cursor.seek(crcAt).u32() }
}

const padded = (length: number) => Math.ceil(length / 4) * 4

function hexOf(bytes: Uint8Array): string {
  let hex = ''
  for (const byte of bytes) hex += byte.toString(16).padStart(2, '0')
  return hex
}

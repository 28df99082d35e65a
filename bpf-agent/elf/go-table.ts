// Where does a Go program keep its functions? In the table that its own stack traces are written from: it survives
// `strip`, and no Go program runs without it. Its header and the place of its parts; look-ups are go-functions.ts.
// Takes the layouts since Go 1.2: magic numbers of 1.2, 1.16, 1.18 and 1.20.
// Refuses what does not begin like one, and a table whose functions have no known place.
//
//   header │ names │ files of each package │ paths │ pc tables │ function table, functions
//            1.2 has no parts: all places count from the header; since 1.16 the header says where each part begins
import { failure, type Result, success } from '#profile/model/result'
import type { Part } from './byte-source.ts'
import { MalformedError, wordAt } from './cursor.ts'
import {
  type ElfFile,
  malformedAsFailure,
  SECTION_NOBITS,
  SEGMENT_LOAD,
  SEGMENT_NOTE,
  SEGMENT_WRITABLE,
} from './elf-file.ts'
import { findGoModule } from './go-module.ts'
import { type PagedSource, pagedSource } from './paged-source.ts'

export type GoVersion = 2 | 16 | 18 | 20

export interface GoTable {
  readonly source: PagedSource
  readonly isLittleEndian: boolean
  /** Minor version of Go 1 that brought the layout. */
  readonly version: GoVersion
  readonly pointerBytes: 4 | 8
  /** Bytes of the smallest instruction: what steps of the pc tables count. */
  readonly quantum: number
  /** Functions. */
  readonly count: number
  /** ELF address that entries of functions count from. */
  readonly text: number
  readonly names: Part
  /** Files of each package, 4 bytes each; in 1.2 the only table of files. */
  readonly fileTable: Part
  readonly paths: Part
  readonly pcTables: Part
  /** Pairs of entry and place, ascending, and one more entry: the end of the last function. */
  readonly functionTable: Part
  /** What places of functions count from. */
  readonly functions: Part
  /** Where trees of inlined calls lie; undefined: unknown, or before 1.18. */
  readonly inlineTrees: Part | undefined
}

const HEADER_BYTES_MAX = 8 + 8 * 8
const FUNCTIONS_MAX = 16 * 1024 * 1024 // the largest known programs have 1.5 M
const SCANNED_BYTES_MAX = 64 * 1024 * 1024
const CHUNK_BYTES = 256 * 1024
const ALIGNMENT = 8
const CANDIDATES_MAX = 64 // a file may be full of magic numbers
const NOTES_BYTES_MAX = 64 * 1024
const VERSIONS: ReadonlyMap<number, GoVersion> = new Map([
  [0xffff_fffb, 2],
  [0xffff_fffa, 16],
  [0xffff_fff0, 18],
  [0xffff_fff1, 20],
])

/** Finds the function table of a Go program.
 *  out  undefined: no Go program; a failure says what is broken
 *  cost a few reads; where sections are missing or merged, a scan of at most 64 MiB. The table keeps at most 256 KiB */
export function readGoTable(elf: ElfFile): Result<GoTable | undefined> {
  const slices = goTableInSlices(elf)
  for (;;) {
    const slice = slices.next()
    if (slice.done) return slice.value
  }
}

/** As `readGoTable`, a slice of about a millisecond at a time. */
export function* goTableInSlices(elf: ElfFile): Generator<void, Result<GoTable | undefined>, void> {
  try {
    if (!isGo(elf)) return success(undefined)
    const place = placeBySection(elf) ?? (yield* placeByScan(elf))
    if (place === undefined) return failure('a Go program without a table of functions')
    return success(yield* readTable(elf, place))
  } catch (error) {
    if (error instanceof MalformedError) return failure(error.message)
    throw error
  }
}

interface Place extends Part {
  readonly address: number
}

/** Whether Go's linker made it: it leaves sections and notes of its own name. Throws MalformedError */
export function isGo({ sections, segments, source }: ElfFile): boolean {
  if (
    sections.some(({ name }) => /^[.](note[.]go[.]|go[.]|gopclntab|data[.]rel[.]ro[.]gopclntab)/.test(name))
  )
    return true
  const note = [4, 0, 0, 0, 0x47, 0x6f, 0, 0] // type 4 of "Go"
  let left = NOTES_BYTES_MAX
  return segments.some(({ type, offset, fileSize }) => {
    const length = Math.min(fileSize, left, source.size - offset)
    if (type !== SEGMENT_NOTE || length <= 0) return false
    left -= length
    const notes = source.read(offset, length)
    return notes.some((_, i) => note.every((byte, j) => notes[i + j] === byte))
  })
}

function placeBySection(elf: ElfFile): Place | undefined {
  const found = elf.sections.find(({ name, type }) => name.endsWith('.gopclntab') && type !== SECTION_NOBITS)
  return found && { address: found.address, offset: found.offset, size: found.size }
}

/** Position-independent programs of some linkers carry the table inside `.data.rel.ro`, others have no sections left. */
function* placeByScan(elf: ElfFile): Generator<void, Place | undefined, void> {
  let left = SCANNED_BYTES_MAX
  let candidates = 0
  const loaded = elf.segments.filter(({ type, fileSize }) => type === SEGMENT_LOAD && fileSize > 0)
  // Data that is never written first: there it lies in nearly all programs.
  for (const segment of [...loaded].sort(
    (one, other) => (one.flags & SEGMENT_WRITABLE) - (other.flags & SEGMENT_WRITABLE),
  )) {
    const size = Math.min(segment.fileSize, elf.source.size - segment.offset)
    for (let start = 0; start + HEADER_BYTES_MAX <= size && left > 0; start += CHUNK_BYTES) {
      yield
      const length = Math.min(CHUNK_BYTES, size - start)
      left -= length
      const bytes = elf.source.read(segment.offset + start, length)
      for (const at of headersIn(bytes, elf.isLittleEndian)) {
        if (++candidates > CANDIDATES_MAX) return undefined
        const place = {
          address: segment.address + start + at,
          offset: segment.offset + start + at,
          size: size - start - at,
        }
        if (malformedAsFailure(() => readHeader(elf, place)).ok) return place
      }
    }
  }
  return undefined
}

function* headersIn(bytes: Uint8Array, isLittleEndian: boolean): Generator<number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 0; at + ALIGNMENT <= bytes.length; at += ALIGNMENT) {
    const magic = view.getUint32(at, isLittleEndian)
    if (magic >= 0xffff_fff0 && VERSIONS.has(magic) && isHeaderRest(bytes, at)) yield at
  }
}

/** Whether 0, 0, quantum and bytes of a pointer follow a magic number: data are full of small negative numbers. */
function isHeaderRest(bytes: Uint8Array, at: number): boolean {
  const [first, second, quantum = 0, pointerBytes] = bytes.subarray(at + 4, at + 8)
  return (
    first === 0 && second === 0 && [1, 2, 4].includes(quantum) && (pointerBytes === 4 || pointerBytes === 8)
  )
}

interface Header extends Omit<GoTable, 'text' | 'inlineTrees' | 'source'> {
  /** What the header itself says of the beginning of the code; 0: nothing. */
  readonly textStart: number
}

function* readTable(elf: ElfFile, place: Place): Generator<void, GoTable, void> {
  const { textStart, ...header } = readHeader(elf, place)
  const source = pagedSource(elf.source)
  // Entries of old tables are addresses themselves, known without the module's data if they needed no relocation.
  if (header.version < 18) {
    const { offset, size } = header.functionTable
    const first = source.read(offset, Math.min(8, size)).every((byte) => byte === 0)
    if (first)
      throw new MalformedError(
        'a relocatable Go program older than Go 1.18: its functions have no addresses yet',
      )
    return { ...header, source, text: 0, inlineTrees: undefined }
  }
  const module = yield* findGoModule(elf, { table: place.address, ...header })
  const text = module?.text ?? textStart
  if (text === 0) throw new MalformedError('a Go program that does not tell where its code begins')
  return { ...header, source, text, inlineTrees: module?.inlineTrees }
}

/** 8 bytes {magic, 0, 0, quantum, bytes of a pointer}, then words. Throws MalformedError unless all parts lie in place. */
function readHeader(elf: ElfFile, place: Place): Header {
  const { isLittleEndian } = elf
  const bytes = elf.source.read(place.offset, Math.min(place.size, HEADER_BYTES_MAX))
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const version = bytes.length < 16 ? undefined : VERSIONS.get(view.getUint32(0, isLittleEndian))
  const [quantum = 0, pointerBytes = 0] = bytes.subarray(6, 8)
  const isHeader = isHeaderRest(bytes, 0) && pointerBytes === (elf.is64 ? 8 : 4)
  if (version === undefined || !isHeader) throw new MalformedError('no table of Go functions')
  const word = (index: number) => wordAt(view, 8 + index * pointerBytes, pointerBytes, isLittleEndian)
  const head = { isLittleEndian, version, pointerBytes: elf.is64 ? 8 : 4, quantum, count: word(0) } as const
  if (!(head.count > 0 && head.count <= FUNCTIONS_MAX))
    throw new MalformedError(`a Go program of ${head.count} functions, at most ${FUNCTIONS_MAX} are read`)
  const part = (offset: number, size = place.size - offset): Part => {
    if (!(offset >= 0 && size >= 0 && offset + size <= place.size))
      throw new MalformedError(`table of Go functions: bytes ${offset} to ${offset + size} of ${place.size}`)
    return { offset: place.offset + offset, size }
  }
  const field = version < 18 ? pointerBytes : 4
  const functionBytes = (2 * head.count + 1) * field
  if (version === 2) {
    const functionTable = part(8 + pointerBytes, functionBytes)
    const all = part(0)
    const fileTable = part(numberAfter(elf, functionTable))
    return {
      ...head,
      textStart: 0,
      names: all,
      fileTable,
      paths: all,
      pcTables: all,
      functionTable,
      functions: all,
    }
  }
  const first = version === 16 ? 2 : 3 // since 1.18 a word more: where the code begins
  const [names, fileTable, paths, pcTables, functions] = [0, 1, 2, 3, 4].map((i) => word(first + i)) as [
    number,
    number,
    number,
    number,
    number, // biome-ignore format: one line
  ]
  return {
    ...head,
    textStart: version === 16 ? 0 : word(2),
    names: part(names, fileTable - names),
    fileTable: part(fileTable, paths - fileTable),
    paths: part(paths, pcTables - paths),
    pcTables: part(pcTables, functions - pcTables),
    functionTable: part(functions, functionBytes),
    functions: part(functions),
  }
}

function numberAfter(elf: ElfFile, { offset, size }: Part): number {
  const bytes = elf.source.read(offset + size, 4)
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, elf.isLittleEndian)
}

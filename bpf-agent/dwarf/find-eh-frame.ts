// Where are the rows of a binary? In the section .eh_frame; where a binary has lost its section headers, behind the
// pointer that the loader's index begins with (PT_GNU_EH_FRAME). Refuses machines that are not unwound, and tables of
// more than 64 MiB.
import { failure, type Result } from '#profile/model/result'
import { Cursor, MalformedError } from '../elf/cursor.ts'
import {
  type ElfFile,
  malformedAsFailure,
  SECTION_NOBITS,
  SEGMENT_EXECUTABLE,
  SEGMENT_LOAD,
  type Segment,
} from '../elf/elf-file.ts'
import { type Architecture, architectureOf } from './architecture.ts'
import { isReadable, readPointer } from './pointer.ts'

export interface EhFrame extends Omit<EhFramePlace, 'offset' | 'size'> {
  readonly bytes: Uint8Array
}

/** Where it is, before anything of it is read. */
export interface EhFramePlace {
  /** In the file; at most 64 MiB. */
  readonly offset: number
  readonly size: number
  /** ELF virtual address of the first byte. */
  readonly address: number
  readonly architecture: Architecture
  /** Found without a section header: its end is not known, a terminator ends it. */
  readonly isOpenEnded: boolean
  /** ELF virtual addresses between which all executable segments lie. */
  readonly textStart: number
  readonly textEnd: number
}

const SEGMENT_EH_FRAME = 0x6474e550 // PT_GNU_EH_FRAME
const EH_FRAME_BYTES_MAX = 64 * 1024 * 1024 // Chromium has 1, libLLVM 5, the largest binaries known some 40 MiB
const INDEX_HEAD_BYTES = 12 // version, three encodings, a pointer of at most 8 bytes

/** out   undefined: the binary has no code; no bytes: it has no table, its stacks go by frame pointers
 *        failure: why it is refused
 *  cost  reads the whole table into memory */
export function findEhFrame(elf: ElfFile): Result<EhFrame | undefined> {
  const found = placeEhFrame(elf)
  if (!found.ok || found.value === undefined) return found as Result<undefined>
  const { offset, size, ...place } = found.value
  return malformedAsFailure(() => ({ ...place, bytes: elf.source.read(offset, size) }))
}

/** As `findEhFrame`, without reading the table: a few bytes at most. */
export function placeEhFrame(elf: ElfFile): Result<EhFramePlace | undefined> {
  const architecture = architectureOf(elf.machine)
  if (architecture === undefined || !elf.is64 || !elf.isLittleEndian)
    return failure(
      `machine ${elf.machine}, ${elf.is64 ? 64 : 32} bit: unwind tables are read of x86-64 (62) and arm64 (183)`,
    )
  return malformedAsFailure(() => {
    const text = textOf(elf)
    if (text === undefined) return undefined
    const { offset, size, address, isOpenEnded } = placeOfSection(elf) ?? placeByIndex(elf) ?? NOWHERE
    if (!isOpenEnded && size > EH_FRAME_BYTES_MAX)
      throw new MalformedError(
        `.eh_frame has ${size} bytes, at most ${EH_FRAME_BYTES_MAX} are read; its stacks go by frame pointers`,
      )
    return { offset, size: Math.min(size, EH_FRAME_BYTES_MAX), address, isOpenEnded, architecture, ...text }
  })
}

interface Place {
  readonly offset: number
  readonly size: number
  readonly address: number
  readonly isOpenEnded: boolean
}

const NOWHERE: Place = { offset: 0, size: 0, address: 0, isOpenEnded: false }

function textOf({ segments }: ElfFile): { readonly textStart: number; readonly textEnd: number } | undefined {
  let textStart = Number.POSITIVE_INFINITY
  let textEnd = 0
  for (const { type, flags, address, memorySize } of segments) {
    if (type !== SEGMENT_LOAD || (flags & SEGMENT_EXECUTABLE) === 0) continue
    textStart = Math.min(textStart, address)
    textEnd = Math.max(textEnd, address + memorySize)
  }
  return textStart < textEnd ? { textStart, textEnd } : undefined
}

function placeOfSection({ sections }: ElfFile): Place | undefined {
  // A debug file has the header too, without the bytes; linkers give the section one of two types.
  const section = sections.find(({ name, type }) => name === '.eh_frame' && type !== SECTION_NOBITS)
  if (section === undefined || section.size === 0) return undefined
  return { offset: section.offset, size: section.size, address: section.address, isOpenEnded: false }
}

/** .eh_frame_hdr: version 1, encodings of pointer, count and index, pointer to .eh_frame. The index is not needed. */
function placeByIndex({ source, segments }: ElfFile): Place | undefined {
  const index = segments.find(({ type }) => type === SEGMENT_EH_FRAME)
  if (index === undefined || index.fileSize < INDEX_HEAD_BYTES) return undefined
  const cursor = new Cursor(source.read(index.offset, INDEX_HEAD_BYTES), {
    name: '.eh_frame_hdr',
    isLittleEndian: true,
  })
  const version = cursor.u8()
  const encoding = cursor.u8()
  if (version !== 1 || !isReadable(encoding)) return undefined
  const address = readPointer(cursor.skip(2), encoding, index.address)
  const segment = segments.find((segment) => holds(segment, address))
  if (segment === undefined) return undefined
  const into = address - segment.address
  return { offset: segment.offset + into, size: segment.fileSize - into, address, isOpenEnded: true }
}

const holds = ({ type, address, fileSize }: Segment, wanted: number) =>
  type === SEGMENT_LOAD && wanted >= address && wanted < address + fileSize

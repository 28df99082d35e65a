// Where does the code begin and end that an address lies in? By the sorted table that linkers write for exceptions,
// `.eh_frame_hdr`: it knows the parts of stripped functions too, each as a range of its own.
import { type ByteSource, checkRange } from './byte-source.ts'
import { type ElfFile, fileOffsetOfAddress } from './elf-file.ts'

export interface CodeRange {
  readonly start: number
  /** Where the next code begins. */
  readonly end: number
}

const SEGMENT_EH_FRAME = 0x6474e550 // PT_GNU_EH_FRAME
const HEAD_BYTES = 12
// Version 1; how the pointer to the frames is written; count as u32; pairs of s32, counted from the section's start.
const COUNT_U32 = 0x03
const PAIRS_S32_FROM_SECTION = 0x3b
const RANGES_MAX = 1024 * 1024

/** Starts of all ranges, ascending, as ELF addresses; empty where the file has no such table, or another form of it.
 *  cost one read of 8 bytes per range.  throws  what the source throws; MalformedError */
export function codeStarts(elf: ElfFile): Float64Array {
  const segment = elf.segments.find(({ type }) => type === SEGMENT_EH_FRAME)
  const at = segment && fileOffsetOfAddress(elf, segment.address)
  if (segment === undefined || at === undefined || segment.fileSize < HEAD_BYTES) return new Float64Array()
  const head = viewOf(elf.source, at, HEAD_BYTES)
  const isKnown = head.getUint8(0) === 1 && head.getUint8(2) === COUNT_U32
  const count = head.getUint32(8, true)
  if (!isKnown || head.getUint8(3) !== PAIRS_S32_FROM_SECTION || count > RANGES_MAX) return new Float64Array()
  checkRange({ offset: HEAD_BYTES, length: 8 * count, size: segment.fileSize, name: '.eh_frame_hdr' })
  const pairs = viewOf(elf.source, at + HEAD_BYTES, 8 * count)
  return Float64Array.from({ length: count }, (_, i) => segment.address + pairs.getInt32(8 * i, true)).sort()
}

/** The range that holds an address; undefined before the first, and in the last, whose end nobody says. */
export function rangeAround(starts: Float64Array, address: number): CodeRange | undefined {
  let low = 0
  let high = starts.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (starts[middle]! <= address) low = middle + 1
    else high = middle
  }
  return low === 0 || low === starts.length ? undefined : { start: starts[low - 1]!, end: starts[low]! }
}

function viewOf(source: ByteSource, offset: number, length: number): DataView {
  const bytes = source.read(offset, length)
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

// Where does the function begin that holds an address, in a binary that has lost its symbols? Tables that unwind stacks
// outlive `strip`, and with them a sorted index of all functions, `.eh_frame_hdr`. It is searched in the file; none of it stays.
// Refuses other encodings than the one that every linker writes, and an entry that its function does not confirm.
// Source: the `.eh_frame_hdr` chapter of the Linux Standard Base.
import type { Result } from '#profile/model/result'
import { Cursor } from './cursor.ts'
import { type ElfFile, fileOffsetOfAddress, malformedAsFailure, SEGMENT_LOAD } from './elf-file.ts'

export interface Extent {
  readonly start: number
  /** The first address behind the function. */
  readonly end: number
}

export interface FunctionIndex {
  /** The function at an ELF address; undefined: none that the index knows.
   *  Throws what the file throws, MalformedError included.  cost some ten short reads, 20 µs */
  extentAt(address: number): Extent | undefined
}

const SEGMENT_EH_FRAME = 0x6474e550
const HEAD_BYTES = 12
const ENTRY_BYTES = 8
const BLOCK_ENTRIES = 512 // so many are read at once
const FUNCTION_HEAD_BYTES = 16 // length, place of the CIE, begin, range
const VERSION = 1
const PCREL_SDATA4 = 0x1b
const UDATA4 = 0x03
const DATAREL_SDATA4 = 0x3b

/** out   undefined: there is no index, or none of the usual shape;  a failure says what is broken */
export function readFunctionIndex(elf: ElfFile): Result<FunctionIndex | undefined> {
  return malformedAsFailure(() => {
    const place = elf.segments.find(({ type }) => type === SEGMENT_EH_FRAME)
    if (!elf.is64 || !elf.isLittleEndian || place === undefined || place.fileSize < HEAD_BYTES)
      return undefined
    const { source } = elf
    // Of the file only this stays: thousands of sections must not.
    const loaded = { segments: elf.segments.filter(({ type }) => type === SEGMENT_LOAD) }
    const cursorAt = (offset: number, length: number) =>
      new Cursor(source.read(offset, length), { name: '.eh_frame_hdr', isLittleEndian: true })
    const head = cursorAt(place.offset, HEAD_BYTES)
    const shape = [head.u8(), head.u8(), head.u8(), head.u8()]
    if ([VERSION, PCREL_SDATA4, UDATA4, DATAREL_SDATA4].some((value, i) => value !== shape[i]))
      return undefined
    const count = Math.min(head.skip(4).u32(), Math.floor((place.fileSize - HEAD_BYTES) / ENTRY_BYTES))

    const entriesAt = (first: number, entries: number) =>
      cursorAt(place.offset + HEAD_BYTES + first * ENTRY_BYTES, entries * ENTRY_BYTES)
    const signed = (cursor: Cursor) => cursor.u32() | 0

    /** The last entry at or before an address: its start, and where its description stands. */
    function entryFor(address: number) {
      let [low, high] = [0, count] // the first one behind the address is at `low` to `high`
      while (high - low > BLOCK_ENTRIES) {
        const middle = (low + high) >>> 1
        if (place!.address + signed(entriesAt(middle, 1)) <= address) low = middle
        else high = middle
      }
      const block = entriesAt(low, high - low)
      let found: { readonly start: number; readonly description: number } | undefined
      while (block.left >= ENTRY_BYTES) {
        const start = place!.address + signed(block)
        if (start > address) break
        found = { start, description: place!.address + signed(block) }
      }
      return found
    }

    function extentAt(address: number): Extent | undefined {
      const found = entryFor(address)
      const offset = found && fileOffsetOfAddress(loaded, found.description)
      if (offset === undefined) return undefined
      const { start, description } = found!
      const cursor = cursorAt(offset, FUNCTION_HEAD_BYTES).seek(8)
      const begin = description + 8 + signed(cursor)
      const end = start + cursor.u32()
      return begin === start && address < end ? { start, end } : undefined
    }

    return { extentAt }
  })
}

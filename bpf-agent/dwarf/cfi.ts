// What stands in .eh_frame? A chain of entries: CIEs, what many functions share, and FDEs, one per function (or piece of
// one), each pointing back at its CIE. This reads their heads; `cfa-program.ts` runs their programs.
//
//   CIE  length 0           version augmentation code_align data_align ra_column [aug. data] program
//   FDE  length back_to_CIE first_address range [aug. data] program
//   …
//   0    a terminator, where one linked file ends: not the end of the section
//
// Source: the .eh_frame chapter of the Linux Standard Base, and DWARF 5, section 6.4.
import { type Cursor, MalformedError } from '../elf/cursor.ts'
import type { RefusedReason } from './compiled-table.ts'
import { isReadable, readPointer, readValue, sleb } from './pointer.ts'

/** What functions share. Programs are byte ranges of the section. */
export interface Cie {
  /** Set: nothing of it can be used, for this reason; its FDEs count under it. */
  readonly refused: RefusedReason | undefined
  readonly codeAlign: number
  readonly dataAlign: number
  readonly returnAddressColumn: number
  readonly pointerEncoding: number
  /** FDEs say how long their augmentation data are. */
  readonly isAugmented: boolean
  /** Its functions are trampolines of signals. */
  readonly isSignal: boolean
  readonly programStart: number
  readonly programEnd: number
}

const EXTENDED = 0xffffffff // the true length follows in 8 bytes
/** Stands for a CIE that cannot be used. */
export const REFUSED_CIE: Cie = {
  refused: 'encoding',
  codeAlign: 1,
  dataAlign: 1,
  returnAddressColumn: 0,
  pointerEncoding: 0,
  isAugmented: false,
  isSignal: false,
  programStart: 0,
  programEnd: 0,
}

/** One entry after the other; the object is reused, its fields hold the entry read last. */
export class Entries {
  readonly #cursor: Cursor
  /** Offset of the entry in the section: CIEs are known by it. */
  offset = 0
  /** The bytes behind length and ID. */
  bodyStart = 0
  /** Offset behind the entry. */
  end = 0
  /** Offset of the FDE's CIE; -1: this is a CIE. */
  cieOffset = -1

  constructor(cursor: Cursor) {
    this.#cursor = cursor
  }

  /** Reads the head of the entry at `offset`.
   *  out     false: a terminator, of 4 bytes
   *  throws  MalformedError when it does not end inside the section */
  readAt(offset: number): boolean {
    const cursor = this.#cursor.seek(offset)
    this.offset = offset
    let length = cursor.u32()
    if (length === 0) {
      this.end = cursor.at
      return false
    }
    if (length === EXTENDED) length = cursor.u64()
    this.end = cursor.at + length
    if (length < 4 || length > cursor.left)
      throw new MalformedError(`entry at ${offset} has ${length} bytes, ${cursor.left} are left`)
    const idAt = cursor.at
    const back = cursor.u32() // 4 bytes here, behind an extended length too
    this.cieOffset = back === 0 ? -1 : idAt - back
    this.bodyStart = cursor.at
    return true
  }
}

/** Reads a CIE behind its ID.
 *  out  `refused` is set when its FDEs cannot be read.     throws  MalformedError */
export function readCie(cursor: Cursor, { bodyStart, end }: Entries): Cie {
  const version = cursor.seek(bodyStart).u8()
  if (version !== 1 && version !== 3) return REFUSED_CIE
  const augmentation = readAugmentation(cursor)
  if (augmentation === undefined) return REFUSED_CIE
  const codeAlign = cursor.uleb()
  const dataAlign = sleb(cursor)
  const returnAddressColumn = version === 1 ? cursor.u8() : cursor.uleb()
  let pointerEncoding = 0
  let isSignal = false
  let programStart = cursor.at
  if (augmentation !== '') {
    const dataBytes = cursor.uleb()
    programStart = cursor.at + dataBytes
    for (const letter of augmentation.slice(1)) {
      if (letter === 'R') pointerEncoding = cursor.u8()
      else if (letter === 'S') isSignal = true
      else if (letter === 'L') cursor.u8()
      else if (letter === 'P') readValue(cursor, cursor.u8())
      else if (letter !== 'B' && letter !== 'G') return REFUSED_CIE // arm64: key B signs, frames are tagged
    }
    if (cursor.at > programStart) throw new MalformedError('augmentation data end behind their length')
  }
  if (programStart > end) throw new MalformedError('CIE ends behind its length')
  if (!isReadable(pointerEncoding)) return REFUSED_CIE
  return {
    refused: undefined,
    codeAlign,
    dataAlign,
    returnAddressColumn,
    pointerEncoding,
    isAugmented: augmentation !== '',
    isSignal,
    programStart,
    programEnd: end,
  }
}

/** First address of an FDE, as an ELF virtual address; the cursor stands behind it.
 *  in  address  of the section.     throws  MalformedError */
export function readFdeStart(
  cursor: Cursor,
  { bodyStart }: Entries,
  { cie, address }: { readonly cie: Cie; readonly address: number },
): number {
  return readPointer(cursor.seek(bodyStart), cie.pointerEncoding, address)
}

/** Bytes of code an FDE covers; the cursor, behind the first address before, stands at the FDE's program then. */
export function readFdeRange(cursor: Cursor, { end }: Entries, cie: Cie): number {
  const range = readValue(cursor, cie.pointerEncoding)
  if (cie.isAugmented) {
    const dataBytes = cursor.uleb()
    cursor.skip(dataBytes)
  }
  if (cursor.at > end) throw new MalformedError('FDE ends behind its length')
  return range
}

/** "" or one that begins with z, whose data can be skipped; undefined: any other. */
function readAugmentation(cursor: Cursor): string | undefined {
  const text = cursor.string(16) // zPLR and friends
  return text === '' || text.startsWith('z') ? text : undefined
}

// Where does a pointer of .eh_frame lead? One byte of the CIE says how its pointers are written: a format, and what is
// added to it. Refuses what needs a relocation, the text's or the data's base, or a look into memory.
// Source: the DWARF extensions chapter of the Linux Standard Base.
import { type Cursor, MalformedError } from '../elf/cursor.ts'

const FORMAT = 0x0f
const ADDED = 0x70
const ABSOLUTE = 0x00
const PC_RELATIVE = 0x10
const INDIRECT = 0x80
const OMITTED = 0xff

/** Whether `readPointer` can read this encoding. */
export function isReadable(encoding: number): boolean {
  const added = encoding & ADDED
  return (
    encoding !== OMITTED &&
    (encoding & INDIRECT) === 0 &&
    (added === ABSOLUTE || added === PC_RELATIVE) &&
    (formatBytes(encoding) !== 0 || (encoding & FORMAT) === 1 || (encoding & FORMAT) === 9)
  )
}

/** A value of the encoding's format, nothing added: how an FDE gives the length of its range, unsigned there.
 *  throws  MalformedError at the end of the bytes, and for a number above 2^53 */
export function readValue(cursor: Cursor, encoding: number): number {
  switch (encoding & FORMAT) {
    case 0x00:
    case 0x04:
    case 0x0c:
      return s64(cursor)
    case 0x01:
      return cursor.uleb()
    case 0x02:
      return cursor.u16()
    case 0x03:
      return cursor.u32()
    case 0x09:
      return sleb(cursor)
    case 0x0a:
      return (cursor.u16() << 16) >> 16
    case 0x0b:
      return cursor.u32() | 0
    default:
      throw new MalformedError(`pointer encoding 0x${encoding.toString(16)} is not one of the known`)
  }
}

/** A pointer as an ELF virtual address.
 *  in  address  of the cursor's first byte */
export function readPointer(cursor: Cursor, encoding: number, address: number): number {
  const place = address + cursor.at
  const value = readValue(cursor, encoding)
  return (encoding & ADDED) === PC_RELATIVE ? place + value : value
}

/** Signed LEB128 of at most 10 bytes.  throws  MalformedError beyond 2^53 on either side */
export function sleb(cursor: Cursor): number {
  const first = cursor.u8()
  if (first < 0x80) return (first << 25) >> 25 // nearly always
  let value = first & 0x7f
  for (let shift = 7; shift < 70; shift += 7) {
    const byte = cursor.u8()
    if (byte < 0x80) {
      value += ((byte << 25) >> 25) * 2 ** shift
      if (!Number.isSafeInteger(value))
        throw new MalformedError(`LEB128 before ${cursor.at} lies beyond 2^53`)
      return value
    }
    value += (byte & 0x7f) * 2 ** shift
  }
  throw new MalformedError(`LEB128 before ${cursor.at} is longer than 10 bytes`)
}

/** Bytes of a format of fixed length; 0 of all others. */
function formatBytes(encoding: number): number {
  switch (encoding & FORMAT) {
    case 0x02:
    case 0x0a:
      return 2
    case 0x03:
    case 0x0b:
      return 4
    case 0x00:
    case 0x04:
    case 0x0c:
      return 8
    default:
      return 0
  }
}

/** 8 bytes with sign: a distance may be negative, and no address of user space has the top bit. */
function s64(cursor: Cursor): number {
  const low = cursor.u32()
  const high = cursor.u32() | 0
  const value = high * 2 ** 32 + low
  if (!Number.isSafeInteger(value)) throw new MalformedError(`number before ${cursor.at} lies beyond 2^53`)
  return value
}

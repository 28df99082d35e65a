// Where do the bytes of a binary come from? From a file, from memory, from a test: parsers see only this.
import { Cursor, MalformedError } from './cursor.ts'

/** Random access to bytes that may change or vanish under us. */
export interface ByteSource {
  readonly size: number
  /** Exactly `length` bytes, owned by the caller. Throws MalformedError when the source is shorter, whatever the file
   *  system throws when it fails. */
  read(offset: number, length: number): Uint8Array
}

/** A range of a source. */
export interface Part {
  readonly offset: number
  readonly size: number
}

/** Bytes in memory as a source. */
export function bytesSource(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    read(offset, length) {
      checkRange({ offset, length, size: bytes.length, name: 'file' })
      return bytes.subarray(offset, offset + length)
    },
  }
}

/** Throws MalformedError unless offset … offset + length lies inside size. */
export function checkRange(range: {
  readonly offset: number
  readonly length: number
  readonly size: number
  readonly name: string
}): void {
  const { offset, length, size, name } = range
  const isInside =
    Number.isSafeInteger(offset) &&
    Number.isSafeInteger(length) &&
    offset >= 0 &&
    length >= 0 &&
    offset <= size - length
  if (!isInside)
    throw new MalformedError(`${name}: bytes ${offset} to ${offset + length} lie outside its ${size} bytes`)
}

const TEXT_BYTES_MAX = 4096
const TEXT_BYTES_GUESS = 128 // longer than nearly every name: one read is enough

/** The NUL-terminated text at a place of a table of texts, UTF-8 or replaced; "" outside of the table. More than 4096
 *  bytes are cut.
 *  in   table  where the texts lie in the source
 *  cost one short read. Throws what the source throws */
export function textAt(source: ByteSource, table: Part, place: number): string {
  const length = Math.min(TEXT_BYTES_MAX, table.size - place)
  if (!(length > 0 && place >= 0)) return ''
  const guess = Math.min(TEXT_BYTES_GUESS, length)
  let bytes = source.read(table.offset + place, guess)
  if (guess < length && !bytes.includes(0)) bytes = source.read(table.offset + place, length)
  return new Cursor(bytes, { name: 'text', isLittleEndian: true }).string(length)
}

// Where do the bytes of a binary come from? From a file, from memory, from a test: parsers see only this.
import { MalformedError } from './cursor.ts'

/** Random access to bytes that may change or vanish under us. */
export interface ByteSource {
  readonly size: number
  /** Exactly `length` bytes, owned by the caller. Throws MalformedError when the source is shorter, whatever the file
   *  system throws when it fails. */
  read(offset: number, length: number): Uint8Array
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

// How are foreign bytes read? Through a named cursor with a fixed end: the only bounds check of all parsers here.
// Refuses to read past its end, to jump out of its range, and to make a number above 2^53 out of 8 bytes.

/** What every parser of this folder throws inside, and turns into a Result at its door. */
export class MalformedError extends Error {
  override readonly name = 'MalformedError'
}

export interface CursorShape {
  /** For messages: ".symtab", "program headers". */
  readonly name: string
  readonly isLittleEndian: boolean
}

const utf8 = new TextDecoder() // replaces what is not UTF-8

/** Reads numbers and strings one after the other. Every method throws MalformedError at the end of the bytes.
 *  cost no allocation but for strings */
export class Cursor {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #name: string
  readonly #isLittleEndian: boolean
  #at = 0

  constructor(bytes: Uint8Array, { name, isLittleEndian }: CursorShape) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#name = name
    this.#isLittleEndian = isLittleEndian
  }

  get at(): number {
    return this.#at
  }
  get size(): number {
    return this.#bytes.length
  }
  get left(): number {
    return this.#bytes.length - this.#at
  }

  /** Moves to an absolute position; the end itself is allowed. */
  seek(position: number): this {
    if (!Number.isSafeInteger(position) || position < 0 || position > this.#bytes.length)
      throw new MalformedError(
        `${this.#name}: position ${position} lies outside its ${this.#bytes.length} bytes`,
      )
    this.#at = position
    return this
  }

  skip(length: number): this {
    return this.seek(this.#at + length)
  }

  u8(): number {
    return this.#bytes[this.#take(1)]!
  }
  u16(): number {
    return this.#view.getUint16(this.#take(2), this.#isLittleEndian)
  }
  u32(): number {
    return this.#view.getUint32(this.#take(4), this.#isLittleEndian)
  }
  /** 8 bytes as a number; more than 2^53 is refused, no offset or user address is that large. */
  u64(): number {
    const start = this.#take(8)
    const first = this.#view.getUint32(start, this.#isLittleEndian)
    const second = this.#view.getUint32(start + 4, this.#isLittleEndian)
    const value = this.#isLittleEndian ? second * 2 ** 32 + first : first * 2 ** 32 + second
    if (!Number.isSafeInteger(value))
      throw new MalformedError(`${this.#name}: number at ${start} exceeds 2^53`)
    return value
  }

  /** A view, not a copy. */
  bytes(length: number): Uint8Array {
    const start = this.#take(length)
    return this.#bytes.subarray(start, start + length)
  }

  /** Up to the next NUL, which is skipped; UTF-8 or replaced. Longer than `lengthMax` is cut, the position is behind
   *  the cut then. A missing NUL ends at the last byte. */
  string(lengthMax: number): string {
    const limit = Math.min(this.#bytes.length, this.#at + lengthMax)
    let end = this.#at
    while (end < limit && this.#bytes[end] !== 0) end++
    const text = utf8.decode(this.#bytes.subarray(this.#at, end))
    this.#at = Math.min(end + 1, this.#bytes.length)
    return text
  }

  /** Unsigned LEB128 of at most 10 bytes; bits above 2^53 are refused. */
  uleb(): number {
    let value = 0
    for (let i = 0; i < 10; i++) {
      const byte = this.u8()
      value += (byte & 0x7f) * 2 ** (7 * i)
      if (!Number.isSafeInteger(value))
        throw new MalformedError(`${this.#name}: LEB128 before ${this.#at} exceeds 2^53`)
      if ((byte & 0x80) === 0) return value
    }
    throw new MalformedError(`${this.#name}: LEB128 before ${this.#at} is longer than 10 bytes`)
  }

  #take(length: number): number {
    const start = this.#at
    if (!(length >= 0) || length > this.#bytes.length - start)
      throw new MalformedError(
        `${this.#name}: ${length} bytes wanted at ${start}, ${this.#bytes.length - start} left`,
      )
    this.#at = start + length
    return start
  }
}

/** A number as large as a pointer, of 4 or 8 bytes; inexact above 2^53, where nothing lies. */
export function wordAt(view: DataView, at: number, pointerBytes: number, isLittleEndian: boolean): number {
  const first = view.getUint32(at, isLittleEndian)
  if (pointerBytes === 4) return first
  const second = view.getUint32(at + 4, isLittleEndian)
  return isLittleEndian ? second * 2 ** 32 + first : first * 2 ** 32 + second
}

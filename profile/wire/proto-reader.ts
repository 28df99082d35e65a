// What do these protobuf bytes say? One field after the other, inside bounds, without an object per field: the caller
// keeps columns. Generated code makes an object of some 150 bytes from two hostile bytes; this makes none.
// All bounds checks of the binary decoders stand here. Wire format: protobuf.dev/programming-guides/encoding.

export const VARINT = 0
export const FIXED64 = 1
export const LENGTH = 2
const FIXED32 = 5

/** The bytes break the wire format, at `position`. Decoders catch it and answer with a Result. */
export class MalformedBytes extends Error {
  readonly position: number
  constructor(message: string, position: number) {
    super(message)
    this.position = position
  }
}

/** Reads the fields of one message. `next()` reads a whole field, so a field nobody asks for is skipped. */
export class ProtoReader {
  readonly bytes: Uint8Array
  position: number
  end: number
  /** Number and wire type of the field that `next()` read. */
  field = 0
  wire = 0
  /** Its value, a varint or fixed number, as two halves. */
  low = 0
  high = 0
  /** Or its bytes [start, stop), if the wire type is LENGTH. */
  start = 0
  stop = 0

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.bytes = bytes
    this.position = start
    this.end = end
  }

  /** Goes on with another message of the same bytes. */
  enter(start: number, end: number): void {
    this.position = start
    this.end = end
  }

  /** Reads the next field; false at the end of the message. Throws MalformedBytes. */
  next(): boolean {
    if (this.position >= this.end) return false
    const at = this.position
    this.#varint()
    this.field = this.low >>> 3
    this.wire = this.low & 7
    if (this.high !== 0 || this.field === 0) throw new MalformedBytes(`no field number at byte ${at}`, at)
    switch (this.wire) {
      case VARINT:
        this.#varint()
        return true
      case FIXED64:
        this.#fixed64()
        return true
      case LENGTH: {
        this.#varint()
        this.start = this.position
        if (this.high !== 0 || this.low > this.end - this.position)
          throw new MalformedBytes(
            `field ${this.field} at byte ${at} is longer than the ${this.end - this.position} bytes that follow`,
            at,
          )
        this.stop = this.position + this.low
        this.position = this.stop
        return true
      }
      case FIXED32:
        this.#room(4)
        this.position += 4
        return true
      default:
        throw new MalformedBytes(`wire type ${this.wire} at byte ${at}; allowed are 0, 1, 2 and 5`, at)
    }
  }

  /** The number as unsigned; beyond 2^53 it is not exact. */
  unsigned(): number {
    return this.high * 2 ** 32 + this.low
  }

  /** The number as a signed int64 (and int32, which travels sign-extended); beyond ±2^53 it is not exact. */
  signed(): number {
    return (this.high | 0) * 2 ** 32 + this.low
  }

  /** Checks that the field is a message, a text or packed, so that `start` and `stop` are its own. */
  needLength(): void {
    if (this.wire !== LENGTH)
      throw new MalformedBytes(
        `field ${this.field} before byte ${this.position} has wire type ${this.wire}, expected ${LENGTH}`,
        this.position,
      )
  }

  /** Calls `take` for each number of a repeated varint field, packed or not; `low` and `high` hold it. */
  eachVarint(take: () => void): void {
    if (this.wire === VARINT) {
      take()
      return
    }
    this.needLength()
    const { position, end } = this
    this.enter(this.start, this.stop)
    while (this.position < this.end) {
      this.#varint()
      take()
    }
    this.enter(position, end)
  }

  /** Calls `take` for each number of a repeated fixed64 field, packed or not; `low` and `high` hold it. */
  eachFixed64(take: () => void): void {
    if (this.wire === FIXED64) {
      take()
      return
    }
    this.needLength()
    const { position, end } = this
    this.enter(this.start, this.stop)
    while (this.position < this.end) {
      this.#fixed64()
      take()
    }
    this.enter(position, end)
  }

  #room(size: number): void {
    if (this.end - this.position < size)
      throw new MalformedBytes(`the bytes end at ${this.end} inside a number of ${size}`, this.position)
  }

  #fixed64(): void {
    this.#room(8)
    const { bytes, position } = this
    this.low = littleEndian(bytes, position)
    this.high = littleEndian(bytes, position + 4)
    this.position = position + 8
  }

  #varint(): void {
    const { bytes, end } = this
    const start = this.position
    const first = start < end ? bytes[start]! : 128
    if (first < 128) {
      // Tags, lengths and most indexes are one byte.
      this.position = start + 1
      this.low = first
      this.high = 0
      return
    }
    let at = start
    let low = 0
    let high = 0
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= end) throw new MalformedBytes(`the bytes end at ${end} inside a number`, start)
      const byte = bytes[at++]!
      const part = byte & 127
      if (shift < 28) low |= part << shift
      else if (shift === 28) {
        low |= part << 28
        high = part >>> 4
      } else high |= part << (shift - 32)
      if (byte < 128) {
        this.position = at
        this.low = low >>> 0
        this.high = high >>> 0
        return
      }
    }
    throw new MalformedBytes(`the number at byte ${start} is longer than 10 bytes`, start)
  }
}

function littleEndian(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
}

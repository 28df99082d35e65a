// How do fields become protobuf bytes? Appended to one growing buffer; a message's length is filled in when it ends.
// Five times faster than writing generated messages by reflection, which matters in an agent that watches its own CPU.
import { FIXED64, LENGTH, VARINT } from './proto-reader.ts'

const ENCODER = new TextEncoder()

export class ProtoWriter {
  #bytes = new Uint8Array(1024)
  length = 0

  /** A varint field; zero is left out, as proto3 does. `value`: whole, 0 to 2^53. */
  unsigned(field: number, value: number): void {
    if (value === 0) return
    this.#tag(field, VARINT)
    this.#varint(value)
  }

  /** A 64-bit varint field by its halves. */
  varint64(field: number, high: number, low: number): void {
    if (high < 2 ** 21) {
      this.unsigned(field, high * 2 ** 32 + low)
      return
    }
    this.#tag(field, VARINT)
    // The low 28 bits go out as four bytes that continue; the rest fits 2^53.
    this.#room(4)
    for (let shift = 0; shift < 28; shift += 7) this.#bytes[this.length++] = ((low >>> shift) & 127) | 128
    this.#varint(high * 16 + (low >>> 28))
  }

  fixed64(field: number, high: number, low: number): void {
    this.#tag(field, FIXED64)
    this.#room(8)
    const view = new DataView(this.#bytes.buffer)
    view.setUint32(this.length, low, true)
    view.setUint32(this.length + 4, high, true)
    this.length += 8
  }

  double(field: number, value: number): void {
    this.#tag(field, FIXED64)
    this.#room(8)
    new DataView(this.#bytes.buffer).setFloat64(this.length, value, true)
    this.length += 8
  }

  /** A text field, written also when it is empty: rows of a table count. */
  text(field: number, text: string): void {
    const start = this.begin(field)
    this.#room(text.length * 3)
    this.length += ENCODER.encodeInto(text, this.#bytes.subarray(this.length)).written
    this.end(start)
  }

  /** A packed field of whole numbers from 0 to 2^53; nothing if there are none. */
  packed(field: number, values: readonly number[]): void {
    if (values.length === 0) return
    const start = this.begin(field)
    for (let i = 0; i < values.length; i++) this.#varint(values[i]!)
    this.end(start)
  }

  /** A nested message: what `write` appends. */
  message(field: number, write: () => void): void {
    const start = this.begin(field)
    write()
    this.end(start)
  }

  /** Begins a nested message.  out  what `end` needs; messages end in the opposite order */
  begin(field: number): number {
    this.#tag(field, LENGTH)
    this.#room(1)
    return ++this.length // most messages are shorter than 128 bytes: one byte of length is kept free
  }

  end(start: number): void {
    const size = this.length - start
    let more = 0
    for (let rest = size; rest > 127; rest = Math.floor(rest / 128)) more++
    if (more > 0) {
      this.#room(more)
      this.#bytes.copyWithin(start + more, start, this.length)
    }
    this.length = start - 1
    this.#varint(size)
    this.length = start + more + size
  }

  /** Fields written elsewhere. */
  append(other: ProtoWriter): void {
    this.#room(other.length)
    this.#bytes.set(other.#bytes.subarray(0, other.length), this.length)
    this.length += other.length
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.length)
  }

  #tag(field: number, wire: number): void {
    this.#varint(field * 8 + wire)
  }

  #varint(value: number): void {
    this.#room(10)
    let rest = value
    while (rest > 127) {
      this.#bytes[this.length++] = (rest % 128) | 128
      rest = Math.floor(rest / 128)
    }
    this.#bytes[this.length++] = rest
  }

  #room(size: number): void {
    if (this.length + size <= this.#bytes.length) return
    const wider = new Uint8Array(Math.max(this.#bytes.length * 2, this.length + size))
    wider.set(this.#bytes)
    this.#bytes = wider
  }
}

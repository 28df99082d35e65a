// Which texts and attributes does a body hold, OTLP or pprof? Strings by index, decoded when first asked for and kept once,
// and the rows of the attribute table: what resources, mappings, locations and samples point at.

import { int32Column, uint32Column } from '../model/growing-column.ts'
import { NONE } from '../model/ids.ts'
import { cutText } from './cut-text.ts'
import { FIXED64, LENGTH, ProtoReader, VARINT } from './proto-reader.ts'
import type { Tally, WireLimits } from './wire-limits.ts'

/** What an attribute says: text, or a number as text; `bytes` is its whole length, `text` at most what a label may hold. */
export interface AttributeValue {
  readonly text: string
  readonly bytes: number
}

/** Rows of one repeated field: byte ranges, read when asked for. */
export class Slices {
  readonly start = uint32Column()
  readonly stop = uint32Column()
  push(reader: ProtoReader): void {
    this.start.push(reader.start)
    this.stop.push(reader.stop)
  }
  get length(): number {
    return this.start.length
  }
}

/** Strings and attributes by their indexes. */
export class WireTexts {
  readonly #bytes: Uint8Array
  readonly #limits: WireLimits
  readonly #cut: Tally
  readonly #strings: Slices
  /** OTLP string index → row of `list`, NONE until someone asks. */
  readonly #rowOf: Int32Array
  /** Row 0 is "". */
  readonly list: string[] = ['']
  readonly #ids = new Map<string, number>([['', 0]])
  readonly #attributes: Slices
  /** String index of each attribute's key; 0 where it is none. */
  readonly #keys = int32Column()

  constructor(
    bytes: Uint8Array,
    options: {
      readonly strings: Slices
      readonly attributes: Slices
      readonly limits: WireLimits
      readonly cut: Tally
    },
  ) {
    this.#bytes = bytes
    this.#limits = options.limits
    this.#cut = options.cut
    this.#strings = options.strings
    this.#attributes = options.attributes
    this.#rowOf = new Int32Array(options.strings.length).fill(NONE)
    this.#readKeys()
  }

  /** The text of an OTLP string index as a row of `strings`; NONE if there is no such index. Long texts are cut. */
  row(index: number): number {
    if (index === 0) return 0
    const known = this.#rowOf[index]
    if (known === undefined) return NONE // also for indexes that are no whole numbers: typed arrays have none such
    if (known !== NONE) return known
    const { text, isCut } = cutText(this.#bytes, {
      start: this.#strings.start.at(index),
      stop: this.#strings.stop.at(index),
      bytesMax: this.#limits.stringBytes,
    })
    if (isCut) this.#cut.add('string_bytes')
    this.#rowOf[index] = this.intern(text)
    return this.#rowOf[index]!
  }

  /** A text of our own, or one that stood inline, as a row of `strings`. */
  intern(text: string): number {
    const known = this.#ids.get(text)
    if (known !== undefined) return known
    const id = this.list.push(text) - 1
    this.#ids.set(text, id)
    return id
  }

  /** The text behind an OTLP string index, undefined if there is no such index. */
  text(index: number): string | undefined {
    return this.list[this.row(index)]
  }

  /** A short text that stands inline: a key, a scope's name. */
  inlineText(start: number, stop: number): string {
    return this.#labelText(start, stop).text
  }

  /** Is this an index of the attribute table? Row 0 says nothing, but may be named. */
  hasAttribute(index: number): boolean {
    return index === 0 || (index > 0 && index < this.#attributes.length)
  }

  /** The key of a row of the attribute table; "" for row 0 and where there is none. */
  attributeKey(index: number): string {
    return index > 0 && index < this.#attributes.length ? (this.text(this.#keys.at(index)) ?? '') : ''
  }

  /** The value of a row of the attribute table; undefined for lists, maps, bytes and nothing. */
  attributeValue(index: number): AttributeValue | undefined {
    const reader = new ProtoReader(
      this.#bytes,
      this.#attributes.start.at(index),
      this.#attributes.stop.at(index),
    )
    let value: AttributeValue | undefined
    while (reader.next())
      if (reader.field === 2 && reader.wire === LENGTH) value = this.anyValue(reader.start, reader.stop)
    return value
  }

  /** Reads an AnyValue of bytes [start, stop). */
  anyValue(start: number, stop: number): AttributeValue | undefined {
    const reader = new ProtoReader(this.#bytes, start, stop)
    let value: AttributeValue | undefined
    while (reader.next()) {
      const { field, wire } = reader
      if (field === 1 && wire === LENGTH) value = this.#labelText(reader.start, reader.stop)
      else if (field === 2 && wire === VARINT) value = plain(reader.unsigned() === 0 ? 'false' : 'true')
      else if (field === 3 && wire === VARINT) value = plain(String(reader.signed()))
      else if (field === 4 && wire === FIXED64) value = plain(String(doubleOf(reader.low, reader.high)))
      else if (field === 8 && wire === VARINT) {
        const index = reader.signed()
        const isString = index > 0 && index < this.#strings.length
        value = isString
          ? this.#labelText(this.#strings.start.at(index), this.#strings.stop.at(index))
          : plain('')
      }
    }
    return value
  }

  #labelText(start: number, stop: number): AttributeValue {
    // Twice a label's length is enough to be refused for; the rest of a hostile value is not decoded.
    const most = Math.max(this.#limits.labelValueBytes, 256) * 2
    const end = Math.min(stop, start + most)
    return {
      text: cutText(this.#bytes, { start, stop: end, bytesMax: most }).text,
      bytes: stop - start,
    }
  }

  #readKeys(): void {
    const reader = new ProtoReader(this.#bytes, 0, 0)
    for (let i = 0; i < this.#attributes.length; i++) {
      reader.enter(this.#attributes.start.at(i), this.#attributes.stop.at(i))
      let key = 0
      while (reader.next()) if (reader.field === 1 && reader.wire === VARINT) key = reader.signed()
      this.#keys.push(key >= 0 && key < this.#strings.length ? key : 0)
    }
  }
}

const plain = (text: string): AttributeValue => ({ text, bytes: text.length })

function doubleOf(low: number, high: number): number {
  return new Float64Array(Uint32Array.of(low, high).buffer)[0]! // every platform of Node is little-endian
}

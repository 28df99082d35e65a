// What did LZMA2 compress? A decoder for the symbol tables that some distributions keep, compressed, inside of stripped
// binaries. The output is its own dictionary: what is decoded here is small and wanted as a whole.
// Refuses more output than allowed, matches that reach before the beginning, and chunks that end early or late.
// Source of the facts: the LZMA specification and the LZMA2 chapter of the .xz format.
import { MalformedError } from './cursor.ts'

// All probabilities stand in one array; these are the places of its parts.
const STATES = 12
const IS_MATCH = 0 // by state and position
const IS_REP = IS_MATCH + STATES * 16
const IS_REP_G0 = IS_REP + STATES
const IS_REP_G1 = IS_REP_G0 + STATES
const IS_REP_G2 = IS_REP_G1 + STATES
const IS_REP0_LONG = IS_REP_G2 + STATES // by state and position
const DISTANCE_SLOT = IS_REP0_LONG + STATES * 16 // four trees of 64
const DISTANCE_SPECIAL = DISTANCE_SLOT + 4 * 64
const DISTANCE_ALIGN = DISTANCE_SPECIAL + 128
const LENGTH = DISTANCE_ALIGN + 16
const LENGTH_LOW = 2 // in a length's part: two choices, 16 trees of 8, 16 of 8, one of 256
const LENGTH_MIDDLE = LENGTH_LOW + 128
const LENGTH_HIGH = LENGTH_MIDDLE + 128
const LENGTH_ENTRIES = LENGTH_HIGH + 256
const REP_LENGTH = LENGTH + LENGTH_ENTRIES
const LITERAL = REP_LENGTH + LENGTH_ENTRIES
const LITERAL_ENTRIES = 0x300
const LITERAL_BITS_MAX = 4 // LZMA2 allows no more context than 4 bits
const HALF = 1024
const SHORTEST_MATCH = 2
const RANGE_LEAST = 2 ** 24

export interface Decoded {
  readonly bytes: Uint8Array
  /** Position behind the end mark of the input. */
  readonly end: number
}

/** Decodes a run of LZMA2 chunks up to their end mark.
 *  in   start     where the first chunk begins
 *       bytesMax  of output
 *  cost some 60 ns per byte of output. Throws MalformedError */
export function decodeLzma2(input: Uint8Array, start: number, bytesMax: number): Decoded {
  return new Lzma2(input, start, bytesMax).decode()
}

class Lzma2 {
  readonly #input: Uint8Array
  readonly #bytesMax: number
  readonly #probability = new Uint16Array(LITERAL + (LITERAL_ENTRIES << LITERAL_BITS_MAX))
  #at: number
  #chunkEnd = 0
  #output = new Uint8Array(64 * 1024)
  #length = 0
  /** Where the dictionary begins in the output. */
  #origin = 0
  #range = 0
  #code = 0
  #state = 0
  readonly #reps = new Float64Array(4) // distances minus 1 of the last matches
  #literalContext = 0
  #literalPositionMask = 0
  #positionMask = 0
  #isReady = { dictionary: false, properties: false, state: false }

  constructor(input: Uint8Array, start: number, bytesMax: number) {
    this.#input = input
    this.#at = start
    this.#bytesMax = bytesMax
  }

  decode(): Decoded {
    for (;;) {
      const control = this.#byte()
      if (control === 0) return { bytes: this.#output.subarray(0, this.#length), end: this.#at }
      if (control >= 0x80) this.#compressed(control)
      else if (control <= 2) this.#stored(control === 1)
      else throw new MalformedError(`LZMA2: chunk ${control} is of no kind`)
    }
  }

  #stored(resetsDictionary: boolean): void {
    const size = this.#size()
    if (resetsDictionary) this.#resetDictionary()
    if (!this.#isReady.dictionary)
      throw new MalformedError('LZMA2: the first chunk does not begin a dictionary')
    if (size > this.#input.length - this.#at) throw new MalformedError('LZMA2: a stored chunk ends early')
    this.#reserve(size)
    this.#output.set(this.#input.subarray(this.#at, this.#at + size), this.#length)
    this.#at += size
    this.#length += size
  }

  #compressed(control: number): void {
    const end = this.#length + ((control & 0x1f) << 16) + this.#size()
    const packed = this.#size()
    const reset = (control >> 5) & 3 // 1 state, 2 and its properties, 3 and the dictionary
    if (reset === 3) this.#resetDictionary()
    if (reset >= 2) this.#setProperties(this.#byte())
    if (reset >= 1) this.#resetState()
    const { dictionary, properties, state } = this.#isReady
    if (!dictionary || !properties || !state)
      throw new MalformedError('LZMA2: a chunk begins without its state')
    if (packed < 5 || packed > this.#input.length - this.#at)
      throw new MalformedError('LZMA2: a chunk ends early')
    this.#chunkEnd = this.#at + packed
    this.#reserve(end - this.#length)
    this.#startRange()
    while (this.#length < end) this.#symbol(end)
    if (this.#at !== this.#chunkEnd || this.#code !== 0) throw new MalformedError('LZMA2: a chunk ends late')
  }

  #byte(): number {
    if (this.#at >= this.#input.length)
      throw new MalformedError(`LZMA2: no end mark in ${this.#input.length} bytes`)
    return this.#input[this.#at++]!
  }

  #size(): number {
    const high = this.#byte()
    return (high << 8) + this.#byte() + 1
  }

  #resetDictionary(): void {
    this.#origin = this.#length
    this.#isReady = { dictionary: true, properties: false, state: false }
  }

  #setProperties(properties: number): void {
    const context = properties % 9
    const position = Math.floor(properties / 9) % 5
    const bits = Math.floor(properties / 45)
    if (bits > 4 || context + position > LITERAL_BITS_MAX)
      throw new MalformedError(`LZMA2: properties ${properties} are not allowed`)
    this.#literalContext = context
    this.#literalPositionMask = (1 << position) - 1
    this.#positionMask = (1 << bits) - 1
    this.#isReady.properties = true
    this.#isReady.state = false
  }

  #resetState(): void {
    this.#probability.fill(HALF)
    this.#state = 0
    this.#reps.fill(0)
    this.#isReady.state = true
  }

  #reserve(size: number): void {
    const wanted = this.#length + size
    if (wanted > this.#bytesMax) throw new MalformedError(`LZMA2: more than ${this.#bytesMax} bytes`)
    if (wanted <= this.#output.length) return
    const larger = new Uint8Array(Math.min(this.#bytesMax, Math.max(wanted, 2 * this.#output.length)))
    larger.set(this.#output.subarray(0, this.#length))
    this.#output = larger
  }

  #startRange(): void {
    if (this.#input[this.#at++] !== 0) throw new MalformedError('LZMA2: a chunk does not begin with 0')
    this.#range = 0xffff_ffff
    this.#code = 0
    for (let i = 0; i < 4; i++) this.#code = ((this.#code << 8) | this.#input[this.#at++]!) >>> 0
  }

  /** One literal or one match. */
  #symbol(end: number): void {
    const position = this.#length - this.#origin
    const byPosition = (this.#state << 4) + (position & this.#positionMask)
    if (this.#bit(IS_MATCH + byPosition) === 0) this.#literal(position)
    else if (this.#bit(IS_REP + this.#state) === 0) this.#match(position, end)
    else if (this.#isShortRepeat(byPosition)) {
      this.#state = this.#state < 7 ? 9 : 11
      this.#copy(1, end)
    } else {
      const length = this.#matchLength(REP_LENGTH, position)
      this.#state = this.#state < 7 ? 8 : 11
      this.#copy(length + SHORTEST_MATCH, end)
    }
  }

  #match(position: number, end: number): void {
    const length = this.#matchLength(LENGTH, position)
    this.#reps.copyWithin(1, 0)
    this.#reps[0] = this.#distance(length)
    this.#state = this.#state < 7 ? 7 : 10
    this.#copy(length + SHORTEST_MATCH, end)
  }

  /** Brings the distance that is repeated to the front; true: one byte of the last distance. */
  #isShortRepeat(byPosition: number): boolean {
    if (this.#bit(IS_REP_G0 + this.#state) === 0) return this.#bit(IS_REP0_LONG + byPosition) === 0
    const index =
      this.#bit(IS_REP_G1 + this.#state) === 0 ? 1 : this.#bit(IS_REP_G2 + this.#state) === 0 ? 2 : 3
    const distance = this.#reps[index]!
    this.#reps.copyWithin(1, 0, index)
    this.#reps[0] = distance
    return false
  }

  #literal(position: number): void {
    const output = this.#output
    const previous = position > 0 ? output[this.#length - 1]! : 0
    const context = this.#literalContext
    const tree =
      LITERAL +
      LITERAL_ENTRIES * (((position & this.#literalPositionMask) << context) + (previous >> (8 - context)))
    let symbol = 1
    if (this.#state >= 7) {
      // After a match, the byte that would have continued it is a strong hint: its bits choose the tree.
      let hint = this.#lastByte()
      while (symbol < 0x100) {
        const hintBit = (hint >> 7) & 1
        hint <<= 1
        const bit = this.#bit(tree + ((1 + hintBit) << 8) + symbol)
        symbol = (symbol << 1) | bit
        if (bit !== hintBit) break
      }
    }
    while (symbol < 0x100) symbol = (symbol << 1) | this.#bit(tree + symbol)
    output[this.#length++] = symbol
    this.#state = this.#state < 4 ? 0 : this.#state < 10 ? this.#state - 3 : this.#state - 6
  }

  /** The byte at the last distance. */
  #lastByte(): number {
    const distance = this.#reps[0]! + 1
    if (distance > this.#length - this.#origin)
      throw new MalformedError('LZMA2: a match begins before the dictionary')
    return this.#output[this.#length - distance]!
  }

  #copy(length: number, end: number): void {
    this.#lastByte()
    if (length > end - this.#length) throw new MalformedError('LZMA2: a match is longer than its chunk')
    const output = this.#output
    let from = this.#length - this.#reps[0]! - 1
    // Byte by byte: a match may overlap what it makes.
    for (let to = this.#length, stop = to + length; to < stop; ) output[to++] = output[from++]!
    this.#length += length
  }

  #matchLength(part: number, position: number): number {
    const byPosition = (position & this.#positionMask) << 3
    if (this.#bit(part) === 0) return this.#tree(part + LENGTH_LOW + byPosition, 3)
    if (this.#bit(part + 1) === 0) return 8 + this.#tree(part + LENGTH_MIDDLE + byPosition, 3)
    return 16 + this.#tree(part + LENGTH_HIGH, 8)
  }

  /** Distance minus 1. */
  #distance(length: number): number {
    const slot = this.#tree(DISTANCE_SLOT + (Math.min(length, 3) << 6), 6)
    if (slot < 4) return slot
    const bits = (slot >> 1) - 1
    const base = (2 | (slot & 1)) * 2 ** bits
    if (slot < 14) return base + this.#treeBackwards(DISTANCE_SPECIAL + base - slot, bits)
    let direct = 0
    for (let i = bits - 4; i > 0; i--) direct = direct * 2 + this.#evenBit()
    return base + direct * 16 + this.#treeBackwards(DISTANCE_ALIGN, 4)
  }

  #tree(part: number, bits: number): number {
    let symbol = 1
    for (let i = 0; i < bits; i++) symbol = (symbol << 1) | this.#bit(part + symbol)
    return symbol - (1 << bits)
  }

  #treeBackwards(part: number, bits: number): number {
    let symbol = 1
    let value = 0
    for (let i = 0; i < bits; i++) {
      const bit = this.#bit(part + symbol)
      symbol = (symbol << 1) | bit
      value |= bit << i
    }
    return value
  }

  #bit(index: number): number {
    const probability = this.#probability[index]!
    const bound = (this.#range >>> 11) * probability
    let bit = 0
    if (this.#code < bound) {
      this.#range = bound
      this.#probability[index] = probability + ((2048 - probability) >> 5)
    } else {
      bit = 1
      this.#range -= bound
      this.#code -= bound
      this.#probability[index] = probability - (probability >> 5)
    }
    if (this.#range < RANGE_LEAST) this.#shift()
    return bit
  }

  #evenBit(): number {
    this.#range >>>= 1
    const bit = this.#code >= this.#range ? 1 : 0
    if (bit === 1) this.#code -= this.#range
    if (this.#range < RANGE_LEAST) this.#shift()
    return bit
  }

  #shift(): void {
    if (this.#at >= this.#chunkEnd) throw new MalformedError('LZMA2: a chunk ends early')
    this.#range = (this.#range << 8) >>> 0
    this.#code = ((this.#code << 8) | this.#input[this.#at++]!) >>> 0
  }
}

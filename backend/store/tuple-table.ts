// How does a row of small integers become one dense id? By open addressing over columns: no string key, no object and no
// bigint per row. Slots hold ids only (4 bytes); the tuple itself is compared in the columns.
// Sketch: a store file of 4 M stacks holds 2 columns × 4 B and 8 M slots × 4 B = 64 MB; interning takes about 0.1 µs.

const EMPTY = -1
const CAPACITY_FIRST = 64

/** Rows of 1 to 5 unsigned 32-bit integers, each kept once, numbered from 0 in order of arrival. Rows never change, so a
 *  view taken with `column(i)` stays right while the table grows. Room for 2^30 rows; longer tables throw RangeError. */
export class TupleTable {
  readonly width: number
  #count = 0
  #columns: Uint32Array[]
  /** Power of two, at most half full; empty until the first intern, so that a table only read costs no slots. */
  #slots = new Int32Array(0)

  constructor(width: number) {
    this.width = width
    this.#columns = Array.from({ length: width }, () => new Uint32Array(CAPACITY_FIRST))
  }

  get count(): number {
    return this.#count
  }

  /** The first `count` rows of column i, as a view. */
  column(i: number): Uint32Array {
    return this.#columns[i]!.subarray(0, this.#count)
  }

  at(i: number, row: number): number {
    return this.#columns[i]![row]!
  }

  /** Id of the row, appended if it is new. Numbers are taken modulo 2^32: NONE (-1) becomes 4,294,967,295. */
  intern(a: number, b = 0, c = 0, d = 0, e = 0): number {
    if (this.#slots.length < 2 * (this.#count + 1)) this.#growSlots()
    const slot = this.#find(a >>> 0, b >>> 0, c >>> 0, d >>> 0, e >>> 0)
    const known = this.#slots[slot]!
    if (known !== EMPTY) return known
    this.#slots[slot] = this.#count
    return this.#push(a, b, c, d, e)
  }

  /** Id of the row, or -1 if it is not there. */
  idOf(a: number, b = 0, c = 0, d = 0, e = 0): number {
    if (this.#count === 0) return EMPTY
    if (this.#slots.length < 2 * (this.#count + 1)) this.#growSlots()
    return this.#slots[this.#find(a >>> 0, b >>> 0, c >>> 0, d >>> 0, e >>> 0)]!
  }

  /** Appends rows that are known to be distinct and in order of their ids, as a file gives them back. */
  load(columns: readonly ArrayLike<number>[]): void {
    const rows = columns[0]!.length
    this.#reserve(this.#count + rows)
    for (let i = 0; i < this.width; i++) this.#columns[i]!.set(columns[i]!, this.#count)
    this.#count += rows
    this.#slots = new Int32Array(0)
  }

  #push(a: number, b: number, c: number, d: number, e: number): number {
    this.#reserve(this.#count + 1)
    const columns = this.#columns
    columns[0]![this.#count] = a
    if (this.width > 1) columns[1]![this.#count] = b
    if (this.width > 2) columns[2]![this.#count] = c
    if (this.width > 3) columns[3]![this.#count] = d
    if (this.width > 4) columns[4]![this.#count] = e
    return this.#count++
  }

  #reserve(rows: number): void {
    if (rows <= this.#columns[0]!.length) return
    let capacity = this.#columns[0]!.length
    while (capacity < rows) capacity *= 2
    this.#columns = this.#columns.map((column) => {
      const wider = new Uint32Array(capacity)
      wider.set(column)
      return wider
    })
  }

  /** The slot where the row stands or would stand. */
  #find(a: number, b: number, c: number, d: number, e: number): number {
    const mask = this.#slots.length - 1
    let slot = hash(a, b, c, d, e) & mask
    while (true) {
      const id = this.#slots[slot]!
      if (id === EMPTY || this.#equals(id, a, b, c, d, e)) return slot
      slot = (slot + 1) & mask
    }
  }

  #equals(id: number, a: number, b: number, c: number, d: number, e: number): boolean {
    const columns = this.#columns
    return (
      columns[0]![id] === a &&
      (this.width < 2 || columns[1]![id] === b) &&
      (this.width < 3 || columns[2]![id] === c) &&
      (this.width < 4 || columns[3]![id] === d) &&
      (this.width < 5 || columns[4]![id] === e)
    )
  }

  #growSlots(): void {
    let capacity = CAPACITY_FIRST * 2
    while (capacity < 4 * (this.#count + 1)) capacity *= 2
    this.#slots = new Int32Array(capacity).fill(EMPTY)
    const [a, b, c, d, e] = this.#columns
    for (let id = 0; id < this.#count; id++) {
      const mask = capacity - 1
      let slot = hash(a![id]!, b?.[id] ?? 0, c?.[id] ?? 0, d?.[id] ?? 0, e?.[id] ?? 0) & mask
      while (this.#slots[slot] !== EMPTY) slot = (slot + 1) & mask
      this.#slots[slot] = id
    }
  }
}

// Multiply and rotate each word in, then mix the high bits down: ids are small and sequential, and the mask keeps low bits.
function hash(a: number, b: number, c: number, d: number, e: number): number {
  let h = Math.imul(a, SEED) ^ SEED
  h = Math.imul((h << 13) | (h >>> 19), 0x85ebca6b) ^ Math.imul(b, 0x9e3779b1)
  h = Math.imul((h << 13) | (h >>> 19), 0x85ebca6b) ^ Math.imul(c, 0x9e3779b1)
  h = Math.imul((h << 13) | (h >>> 19), 0x85ebca6b) ^ Math.imul(d, 0x9e3779b1)
  h = Math.imul((h << 13) | (h >>> 19), 0x85ebca6b) ^ Math.imul(e, 0x9e3779b1)
  h = Math.imul(h ^ (h >>> 16), 0xc2b2ae35)
  return h ^ (h >>> 15)
}
// Drawn at start, so that a stranger who chooses addresses cannot choose collisions; ids do not depend on it.
const SEED = (Math.random() * 2 ** 32) | 1

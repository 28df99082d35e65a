// How does a column grow while its length is not known yet? By doubling, as one typed array: pushing costs no object.

type Typed = Uint8Array | Uint16Array | Int32Array | Uint32Array | Float64Array

/** A typed array with room to grow. Typed arrays give their own kind back from `slice`, so `first` chooses the type:
 *  `new GrowingColumn(new Int32Array(16))`. */
export class GrowingColumn<T extends Typed> {
  #values: T
  length = 0

  constructor(first: T) {
    this.#values = first
  }

  push(value: number): void {
    if (this.length === this.#values.length) {
      const wider = new (this.#values.constructor as new (length: number) => T)(Math.max(16, this.length * 2))
      wider.set(this.#values)
      this.#values = wider
    }
    this.#values[this.length++] = value
  }

  at(i: number): number {
    return this.#values[i]!
  }

  set(i: number, value: number): void {
    this.#values[i] = value
  }

  /** The rows from `from` to now, as a view: it stays right while rows are only added. */
  view(from = 0): T {
    return this.#values.subarray(from, this.length) as T
  }

  /** Forgets the rows from `length` on. */
  truncate(length: number): void {
    this.length = length
  }

  /** A copy of exactly the rows there are. */
  finish(): T {
    return this.#values.slice(0, this.length) as T
  }
}

export const int32Column = () => new GrowingColumn(new Int32Array(16))
export const uint32Column = () => new GrowingColumn(new Uint32Array(16))
export const float64Column = () => new GrowingColumn(new Float64Array(16))
export const uint8Column = () => new GrowingColumn(new Uint8Array(16))

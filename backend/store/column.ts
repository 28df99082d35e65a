// How does a column grow? By doubling, as one typed array: pushing costs no object, and a view taken early stays right,
// because rows are only ever added.

type Typed = Uint16Array | Uint32Array | Float64Array

/** A typed array with room to grow. */
export class Column<T extends Typed> {
  #values: T
  #length = 0

  /** Typed arrays give their own kind back from `slice`, so `first` chooses the type: `new Column(new Uint32Array(64))`. */
  constructor(first: T) {
    this.#values = first
  }

  get length(): number {
    return this.#length
  }

  at(i: number): number {
    return this.#values[i]!
  }

  set(i: number, value: number): void {
    this.#values[i] = value
  }

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const wider = new (this.#values.constructor as new (length: number) => T)(
        Math.max(64, this.#length * 2),
      )
      wider.set(this.#values)
      this.#values = wider
    }
    this.#values[this.#length++] = value
  }

  /** The rows from `from` to now, as a view. */
  view(from = 0): T {
    return this.#values.subarray(from, this.#length) as T
  }
}

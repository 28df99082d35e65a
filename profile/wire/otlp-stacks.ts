// Which stacks do the samples of a request point at? They come by index, and only those that are pointed at are read;
// `stack-rows.ts` cuts them to a depth and lays them into one trie.
import { uint32Column } from '../model/growing-column.ts'
import type { StackTable } from '../model/stack-table.ts'
import type { OtlpDictionary } from './otlp-dictionary.ts'
import { ProtoReader } from './proto-reader.ts'
import { StackRows } from './stack-rows.ts'
import type { Tally, WireLimits } from './wire-limits.ts'

const UNREAD = 0
const GOOD = 1
const BAD = 2

export class OtlpStacks {
  readonly #reader: ProtoReader
  readonly #dictionary: OtlpDictionary
  readonly #state: Uint8Array
  /** The index of each row, in the order in which they were read. */
  readonly #index = uint32Column()
  readonly #rows: StackRows

  constructor(
    bytes: Uint8Array,
    options: { readonly dictionary: OtlpDictionary; readonly limits: WireLimits; readonly cut: Tally },
  ) {
    const { dictionary, limits, cut } = options
    this.#reader = new ProtoReader(bytes, 0, 0)
    this.#dictionary = dictionary
    this.#rows = new StackRows(dictionary, { depthMax: limits.stackDepth, cut })
    this.#state = new Uint8Array(Math.max(1, dictionary.stackSlices.length))
  }

  /** Is this the index of a stack whose locations all exist? Reads it when first asked. Index 0 is the empty stack.
   *  throws MalformedBytes, RequestRefused */
  isGood(index: number): boolean {
    if (!(index >= 0 && index < this.#state.length)) return false
    if (this.#state[index] === UNREAD) this.#state[index] = this.#read(index) ? GOOD : BAD
    return this.#state[index] === GOOD
  }

  #read(index: number): boolean {
    let isGood = true
    if (index < this.#dictionary.stackSlices.length) {
      const { start, stop } = this.#dictionary.stackSlices
      const reader = this.#reader
      reader.enter(start.at(index), stop.at(index))
      while (reader.next()) {
        if (reader.field !== 1) continue
        reader.eachVarint(() => {
          this.#dictionary.countRows(1)
          const location = reader.signed()
          if (this.#dictionary.isGoodLocation(location)) this.#rows.push(location)
          else isGood = false
        })
      }
    }
    if (!isGood) {
      this.#rows.drop()
      return false
    }
    this.#rows.end()
    this.#index.push(index)
    return true
  }

  /** The trie of all stacks read, and for each OTLP index its node (0 where it was not read).
   *  cost O(entries · log stacks) */
  finish(): { readonly table: StackTable; readonly nodeOf: Uint32Array } {
    const { table, nodeOf: nodeOfRow } = this.#rows.finish()
    const nodeOf = new Uint32Array(this.#state.length)
    for (let row = 0; row < this.#index.length; row++) nodeOf[this.#index.at(row)] = nodeOfRow[row]!
    return { table, nodeOf }
  }
}

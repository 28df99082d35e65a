// Which stacks do the samples of a request point at? Only those are read, cut to a depth, and laid into one trie.
//
// The trie is built from sorted stacks, not by hashing (parent, location): sorted neighbors share their prefix, so each new
// node is appended once, and no choice of hostile bytes makes a lookup slow.

import { int32Column, uint32Column } from '../model/growing-column.ts'
import { NONE } from '../model/ids.ts'
import type { StackTable } from '../model/stack-table.ts'
import type { OtlpDictionary } from './otlp-dictionary.ts'
import type { OtlpLimits, Tally } from './otlp-limits.ts'
import { ProtoReader } from './proto-reader.ts'

const ROOT_FRAMES = 64 // of a deep stack: enough to tell which thread, which entry, which handler
const UNREAD = 0
const GOOD = 1
const BAD = 2

export class OtlpStacks {
  readonly #reader: ProtoReader
  readonly #dictionary: OtlpDictionary
  readonly #limits: OtlpLimits
  readonly #cut: Tally
  readonly #state: Uint8Array
  readonly #index = uint32Column()
  /** Locations of all read stacks, leaf first; those of row r end where row r + 1 starts. */
  readonly #start = uint32Column()
  readonly #locations = int32Column()
  readonly #markers = new Map<number, number>()

  constructor(
    bytes: Uint8Array,
    options: { readonly dictionary: OtlpDictionary; readonly limits: OtlpLimits; readonly cut: Tally },
  ) {
    this.#reader = new ProtoReader(bytes, 0, 0)
    this.#dictionary = options.dictionary
    this.#limits = options.limits
    this.#cut = options.cut
    const count = Math.max(1, options.dictionary.stackSlices.length)
    this.#state = new Uint8Array(count)
  }

  /** Is this the index of a stack whose locations all exist? Reads it when first asked. Index 0 is the empty stack.
   *  throws MalformedBytes, RequestRefused */
  isGood(index: number): boolean {
    if (!(index >= 0 && index < this.#state.length)) return false
    if (this.#state[index] === UNREAD) this.#state[index] = this.#read(index) ? GOOD : BAD
    return this.#state[index] === GOOD
  }

  #read(index: number): boolean {
    const first = this.#locations.length
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
          if (this.#dictionary.isGoodLocation(location)) this.#locations.push(location)
          else isGood = false
        })
      }
    }
    if (!isGood) {
      this.#locations.truncate(first)
      return false
    }
    this.#cutDepth(first)
    this.#index.push(index)
    this.#start.push(first)
    return true
  }

  /** Keeps the root's frames, a marker, and the leaf's side; whole locations, so inlined functions stay together. */
  #cutDepth(first: number): void {
    const depthMax = this.#limits.stackDepth
    const frames = (row: number) => this.#dictionary.frameCount(this.#locations.at(row))
    let total = 0
    for (let row = first; row < this.#locations.length; row++) total += frames(row)
    if (total <= depthMax) return
    const rootRoom = Math.min(ROOT_FRAMES, depthMax >> 1)
    const leafRoom = depthMax - rootRoom - 1
    let root = this.#locations.length
    let kept = 0
    while (root > first && kept + frames(root - 1) <= rootRoom) kept += frames(--root)
    const keptAtRoot = kept
    let leaf = first
    while (leaf < root && kept - keptAtRoot + frames(leaf) <= leafRoom) kept += frames(leaf++)
    const rootSide: number[] = []
    for (let row = root; row < this.#locations.length; row++) rootSide.push(this.#locations.at(row))
    this.#locations.truncate(leaf)
    this.#locations.push(this.#marker(total - kept))
    for (const location of rootSide) this.#locations.push(location)
    this.#cut.add('stack_depth')
  }

  #marker(frames: number): number {
    const known = this.#markers.get(frames)
    if (known !== undefined) return known
    const location = this.#dictionary.addMarker(`[${frames} frames cut]`)
    this.#markers.set(frames, location)
    return location
  }

  /** The trie of all stacks read, and for each OTLP index its node (0 where it was not read).
   *  cost O(entries · log stacks) */
  finish(): { readonly table: StackTable; readonly nodeOf: Uint32Array } {
    const count = this.#index.length
    const start = new Uint32Array(count + 1)
    start.set(this.#start.finish())
    start[count] = this.#locations.length
    const locations = this.#locations.finish()
    const order = Uint32Array.from({ length: count }, (_, row) => row)
    order.sort((one, other) => compareFromRoot({ locations, start, one, other }))

    const parent = int32Column()
    const location = int32Column()
    parent.push(NONE)
    location.push(NONE)
    const nodeOf = new Uint32Array(this.#state.length)
    const path = uint32Column() // nodes of the stack before, from the root; path[0] is the empty stack
    path.push(0)
    for (let i = 0; i < count; i++) {
      const row = order[i]!
      const depth = start[row + 1]! - start[row]!
      let shared = 0
      while (
        shared < depth &&
        shared + 1 < path.length &&
        location.at(path.at(shared + 1)) === locations[start[row + 1]! - 1 - shared]
      )
        shared++
      path.truncate(shared + 1)
      for (let level = shared; level < depth; level++) {
        parent.push(path.at(level))
        location.push(locations[start[row + 1]! - 1 - level]!)
        path.push(parent.length - 1)
      }
      nodeOf[this.#index.at(row)] = path.at(depth)
    }
    return { table: { parent: parent.finish(), location: location.finish() }, nodeOf }
  }
}

/** Order of two stacks by their locations, root first; a caller's stack comes before those it calls. */
function compareFromRoot({
  locations,
  start,
  one,
  other,
}: {
  readonly locations: Int32Array
  readonly start: Uint32Array
  readonly one: number
  readonly other: number
}): number {
  let i = start[one + 1]!
  let j = start[other + 1]!
  while (i > start[one]! && j > start[other]!) {
    const difference = locations[--i]! - locations[--j]!
    if (difference !== 0) return difference
  }
  return i - start[one]! - (j - start[other]!)
}

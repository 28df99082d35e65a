// How do stacks that come one after the other become a trie? Each is cut to a depth and kept as a row; then the rows are
// sorted. Not by hashing (parent, location): sorted neighbors share their prefix, so each node is appended once, and no
// choice of hostile bytes makes a lookup slow. OTLP and pprof both end here.
import { int32Column, uint32Column } from '../model/growing-column.ts'
import { NONE } from '../model/ids.ts'
import type { StackTable } from '../model/stack-table.ts'
import type { Tally } from './wire-limits.ts'

const ROOT_FRAMES = 64 // of a deep stack: enough to tell which thread, which entry, which handler

/** What stacks are made of: locations by row, each of one frame or several. */
export interface Locations {
  frameCount(location: number): number
  /** A location that is a sentence, "[12 frames cut]". */
  addMarker(text: string): number
}

export class StackRows {
  readonly #locations: Locations
  readonly #depthMax: number
  readonly #cut: Tally
  /** Rows of locations of all stacks, leaf first; those of stack i end where those of i + 1 start. */
  readonly #start = uint32Column()
  readonly #path = int32Column()
  readonly #markers = new Map<number, number>()

  constructor(locations: Locations, { depthMax, cut }: { readonly depthMax: number; readonly cut: Tally }) {
    this.#locations = locations
    this.#depthMax = depthMax
    this.#cut = cut
    this.#start.push(0)
  }

  /** Adds a location to the stack at hand, leaf first. */
  push(location: number): void {
    this.#path.push(location)
  }

  /** Forgets the stack at hand: one of its locations is none. */
  drop(): void {
    this.#path.truncate(this.#start.at(this.#start.length - 1))
  }

  /** Ends the stack at hand; stacks count from 0. */
  end(): void {
    this.#cutDepth(this.#start.at(this.#start.length - 1))
    this.#start.push(this.#path.length)
  }

  /** Keeps the root's frames, a marker, and the leaf's side; whole locations, so inlined functions stay together. */
  #cutDepth(first: number): void {
    const frames = (at: number) => this.#locations.frameCount(this.#path.at(at))
    let total = 0
    for (let at = first; at < this.#path.length; at++) total += frames(at)
    if (total <= this.#depthMax) return
    const rootRoom = Math.min(ROOT_FRAMES, this.#depthMax >> 1)
    const leafRoom = this.#depthMax - rootRoom - 1
    let root = this.#path.length
    let atRoot = 0
    while (root > first && atRoot + frames(root - 1) <= rootRoom) atRoot += frames(--root)
    let leaf = first
    let atLeaf = 0
    while (leaf < root && atLeaf + frames(leaf) <= leafRoom) atLeaf += frames(leaf++)
    const rootSide: number[] = []
    for (let at = root; at < this.#path.length; at++) rootSide.push(this.#path.at(at))
    this.#path.truncate(leaf)
    this.#path.push(this.#marker(total - atRoot - atLeaf))
    for (const location of rootSide) this.#path.push(location)
    this.#cut.add('stack_depth')
  }

  #marker(frames: number): number {
    const known = this.#markers.get(frames)
    if (known !== undefined) return known
    const location = this.#locations.addMarker(`[${frames} frames cut]`)
    this.#markers.set(frames, location)
    return location
  }

  /** The trie of all stacks, and the node of each.  cost O(entries · log stacks) */
  finish(): { readonly table: StackTable; readonly nodeOf: Uint32Array } {
    const [start, path] = [this.#start.finish(), this.#path.finish()]
    const count = start.length - 1
    const order = Uint32Array.from({ length: count }, (_, stack) => stack)
    order.sort((one, other) => compareFromRoot({ path, start, one, other }))
    const [parent, location] = [int32Column(), int32Column()]
    parent.push(NONE)
    location.push(NONE)
    const nodeOf = new Uint32Array(count)
    const open = uint32Column() // nodes of the stack before, from the root; open[0] is the empty stack
    open.push(0)
    for (const stack of order) {
      const [first, stop] = [start[stack]!, start[stack + 1]!]
      let shared = 0
      while (
        shared < stop - first &&
        shared + 1 < open.length &&
        location.at(open.at(shared + 1)) === path[stop - 1 - shared]
      )
        shared++
      open.truncate(shared + 1)
      for (let level = shared; level < stop - first; level++) {
        parent.push(open.at(level))
        location.push(path[stop - 1 - level]!)
        open.push(parent.length - 1)
      }
      nodeOf[stack] = open.at(stop - first)
    }
    return { table: { parent: parent.finish(), location: location.finish() }, nodeOf }
  }
}

/** Order of two stacks by their locations, root first; a caller's stack comes before those it calls. */
function compareFromRoot({
  path,
  start,
  one,
  other,
}: {
  readonly path: Int32Array
  readonly start: Uint32Array
  readonly one: number
  readonly other: number
}): number {
  let i = start[one + 1]!
  let j = start[other + 1]!
  while (i > start[one]! && j > start[other]!) {
    const difference = path[--i]! - path[--j]!
    if (difference !== 0) return difference
  }
  return i - start[one]! - (j - start[other]!)
}

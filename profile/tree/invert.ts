// Who calls the expensive functions? An iceberg: leaf functions as roots, their callers on top of them.
//
//       main 5                        (base, widest first)
//       read 3   work 2     invert    disk 2   work 2   read 1
//       disk 2              ─────►    read 2   main 2   main 1
//                                     main 2
//
// A full inversion explodes: 100,000 nodes make 778,000, because every leaf carries its own copy of its callers. So it
// grows level by level, heaviest box first, and stops at a number of boxes. A box is a set of cursors: one for each node
// of the tree with self value, standing at the caller that the box shows. Opening a box moves each of its cursors to the
// parent and splits the set by frame. Two cursors of a box never meet: with the same frames above a common node they would
// be the same node. Recursion therefore counts once: a sample has one leaf, so it is in one base box.
import { NONE } from '../model/ids.ts'
import { parentsOf } from './ancestry.ts'
import { arrange } from './arrange.ts'
import type { CallTree, DiffTree } from './call-tree.ts'
import { compactFrames, withFoldedFrame } from './frame-table.ts'
import { MaxHeap } from './max-heap.ts'
import { callTreeOf, diffTreeOf, type Shape, type Side, sidesOf } from './sides.ts'

export interface InvertOptions {
  /** Boxes at most, the root among them, "(folded)" ones on top; absent: all. */
  readonly maxNodes?: number
}

/** Turns a call tree upside down. Samples of the empty stack stay with the root.
 *  out  tree  siblings widest first, then by name, "(folded)" last; the self value of a box is what begins there, so
 *             inverting a whole iceberg gives the tree back. Totals of the base add up to all self values of the input.
 *             A box that was not opened, or not wholly, has a "(folded)" child with the exact rest; `folded` counts the
 *             call paths in it: at least so many boxes are missing.
 *  cost O(cursors · depth) at worst, about maxNodes openings when bounded.  throws if maxNodes is below 1 */
export function invertTree(tree: CallTree, options: InvertOptions = {}): CallTree {
  const sides = sidesOf(tree)
  const { shape, sides: inverted } = invert({ shape: tree, sides, weights: tree.self, options })
  return callTreeOf(shape, inverted)
}

/** As invertTree, both sides at once: the width of a box is the mean of its two shares, what is on neither side is left out. */
export function invertDiff(tree: DiffTree, options: InvertOptions = {}): DiffTree {
  const sides = sidesOf(tree)
  const { shape, sides: inverted } = invert({ shape: tree, sides, weights: meanShares(sides), options })
  return diffTreeOf(shape, inverted)
}

interface InvertInput {
  readonly shape: Shape
  readonly sides: readonly Side[]
  /** Width of each node's self value, in whatever unit. */
  readonly weights: Float64Array
  readonly options: InvertOptions
}

function invert({ shape, sides, weights, options: { maxNodes = Infinity } }: InvertInput) {
  if (!(maxNodes >= 1)) throw new Error(`maxNodes is ${maxNodes}; at least 1 is needed, the root`)
  const boxes = new Boxes({ shape, sides, weights })
  if (maxNodes === Infinity) for (let box = 0; box < boxes.count; box++) boxes.open(box, Infinity)
  else {
    const heap = new MaxHeap((box) => boxes.weight[box]!)
    heap.push(0)
    for (let box = heap.pop(); box !== undefined; box = heap.pop())
      for (const child of boxes.open(box, maxNodes - boxes.keptCount)) heap.push(child)
  }
  return arrange({ ...boxes.nodes(), order: 'given' })
}

/** The growing iceberg. Box 0 is the root; a parent's number is smaller than its children's, siblings stand in order. */
class Boxes {
  readonly #shape: Shape
  readonly #foldedFrame: number
  readonly #sides: readonly Side[]
  readonly #weightOfNode: Float64Array
  readonly #parentOfNode: Int32Array

  // Cursors: where each stands, and where it began. A box owns the slots cursorStart … cursorEnd - 1 of both.
  readonly #at: Uint32Array
  readonly #origin: Uint32Array
  readonly #atScratch: Uint32Array
  readonly #originScratch: Uint32Array

  // One row per box.
  readonly #parent: number[] = [NONE]
  readonly #frame: number[] = [0]
  readonly #selves: readonly number[][]
  readonly #folded: number[] = [0]
  readonly #cursorStart: number[] = [0]
  readonly #cursorEnd: number[]
  readonly weight: number[] = [Infinity] // the root opens first
  /** Boxes that are no "(folded)" one. */
  keptCount = 1

  // One row per frame, zero between two openings.
  readonly #cursorsOfFrame: Uint32Array
  readonly #weightOfFrame: Float64Array
  /** Next free slot of a frame, while one box is being sorted. */
  readonly #slotOfFrame: Uint32Array

  constructor({ shape, sides, weights }: Omit<InvertInput, 'options'>) {
    const compact = compactFrames(shape.frames, shape.frame) // so that frame ids compare as names do
    const { frames, folded } = withFoldedFrame(compact.frames)
    this.#shape = { ...shape, frames, frame: compact.frame }
    this.#foldedFrame = folded
    this.#sides = sides
    this.#weightOfNode = weights
    this.#parentOfNode = parentsOf(shape.depth)
    const leaves: number[] = []
    for (let node = 1; node < shape.depth.length; node++)
      if (sides.some(({ self }) => self[node]! > 0)) leaves.push(node)
    this.#at = Uint32Array.from(leaves)
    this.#origin = Uint32Array.from(leaves)
    this.#atScratch = new Uint32Array(leaves.length)
    this.#originScratch = new Uint32Array(leaves.length)
    this.#selves = sides.map(({ self }) => [self[0]!])
    this.#cursorEnd = [leaves.length]
    this.#cursorsOfFrame = new Uint32Array(frames.name.length)
    this.#weightOfFrame = new Float64Array(frames.name.length)
    this.#slotOfFrame = new Uint32Array(frames.name.length)
  }

  get count(): number {
    return this.#parent.length
  }

  /** Adds the next level on one box: at most `budget` children, the lightest others in one "(folded)" child.
   *  out  the children that may be opened in turn */
  open(box: number, budget: number): readonly number[] {
    const start = this.#cursorStart[box]!
    const end = this.#cursorEnd[box]!
    const frames = this.#callersOf(box)
    this.#sortByFrame({ start, end, frames })
    const kept = Math.min(frames.length, Math.max(0, budget))
    const children: number[] = []
    let next = start
    for (let i = 0; i < kept; i++) {
      const frame = frames[i]!
      const child = this.#append({ parent: box, frame })
      this.weight[child] = this.#weightOfFrame[frame]!
      this.#cursorStart[child] = next
      next += this.#cursorsOfFrame[frame]!
      this.#cursorEnd[child] = next
      if (box === 0 && frame === this.#foldedFrame) this.#folded[child] = this.#pathsIn(0, child)
      children.push(child)
    }
    this.keptCount += kept
    let rest = 0
    for (let i = kept; i < frames.length; i++) rest += this.#cursorsOfFrame[frames[i]!]!
    if (rest > 0) this.#fold({ box, start: next, end: next + rest })
    for (const frame of frames) this.#cursorsOfFrame[frame] = this.#weightOfFrame[frame] = 0
    return children
  }

  /** Moves the cursors of a box to their callers and counts them per frame; those at the top leave their value here.
   *  out  frames of the callers, widest first, then by name */
  #callersOf(box: number): number[] {
    const frames: number[] = []
    for (let slot = this.#cursorStart[box]!; slot < this.#cursorEnd[box]!; slot++) {
      const node = box === 0 ? this.#at[slot]! : this.#parentOfNode[this.#at[slot]!]!
      this.#at[slot] = node
      if (node === 0) this.#addSelf(box, this.#origin[slot]!)
      else {
        const frame = this.#shape.frame[node]!
        if (this.#cursorsOfFrame[frame]!++ === 0) frames.push(frame)
        this.#weightOfFrame[frame]! += this.#weightOfNode[this.#origin[slot]!]!
      }
    }
    const isLast = (frame: number) => (frame === this.#foldedFrame ? 1 : 0)
    return frames.sort(
      (one, other) =>
        isLast(one) - isLast(other) || this.#weightOfFrame[other]! - this.#weightOfFrame[one]! || one - other,
    )
  }

  /** Brings the cursors of each frame together, in the order of `frames`; those at the top go last. */
  #sortByFrame({ start, end, frames }: { start: number; end: number; frames: readonly number[] }): void {
    const next = this.#slotOfFrame
    let place = start
    for (const frame of frames) {
      next[frame] = place
      place += this.#cursorsOfFrame[frame]!
    }
    if (frames.length === 1 && place === end) return
    for (let slot = start; slot < end; slot++) {
      const node = this.#at[slot]!
      if (node === 0) continue
      const frame = this.#shape.frame[node]!
      const target = next[frame]!++
      this.#atScratch[target] = node
      this.#originScratch[target] = this.#origin[slot]!
    }
    this.#at.set(this.#atScratch.subarray(start, place), start)
    this.#origin.set(this.#originScratch.subarray(start, place), start)
  }

  #append({ parent, frame }: { readonly parent: number; readonly frame: number }): number {
    const box = this.#parent.push(parent) - 1
    this.#frame.push(frame)
    this.#folded.push(0)
    for (const self of this.#selves) self.push(0)
    this.weight.push(0)
    this.#cursorStart.push(0)
    this.#cursorEnd.push(0)
    return box
  }

  /** One "(folded)" child for all cursors that got no box of their own. */
  #fold({ box, start, end }: { readonly box: number; readonly start: number; readonly end: number }): void {
    const rest = this.#append({ parent: box, frame: this.#foldedFrame })
    this.#cursorStart[rest] = start
    this.#cursorEnd[rest] = end
    this.#folded[rest] = this.#pathsIn(box, rest)
    for (let slot = start; slot < end; slot++) this.#addSelf(rest, this.#origin[slot]!)
  }

  /** Call paths in a child of `box`. In the base a "(folded)" node of the input counts for all that it stands for. */
  #pathsIn(box: number, child: number): number {
    const { folded } = this.#shape
    let paths = 0
    for (let slot = this.#cursorStart[child]!; slot < this.#cursorEnd[child]!; slot++)
      paths += (box === 0 && folded?.[this.#origin[slot]!]) || 1
    return paths
  }

  #addSelf(box: number, node: number): void {
    for (let k = 0; k < this.#sides.length; k++) this.#selves[k]![box]! += this.#sides[k]!.self[node]!
  }

  nodes() {
    return {
      frames: this.#shape.frames,
      parent: Int32Array.from(this.#parent),
      frame: Uint32Array.from(this.#frame),
      selves: this.#selves.map((self) => Float64Array.from(self)),
      folded: Uint32Array.from(this.#folded),
    }
  }
}

function meanShares(sides: readonly Side[]): Float64Array {
  const weight = new Float64Array(sides[0]!.self.length)
  for (const { self, total } of sides) {
    const whole = total[0]!
    if (whole > 0) for (let i = 0; i < weight.length; i++) weight[i]! += self[i]! / whole / 2
  }
  return weight
}

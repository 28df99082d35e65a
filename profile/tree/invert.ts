// Who calls the expensive functions? An iceberg: leaf functions as roots, their callers on top of them.
//
//       main 5                        (base, widest first)
//       read 3   work 2     invert    disk 2   work 2   read 1
//       disk 2              ─────►    read 2   main 2   main 1
//                                     main 2
//
// A full inversion explodes: 100,000 nodes make 778,000, because every leaf carries its own copy of its callers. So it
// grows from the base, always by the heaviest box that is not there yet, and stops at a number of boxes; as no caller is
// heavier than its box, these are the heaviest of the whole iceberg, and the rest was never made. A box is a set of
// cursors: one for each node of the tree with self value, standing at the caller that the box shows. Keeping a box moves
// each of its cursors to the parent and splits the set by frame. Two cursors of a box never meet: with the same frames above a common node they would
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
 *             Bounded, it holds the heaviest boxes; what is missing on a box is its "(folded)" child, the exact rest, and
 *             `folded` counts the call paths in it: at least so many boxes are not there.
 *  cost O(cursors · depth) at worst, about maxNodes splits when bounded.  throws if maxNodes is below 1 */
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
  if (maxNodes === Infinity) for (let box = 0; box < boxes.count; box++) boxes.keep(box)
  else {
    const heap = new MaxHeap((box) => boxes.weight[box]!)
    heap.push(0)
    for (let kept = 0; kept < maxNodes; kept++) {
      const box = heap.pop()
      if (box === undefined) break
      const children = boxes.keep(box)
      for (let child = children.from; child < children.to; child++) heap.push(child)
    }
  }
  return arrange({ ...boxes.nodes(), order: 'given' })
}

/** The growing iceberg. Box 0 is the root; a parent's number is smaller than its children's, siblings stand in order. A box
 *  is a candidate until it is kept; candidates that are never kept end in their parent's "(folded)" box. */
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
  readonly #cursorStart: number[] = [0]
  readonly #cursorEnd: number[]
  readonly #isKept: boolean[] = [false]
  readonly #selves: readonly number[][]
  /** Width, by which boxes are kept. The input's own "(folded)" weighs nothing: it joins the rest as long as there is one. */
  readonly weight: number[] = [0]

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

  /** Keeps a box and makes the next level on it: one candidate per caller, widest first.  out: their numbers */
  keep(box: number): { readonly from: number; readonly to: number } {
    this.#isKept[box] = true
    const start = this.#cursorStart[box]!
    const frames = this.#callersOf(box)
    this.#sortByFrame({ start, end: this.#cursorEnd[box]!, frames })
    const from = this.count
    let next = start
    for (const frame of frames) {
      this.#parent.push(box)
      this.#frame.push(frame)
      this.#cursorStart.push(next)
      next += this.#cursorsOfFrame[frame]!
      this.#cursorEnd.push(next)
      this.#isKept.push(false)
      for (const self of this.#selves) self.push(0)
      this.weight.push(frame === this.#foldedFrame ? 0 : this.#weightOfFrame[frame]!)
      this.#cursorsOfFrame[frame] = 0
      this.#weightOfFrame[frame] = 0
    }
    return { from, to: this.count }
  }

  /** Moves the cursors of a box to their callers and counts them per frame; those at the top leave their value here.
   *  out  frames of the callers, widest first, then by name, "(folded)" last */
  #callersOf(box: number): number[] {
    const frames: number[] = []
    for (let slot = this.#cursorStart[box]!; slot < this.#cursorEnd[box]!; slot++) {
      const node = box === 0 ? this.#at[slot]! : this.#parentOfNode[this.#at[slot]!]!
      this.#at[slot] = node
      if (node === 0)
        this.#selves.forEach((self, k) => {
          self[box]! += this.#sides[k]!.self[this.#origin[slot]!]!
        })
      else {
        const frame = this.#shape.frame[node]!
        if (this.#cursorsOfFrame[frame]!++ === 0) frames.push(frame)
        this.#weightOfFrame[frame]! += this.#weightOfNode[this.#origin[slot]!]!
      }
    }
    if (frames.length < 2) return frames
    const isLast = (frame: number) => (frame === this.#foldedFrame ? 1 : 0)
    return frames.sort(
      (one, other) =>
        isLast(one) - isLast(other) || this.#weightOfFrame[other]! - this.#weightOfFrame[one]! || one - other,
    )
  }

  /** Brings the cursors of each frame together, in the order of `frames`. Those at the top are done: they get no slot. */
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
      const target = next[this.#shape.frame[node]!]!++
      this.#atScratch[target] = node
      this.#originScratch[target] = this.#origin[slot]!
    }
    this.#at.set(this.#atScratch.subarray(start, place), start)
    this.#origin.set(this.#originScratch.subarray(start, place), start)
  }

  /** The boxes kept so far, in their order, and behind them one "(folded)" box per parent for the candidates left. */
  nodes() {
    const numberOf = new Int32Array(this.count).fill(NONE)
    let count = 0
    for (let box = 0; box < this.count; box++) if (this.#isKept[box]!) numberOf[box] = count++
    const restOf = new Int32Array(count).fill(NONE)
    const keptCount = count
    for (let box = 1; box < this.count; box++) {
      const above = numberOf[this.#parent[box]!]!
      if (numberOf[box] !== NONE) continue
      if (restOf[above] === NONE) restOf[above] = count++
      numberOf[box] = restOf[above]!
    }
    const parent = new Int32Array(count).fill(NONE)
    const frame = new Uint32Array(count).fill(this.#foldedFrame, keptCount)
    const folded = new Uint32Array(count)
    const selves = this.#sides.map(() => new Float64Array(count))
    for (let box = 0; box < this.count; box++) {
      const number = numberOf[box]!
      const isKept = this.#isKept[box]!
      if (box > 0) parent[number] = numberOf[this.#parent[box]!]!
      if (isKept) frame[number] = this.#frame[box]!
      if (!isKept || this.#isFoldedBase(box)) folded[number]! += this.#pathsIn(box)
      selves.forEach((self, k) => {
        self[number]! += isKept ? this.#selves[k]![box]! : this.#sumOfOrigins(box, k)
      })
    }
    return { frames: this.#shape.frames, parent, frame, selves, folded }
  }

  /** Whether a box stands for what was trimmed before the inversion. */
  #isFoldedBase(box: number): boolean {
    const isFolded = this.#shape.folded !== undefined && this.#frame[box] === this.#foldedFrame
    return isFolded && this.#parent[box] === 0
  }

  /** Call paths in a box. In the base a "(folded)" node of the input counts for all that it stands for. */
  #pathsIn(box: number): number {
    const { folded } = this.#shape
    let paths = 0
    for (let slot = this.#cursorStart[box]!; slot < this.#cursorEnd[box]!; slot++)
      paths += (this.#parent[box] === 0 && folded?.[this.#origin[slot]!]) || 1
    return paths
  }

  #sumOfOrigins(box: number, side: number): number {
    const { self } = this.#sides[side]!
    let sum = 0
    for (let slot = this.#cursorStart[box]!; slot < this.#cursorEnd[box]!; slot++)
      sum += self[this.#origin[slot]!]!
    return sum
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

// How do trees with tables of their own come to share nodes? Frames are interned by function, nodes by (parent, frame).
// What merge, group and diff have in common; they differ in the side on which a tree's values land.
import type { FrameTable } from './call-tree.ts'
import { FrameTableBuilder } from './frame-table.ts'
import type { Shape } from './sides.ts'
import { TrieBuilder } from './trie-builder.ts'

export class TrieUnion {
  readonly #frames: FrameTableBuilder
  readonly #trie = new TrieBuilder()
  readonly #selves: Float64Array[]
  #folded: Uint32Array = new Uint32Array(1)
  /** Tables met before, with their rows here: parts of one answer often share theirs. */
  readonly #tables = new Map<FrameTable, Uint32Array>()
  readonly #open = new Uint32Array(65_536)

  constructor(parts: { readonly sides: number; readonly frames?: FrameTableBuilder }) {
    this.#frames = parts.frames ?? new FrameTableBuilder()
    this.#selves = Array.from({ length: parts.sides }, () => new Float64Array(1))
  }

  /** Adds a tree's nodes; `sides[k]`, where given, adds its self values to side k. `under`: frames (rows of the builder
   *  passed in) to stand between the root and the tree. */
  add(
    tree: Shape,
    values: {
      readonly sides: readonly ({ readonly self: Float64Array } | undefined)[]
      readonly under?: readonly number[]
    },
  ): void {
    const { depth, frame, folded } = tree
    const rows = this.#rowsOf(tree.frames)
    let root = 0
    for (const row of values.under ?? []) root = this.#trie.child(root, row)
    const nodeOf = new Uint32Array(depth.length)
    nodeOf[0] = this.#open[0] = root
    for (let i = 1; i < depth.length; i++)
      nodeOf[i] = this.#open[depth[i]!] = this.#trie.child(this.#open[depth[i]! - 1]!, rows[frame[i]!]!)
    this.#widen()
    values.sides.forEach((side, k) => {
      if (side === undefined) return
      const self = this.#selves[k]!
      for (let i = 0; i < nodeOf.length; i++) self[nodeOf[i]!]! += side.self[i]!
    })
    if (folded === undefined) return
    for (let i = 0; i < nodeOf.length; i++) this.#folded[nodeOf[i]!]! += folded[i]!
  }

  nodes() {
    this.#widen()
    const count = this.#trie.count
    return {
      frames: this.#frames.table(),
      ...this.#trie.columns(),
      selves: this.#selves.map((self) => self.subarray(0, count)),
      folded: this.#folded.subarray(0, count),
    }
  }

  #rowsOf(frames: FrameTable): Uint32Array {
    const known = this.#tables.get(frames)
    if (known !== undefined) return known
    const rows = this.#frames.addTable(frames)
    this.#tables.set(frames, rows)
    return rows
  }

  /** Makes room for the values of all nodes, by doubling. */
  #widen(): void {
    const count = this.#trie.count
    if (count <= this.#folded.length) return
    const size = Math.max(count, this.#folded.length * 2)
    const folded = new Uint32Array(size)
    folded.set(this.#folded)
    this.#folded = folded
    this.#selves.forEach((self, k) => {
      const wider = new Float64Array(size)
      wider.set(self)
      this.#selves[k] = wider
    })
  }
}

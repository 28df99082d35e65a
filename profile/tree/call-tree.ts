// What is a call tree here? Columns in pre-order: at once the body of a query answer, Grafana's nested-set frame, and
// what the flame graph draws. No algorithm lives here.

/** What the reader sees of a frame; columns of equal length, row 0 is the root's "total".
 *  Two frames are the same function exactly if name, file and mapping are equal. */
export interface FrameTable {
  readonly name: readonly string[]
  /** Source file, or "". */
  readonly file: readonly string[]
  /** Base name of the binary, "vmlinux" for the kernel, or "". */
  readonly mapping: readonly string[]
  /** OTel's `profile.frame.type` ("native", "kernel", …), or "". */
  readonly kind: readonly string[]
}

/** Columns of n ≥ 1 nodes in pre-order; node 0 is the root: depth 0, frame 0. Siblings have different frames and stand
 *  in order of name, file, mapping (by UTF-16 code units), so that the same program gives the same picture; an inverted
 *  tree has them widest first; "(folded)" stands last in both. `total[i] = self[i] + Σ total of the children`. */
export interface CallTree {
  readonly frames: FrameTable
  readonly depth: Uint16Array
  /** FrameId. */
  readonly frame: Uint32Array
  readonly self: Float64Array
  readonly total: Float64Array
  /** Present after pruning: how many nodes were folded into this one (then its frame is "(folded)"), else 0. */
  readonly folded?: Uint32Array
}

/** One set of nodes, two sides, absolute sums in the same unit; scaling is the reader's. Order of siblings as in CallTree.
 *  A node exists if it has a total on either side. */
export interface DiffTree {
  readonly frames: FrameTable
  readonly depth: Uint16Array
  readonly frame: Uint32Array
  readonly baselineSelf: Float64Array
  readonly baselineTotal: Float64Array
  readonly comparisonSelf: Float64Array
  readonly comparisonTotal: Float64Array
  readonly folded?: Uint32Array
}

/** Flat table of functions, columns of equal length, one row per frame of `frames` that occurs (never the root). */
export interface FunctionRows {
  readonly frame: Uint32Array
  readonly self: Float64Array
  /** A function counts once per stack, however often it recurs in it. */
  readonly total: Float64Array
}

export const ROOT_NAME = 'total'
export const FOLDED_NAME = '(folded)'

/** A trie of frames: what a call tree is folded on. Node 0 is the root (parent NONE, frame 0); parent < child; two children
 *  of one parent have different frames. */
export interface FrameTrie {
  readonly frames: FrameTable
  readonly parent: Int32Array
  readonly frame: Uint32Array
}

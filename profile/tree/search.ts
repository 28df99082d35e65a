// Which frames does a search mean, and how much of the tree do they hold? Names are compared once each, not per node, and a
// match inside a match counts once.
import { parentsOf, subtreeEnds } from './ancestry.ts'
import type { CallTree, FrameTable } from './call-tree.ts'

export interface SearchResult {
  /** 1 for each frame whose name matches, by FrameId. */
  readonly frameMask: Uint8Array
  /** Nodes with such a frame, nested ones too. */
  readonly matchedNodes: number
  /** Total of the matches, nested ones counted once: never more than the root's. */
  readonly matchedTotal: number
}

/** Searches a tree for names that contain the query: any of its alternatives between "|", blanks around them left out.
 *  A piece without capitals matches in either case ("smart case"). An empty query matches nothing; the root never matches.
 *  cost O(letters of distinct names × alternatives + nodes) */
export function searchTree(tree: CallTree, query: string): SearchResult {
  const frameMask = searchFrames(tree.frames, query)
  const { depth, frame, total } = tree
  const end = subtreeEnds(parentsOf(depth))
  let matchedNodes = 0
  let matchedTotal = 0
  let coveredEnd = 0
  for (let i = 1; i < depth.length; i++) {
    if (frameMask[frame[i]!] === 0) continue
    matchedNodes++
    if (i < coveredEnd) continue
    matchedTotal += total[i]!
    coveredEnd = end[i]!
  }
  return { frameMask, matchedNodes, matchedTotal }
}

/** The mask alone: 1 for each frame whose name matches, row 0 never. */
export function searchFrames(frames: FrameTable, query: string): Uint8Array {
  const mask = new Uint8Array(frames.name.length)
  const pieces = query
    .split('|')
    .map((piece) => piece.trim())
    .filter((piece) => piece !== '')
  const exact = pieces.filter((piece) => piece !== piece.toLowerCase())
  const lower = pieces.filter((piece) => piece === piece.toLowerCase())
  if (pieces.length === 0) return mask
  for (let row = 1; row < mask.length; row++) {
    const name = frames.name[row]!
    const isMatch =
      exact.some((piece) => name.includes(piece)) ||
      (lower.length > 0 && containsAny(name.toLowerCase(), lower))
    mask[row] = isMatch ? 1 : 0
  }
  return mask
}

const containsAny = (text: string, pieces: readonly string[]): boolean =>
  pieces.some((piece) => text.includes(piece))

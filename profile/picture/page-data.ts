// What does the page of an exported profile carry? The boxes of its picture as columns, in pre-order: names, words and
// colours are chosen here, the page only lays them out and answers the reader's hand.
import { FOLDED_NAME } from '../tree/call-tree.ts'
import { shorten } from './clean-name.ts'
import type { Style } from './colors.ts'
import { describeNode, nodeName, presence } from './describe.ts'
import { boxLabel } from './label.ts'
import type { Picture } from './picture.ts'
import type { Orientation } from './reading-rule.ts'

export type BoxMark = '' | 'folded' | 'new' | 'gone'

/** Columns of n boxes in pre-order; row 0 is the root. */
export interface PageData {
  readonly orientation: Orientation
  readonly depth: readonly number[]
  /** What the search compares. */
  readonly name: readonly string[]
  /** What stands on the box; in a diff with its sign. */
  readonly label: readonly string[]
  /** One sentence a box: name, shares, values. */
  readonly title: readonly string[]
  /** Width, 0 to 1. */
  readonly share: readonly number[]
  readonly mark: readonly BoxMark[]
  /** Index into `styles`. */
  readonly style: readonly number[]
  readonly styles: readonly Style[]
}

const NAME_CHARACTERS_MAX = 400
const TITLE_CHARACTERS_MAX = 600 // a name of 10 kB in each of 1,000 boxes would be 10 MB

/** The columns of a picture.    cost  O(boxes) */
export function pageData({ model, coloring, format }: Picture, orientation: Orientation): PageData {
  const nodes = Array.from(model.depth, (_, node) => node)
  const isFolded = (node: number) =>
    model.frames.name[model.frame[node]!] === FOLDED_NAME && (model.drawn.folded?.[node] ?? 0) > 0
  return {
    orientation,
    depth: [...model.depth],
    name: nodes.map((node) => shorten(nodeName(model, node), NAME_CHARACTERS_MAX)),
    label: nodes.map((node) => boxLabel(model, node)),
    title: nodes.map((node) => shorten(describeNode(model, node, format), TITLE_CHARACTERS_MAX)),
    share: [...model.boxes.width],
    mark: nodes.map((node) => (isFolded(node) ? 'folded' : (presence(model, node) ?? ''))),
    style: nodes.map((node) => coloring.styleOfNode(node)),
    styles: coloring.styles,
  }
}

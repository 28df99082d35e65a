// Which boxes of the shown part match the search, and how much of it do they hold?

import { grouped, percent } from '#profile/picture/format'
import type { GraphModel } from '#profile/picture/graph-model'
import { searchFrames } from '#profile/tree/search'

export interface Matches {
  /** 1 for a frame whose name matches; by FrameId. */
  readonly frameMask: Uint8Array
  /** Matching nodes of the shown subtree, in screen order (pre-order). */
  readonly nodes: Uint32Array
  /** Their share of the shown subtree, 0 to 1; a match within a match counts once. */
  readonly share: number
}

/** Marks the frames a search means; undefined for an empty search. O(distinct names). */
export function findFrames(model: GraphModel, search: string): Uint8Array | undefined {
  return search.trim() === '' ? undefined : searchFrames(model.frames, search)
}

/** Collects the matches of the subtree at `zoom`. O(nodes of the subtree). */
export function findNodes(model: GraphModel, frameMask: Uint8Array, zoom: number): Matches {
  const { boxes, frame } = model
  const end = boxes.subtreeEnd[zoom] ?? 0
  let count = 0
  for (let node = zoom; node < end; node++) count += frameMask[frame[node]!]!
  const nodes = new Uint32Array(count)
  let matched = 0
  let filled = 0
  let coveredEnd = 0
  for (let node = zoom; node < end; node++) {
    if (frameMask[frame[node]!] === 0) continue
    nodes[filled++] = node
    if (node < coveredEnd) continue
    matched += boxes.width[node]!
    coveredEnd = boxes.subtreeEnd[node]!
  }
  const whole = boxes.width[zoom] ?? 0
  return { frameMask, nodes, share: whole > 0 ? Math.min(1, matched / whole) : 0 }
}

/** The match after (or before) a node in screen order, around the end; undefined without any match. */
export function nextMatch(matches: Matches, from: number, direction: 1 | -1): number | undefined {
  const { nodes } = matches
  if (nodes.length === 0) return undefined
  const place = placeOf(nodes, from)
  const isOn = nodes[place] === from
  const next = direction === 1 ? place + (isOn ? 1 : 0) : place - 1
  return nodes[(next + nodes.length) % nodes.length]
}

/** The counter beside the search box: "12 of 418 frames, 41.3 % of this view". */
export function matchesText(matches: Matches | undefined, current: number): string {
  if (matches === undefined) return ''
  const { nodes, share } = matches
  if (nodes.length === 0) return 'no match in this view'
  const place = placeOf(nodes, current)
  const counted = `${grouped(nodes.length)} ${nodes.length === 1 ? 'frame' : 'frames'}`
  const where = nodes[place] === current ? `${grouped(place + 1)} of ${counted}` : counted
  return `${where}, ${percent(share)} of this view`
}

/** First place whose node is not before `node`. */
function placeOf(nodes: Uint32Array, node: number): number {
  let low = 0
  let high = nodes.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (nodes[middle]! >= node) high = middle
    else low = middle + 1
  }
  return low
}

// How far can a profile be trusted? Two shares that every answer carries: of the stacks, which end early; of the frames,
// which have no name.
import { TRUNCATED_NAME } from '../model/profile.ts'
import type { CallTree } from './call-tree.ts'
import { isAddressName } from './frame-trie.ts'

export interface Quality {
  /** Share of the value whose stacks begin with the marker for callers nobody could see, 0 to 1. */
  readonly endEarly: number
  /** Share of the frames that have no name, each weighted with what was measured below it, 0 to 1. A stack of ten frames
   *  of which one is an address counts a tenth. */
  readonly unnamed: number
}

/** Names that stand for "no name": what agents and readers write where they have neither function nor address. */
const NAMELESS = new Set(['[unknown]', '[exited early]', '[anonymous code]'])
const NAMELESS_BEGIN = '[python: ' // and why: no offsets for 3.15

/** Whether a frame's name is none: an address, or one of the words that stand for "not known". */
export const isNameless = (name: string): boolean =>
  NAMELESS.has(name) || name.startsWith(NAMELESS_BEGIN) || isAddressName(name)

/** in  trees  of one profile type, callers first, whole: what was folded away cannot be judged
 *  out 0 and 0 of nothing.    cost O(nodes + frames) */
export function qualityOf(trees: readonly CallTree[]): Quality {
  let all = 0
  let early = 0
  let framesAll = 0
  let framesUnnamed = 0
  for (const { frames, depth, frame, total } of trees) {
    const isUnnamed = frames.name.map(isNameless)
    all += total[0] ?? 0
    for (let node = 1; node < depth.length; node++) {
      if (frames.name[frame[node]!] === TRUNCATED_NAME) {
        if (depth[node] === 1) early += total[node]!
        continue // a mark, no frame
      }
      framesAll += total[node]!
      if (isUnnamed[frame[node]!]) framesUnnamed += total[node]!
    }
  }
  return { endEarly: all > 0 ? early / all : 0, unnamed: framesAll > 0 ? framesUnnamed / framesAll : 0 }
}

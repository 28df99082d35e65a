// What does each stack add to the quality of whatever holds it? Counted once per stack as it comes in, so that a chart over
// weeks can say how far it may be trusted without a single stack being read.
import { type Profile, TRUNCATED_KIND, TRUNCATED_NAME } from '../model/profile.ts'
import { isNameless } from './quality.ts'

/** Columns by StackId, row 0 the empty stack. */
export interface StackQuality {
  /** 1: the root is the mark for callers that nobody could see. */
  readonly isEarly: Uint8Array
  /** Frames, inlined calls expanded and marks left out, and how many of them have no name. */
  readonly frames: Uint32Array
  readonly unnamed: Uint32Array
}

/** Judges every stack of a profile's table as `qualityOf` judges the tree that is built of it.
 *  cost O(lines + stacks), a look at each function's name */
export function stackQuality({
  strings,
  functions,
  locations,
  lines,
  stacks,
}: Omit<Profile, 'samples'>): StackQuality {
  const verdicts = new Uint8Array(functions.name.length).fill(UNSEEN)
  const verdictOf = (id: number): number => {
    if (verdicts[id] === UNSEEN)
      verdicts[id] = judge(strings[functions.name[id]!]! || strings[functions.systemName[id]!]!)
    return verdicts[id]!
  }
  const n = locations.mapping.length
  const frames = new Uint32Array(n)
  const unnamed = new Uint32Array(n)
  const outermost = new Uint8Array(n)
  for (let i = 0; i < n; i++) {
    const [first, end] = [locations.lineStart[i]!, locations.lineStart[i + 1]!]
    if (strings[locations.kind[i]!] === TRUNCATED_KIND) {
      outermost[i] = MARK
      continue
    }
    if (first === end) {
      frames[i] = 1
      unnamed[i] = 1
    }
    for (let line = first; line < end; line++) {
      const verdict = verdictOf(lines.function[line]!)
      outermost[i] = verdict // the last one stays: the innermost comes first
      if (verdict !== MARK) frames[i]!++
      if (verdict === NAMELESS) unnamed[i]!++
    }
  }
  const count = stacks.parent.length
  const sums = {
    isEarly: new Uint8Array(count),
    frames: new Uint32Array(count),
    unnamed: new Uint32Array(count),
  }
  for (let stack = 1; stack < count; stack++) {
    const [parent, location] = [stacks.parent[stack]!, stacks.location[stack]!]
    sums.isEarly[stack] = parent === 0 ? (outermost[location] === MARK ? 1 : 0) : sums.isEarly[parent]!
    sums.frames[stack] = sums.frames[parent]! + frames[location]!
    sums.unnamed[stack] = sums.unnamed[parent]! + unnamed[location]!
  }
  return sums
}

const NAMED = 0
const NAMELESS = 1
const MARK = 2
const UNSEEN = 3

const judge = (name: string): number =>
  name === TRUNCATED_NAME ? MARK : name === '' || isNameless(name) ? NAMELESS : NAMED

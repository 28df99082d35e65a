// How do sums on leaves become a call tree? Climb from each leaf until a known node, number what was touched, lay it out.
// Work follows the touched part of the trie, so a question about one service does not pay for the others; only one byte
// per node of the trie is looked at.
import { NONE } from '../model/ids.ts'
import type { Profile } from '../model/profile.ts'
import { arrange } from './arrange.ts'
import type { CallTree, FrameTrie } from './call-tree.ts'
import { frameTrie } from './frame-trie.ts'
import { callTreeOf } from './sides.ts'

/** Folds sums into a call tree.
 *  in   node, sum   equal lengths; trie nodes in any order, one may occur several times; sums in the type's unit. A sum of
 *                   zero makes no node
 *  out  nodes with a total above zero and the root; siblings by name, file, mapping; only frames that occur
 *  cost O(trie bytes ÷ 4 + touched nodes + frames · log frames).  throws if a stack is deeper than 65,535 frames */
export function buildTree(sums: {
  readonly trie: FrameTrie
  readonly node: Uint32Array
  readonly sum: Float64Array
}): CallTree {
  const { trie, node, sum } = sums
  const kept = touchedNodes(sums)
  const numberOf = new Int32Array(trie.parent.length)
  const parent = new Int32Array(kept.length).fill(NONE, 0, 1)
  const frame = new Uint32Array(kept.length)
  for (let i = 1; i < kept.length; i++) {
    numberOf[kept[i]!] = i
    parent[i] = numberOf[trie.parent[kept[i]!]!]!
    frame[i] = trie.frame[kept[i]!]!
  }
  const self = new Float64Array(kept.length)
  for (let i = 0; i < node.length; i++) if (sum[i]! > 0) self[numberOf[node[i]!]!]! += sum[i]!
  const { shape, sides } = arrange({ frames: trie.frames, parent, frame, selves: [self], order: 'frame' })
  return callTreeOf(shape, sides)
}

/** The call tree of all samples of a profile, whatever their labels and times. Values as they stand, unscaled. */
export function buildTreeOfProfile(profile: Profile): CallTree {
  const { trie, nodeOfStack } = frameTrie(profile)
  return buildTree({
    trie,
    node: profile.samples.stack.map((stack) => nodeOfStack[stack]!),
    sum: profile.samples.value,
  })
}

/** A tree of nothing: the root alone, zero. Neutral to merge and diff. */
export const emptyTree = (): CallTree => ({
  frames: { name: ['total'], file: [''], mapping: [''], kind: [''] },
  depth: new Uint16Array(1),
  frame: new Uint32Array(1),
  self: new Float64Array(1),
  total: new Float64Array(1),
})

/** Trie nodes with a sum above zero and their ancestors, ascending; the root always. */
function touchedNodes({ trie, node, sum }: Parameters<typeof buildTree>[0]): Uint32Array {
  const words = new Uint32Array((trie.parent.length + 3) >>> 2) // looked at four nodes a step
  const isTouched = new Uint8Array(words.buffer)
  isTouched[0] = 1
  let count = 1
  for (let i = 0; i < node.length; i++) {
    if (!(sum[i]! > 0)) continue
    for (let at = node[i]!; isTouched[at] === 0; at = trie.parent[at]!) {
      isTouched[at] = 1
      count++
    }
  }
  const kept = new Uint32Array(count)
  let filled = 0
  for (let word = 0; word < words.length; word++) {
    if (words[word] === 0) continue
    for (let at = word * 4; at < word * 4 + 4; at++) if (isTouched[at] === 1) kept[filled++] = at
  }
  return kept
}

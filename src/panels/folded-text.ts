// How does a shown tree read as folded lines? One a stack, root first, `main;serve;read 10`: what a box has for itself.
import type { CallTree } from '#profile/tree/call-tree'
import { escapeName } from '#profile/wire/folded'

/** Prints a call tree; of an iceberg (`isInverted`) the stacks are turned back, callers first. Values of the root stand
 *  under `[no stack]`; frames folded away are one frame "(folded)". Stacks that read alike are added up.
 *  cost  O(stacks · depth) */
export function foldedText(tree: CallTree, { isInverted }: { readonly isInverted: boolean }): string {
  const { frames, depth, frame, self } = tree
  const path: string[] = []
  const sums = new Map<string, number>()
  for (let node = 0; node < depth.length; node++) {
    path.length = Math.max(0, depth[node]! - 1)
    if (node > 0) path.push(escapeName(frames.name[frame[node]!]!))
    if (self[node] === 0) continue
    const names = isInverted ? path.toReversed() : path
    const line = names.length === 0 ? '[no stack]' : names.join(';')
    sums.set(line, (sums.get(line) ?? 0) + self[node]!)
  }
  return Array.from(sums, ([line, sum]) => `${line} ${sum}\n`).join('')
}

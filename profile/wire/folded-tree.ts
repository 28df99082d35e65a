// How does a tree read as text? One line a stack that holds value of its own, root first: `main;serve;read 10`; of a diff
// both sides' numbers, baseline first, as difffolded.pl writes them. parseFolded reads the first kind back.
import type { CallTree, DiffTree } from '../tree/call-tree.ts'
import { escapeName } from './folded.ts'

/** What the numbers count: samples where one knows how many the total stands for, else the values as they are. */
export type SamplesOfTotal = number | undefined

/** Folded lines of a tree, each with its line break.
 *  in   samples  what the root's total stands for; undefined: print the values themselves
 *  out  in the tree's order; what rounds to 0 has no line; value without a stack stands under `[no stack]`; names escaped
 *       so that parseFolded gives them back
 *  cost O(nodes · depth) characters, a line at a time */
export function* foldedTreeLines(tree: CallTree, samples: SamplesOfTotal): Generator<string> {
  const scale = scaleOf(tree.total[0]!, samples)
  for (const { node, stack } of stacksOf(tree)) {
    const value = Math.round(tree.self[node]! * scale)
    if (value > 0) yield `${stack()} ${value}\n`
  }
}

/** The same of a diff: `main;read 3 5`; a stack has a line if it is not zero on both sides. */
export function* foldedDiffLines(
  tree: DiffTree,
  samples: { readonly baseline: SamplesOfTotal; readonly comparison: SamplesOfTotal },
): Generator<string> {
  const baselineScale = scaleOf(tree.baselineTotal[0]!, samples.baseline)
  const comparisonScale = scaleOf(tree.comparisonTotal[0]!, samples.comparison)
  for (const { node, stack } of stacksOf(tree)) {
    const baseline = Math.round(tree.baselineSelf[node]! * baselineScale)
    const comparison = Math.round(tree.comparisonSelf[node]! * comparisonScale)
    if (baseline > 0 || comparison > 0) yield `${stack()} ${baseline} ${comparison}\n`
  }
}

const scaleOf = (total: number, samples: SamplesOfTotal) =>
  samples === undefined || total === 0 ? 1 : samples / total

function* stacksOf({ depth, frame, frames }: Pick<CallTree, 'depth' | 'frame' | 'frames'>) {
  const path: string[] = []
  const stack = () => (path.length === 0 ? '[no stack]' : path.join(';'))
  for (let node = 0; node < depth.length; node++) {
    path.length = Math.max(0, depth[node]! - 1)
    if (node > 0) path.push(escapeName(frames.name[frame[node]!]!))
    yield { node, stack }
  }
}

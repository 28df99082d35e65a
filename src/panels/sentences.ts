// What does a panel say when its profile has nothing in it?

import { isDiffTree } from '#profile/picture/graph-model'
import { type PrintTime, rangeText } from '../flamegraph/facts.ts'
import type { PanelContent } from './content.ts'

/** A sentence for a profile without any value; undefined where there is something to draw. */
export function emptySentence(content: PanelContent, printTime: PrintTime): string | undefined {
  const { tree, meta, baselineMeta } = content
  const range = (of: typeof meta) =>
    of === undefined ? '' : ` in ${rangeText(of.fromMs, of.toMs, printTime)}`
  if (!isDiffTree(tree)) {
    if ((tree.total[0] ?? 0) > 0) return undefined
    return `No samples${range(meta)}. Widen the time range or the selector; "flametrail query status" shows the agents.`
  }
  if (tree.baselineTotal[0]! > 0 || tree.comparisonTotal[0]! > 0) return undefined
  return (
    `No samples on either side: baseline${range(baselineMeta)}, comparison${range(meta)}. ` +
    'Widen the ranges or the selectors.'
  )
}

// How do answers read in a terminal? Trees as folded lines and as a list of what changed, quality as a table. Pure.
import type { CallTree, DiffTree } from '#profile/tree/call-tree'
import { functionTable } from '#profile/tree/functions'
import { foldedTreeLines } from '#profile/wire/folded-tree'
import type { QualityAnswer } from '#profile/wire/query-api'
import { printTable } from './output.ts'

/** Folded lines of a tree's self values as one text; see `foldedTreeLines`. */
export const foldedLines = (tree: CallTree, samples: number | undefined): string =>
  Array.from(foldedTreeLines(tree, samples)).join('')

/** A function on both sides of a diff: its own time as a share of each side's total. */
export interface ChangedFunction {
  readonly name: string
  readonly mapping: string
  readonly baseline: number
  readonly comparison: number
}

/** Functions by how much their share of own time changed, most first. */
export function changedFunctions(tree: DiffTree): readonly ChangedFunction[] {
  const share = (self: Float64Array, total: Float64Array) => {
    const rows = functionTable({ frames: tree.frames, depth: tree.depth, frame: tree.frame, self, total })
    const shares = new Float64Array(tree.frames.name.length)
    rows.frame.forEach((frame, i) => {
      shares[frame] = total[0]! > 0 ? rows.self[i]! / total[0]! : 0
    })
    return shares
  }
  const baseline = share(tree.baselineSelf, tree.baselineTotal)
  const comparison = share(tree.comparisonSelf, tree.comparisonTotal)
  return tree.frames.name
    .map((name, frame) => ({
      name,
      mapping: tree.frames.mapping[frame]!,
      baseline: baseline[frame]!,
      comparison: comparison[frame]!,
    }))
    .filter((row) => row.baseline !== row.comparison)
    .sort(
      (one, other) => Math.abs(other.comparison - other.baseline) - Math.abs(one.comparison - one.baseline),
    )
}

/** Which share of each group's stacks is whole, which of their frames has a name; the last row is all of them. Shares are
 *  rounded down: 100 % means all. */
export function qualityTable({ meta, labels, samples, endEarly, unnamed }: QualityAnswer): string {
  const names = Object.keys(labels[0] ?? {})
  const columns = [
    ...names.map((title) => ({ title, align: 'left', widthMax: 40 }) as const),
    { title: 'samples', align: 'right' },
    { title: 'complete', align: 'right' },
    { title: 'named', align: 'right' },
  ] as const
  const share = (without: number) => `${(Math.floor((1 - without) * 1000) / 10).toFixed(1)} %`
  const shares = (count: number, early: number, nameless: number) => [
    String(count),
    share(early),
    share(nameless),
  ]
  const rows = labels.map((own, i) => [
    ...names.map((name) => own[name] || '(none)'),
    ...shares(samples[i]!, endEarly[i]!, unnamed[i]!),
  ])
  const left = meta.nodes.folded > 0 ? ` (${meta.nodes.folded} more)` : ''
  const all = [
    `all${left}`,
    ...names.slice(1).map(() => ''),
    ...shares(meta.samples, meta.endEarly, meta.unnamed),
  ]
  return names.length === 0 ? 'no samples\n' : printTable(columns, [...rows, all])
}

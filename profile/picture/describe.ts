// What is a box called, in words? For the screen reader, the tooltip and the label on the bar: the same facts, one home.
import { FOLDED_NAME } from '../tree/call-tree.ts'
import { cleanName } from './clean-name.ts'
import { type Format, grouped, mark, percent, points } from './format.ts'
import { diffSharesOf, type GraphModel, sharesOf } from './graph-model.ts'
import { judge } from './noise.ts'

/** The shown name of a node: escapes for what cannot be seen; "(214 more)" for folded ones. */
export function nodeName(model: GraphModel, node: number): string {
  const name = model.frames.name[model.frame[node]!]!
  const folded = model.drawn.folded?.[node] ?? 0
  return name === FOLDED_NAME && folded > 0 ? `(${grouped(folded)} more)` : cleanName(name)
}

/** "new", "gone", "worse", "better", "within noise" or "unchanged": what a change of share means, in a word. */
export function changeWord(model: GraphModel, baseline: number, comparison: number): string {
  if (mark(comparison - baseline) === '') return 'unchanged'
  if (model.diff !== undefined && judge(baseline, comparison, model.diff.sides) === 'noise')
    return 'within noise'
  return comparison > baseline ? 'worse' : 'better'
}

/** One sentence a node: "serveHTTP, 34.2 %, 278 s CPU, self 1.1 %"; in a diff "spin, ▲ +14.2 pt worse, baseline 33.1 %,
 *  comparison 47.3 %, self +14.0 pt". */
export function describeNode(model: GraphModel, node: number, format: Format): string {
  const name = nodeName(model, node)
  const { diff, drawn, isInverted, depth } = model
  const reached =
    isInverted && depth[node]! > 1 ? `, calls ${nodeName(model, model.boxes.parent[node]!)}` : ''
  if (diff !== undefined) {
    const { baseline, comparison } = diffSharesOf(diff, node)
    const change = comparison.total - baseline.total
    const word = presence(model, node) ?? changeWord(model, baseline.total, comparison.total)
    return (
      `${name}, ${`${mark(change)} ${points(change)}`.trim()} ${word}, baseline ${percent(baseline.total)}, ` +
      `comparison ${percent(comparison.total)}, self ${points(comparison.self - baseline.self)}${reached}`
    )
  }
  const { total } = sharesOf(model, node)
  const self = selfShare(model, node)
  return `${name}, ${percent(total)}, ${format(drawn.total[node]!)}, self ${percent(self)}${reached}`
}

/** In an iceberg the own time of a function is the width of its base box; callers above it have none of it. */
export function selfShare(model: GraphModel, node: number): number {
  const { self, total } = sharesOf(model, node)
  if (!model.isInverted) return self
  return model.depth[node] === 1 ? total : 0
}

/** "new" or "gone" for a frame that only one side of a diff has. */
export function presence(model: GraphModel, node: number): 'new' | 'gone' | undefined {
  if (model.diff === undefined) return undefined
  const { tree, sides } = model.diff
  if (sides.baselineTotal <= 0 || sides.comparisonTotal <= 0) return undefined
  if (tree.baselineTotal[node] === 0) return 'new'
  return tree.comparisonTotal[node] === 0 ? 'gone' : undefined
}

/** What stands behind the name on a bar of a diff: "▲ +4.2 pt", or nothing. */
export function barSign(model: GraphModel, node: number): string {
  if (model.diff === undefined) return ''
  const { baseline, comparison } = diffSharesOf(model.diff, node)
  const change = comparison.total - baseline.total
  const sign = mark(change)
  return sign === '' ? '' : `${sign} ${points(change)}`
}

/** A row of the tooltip: what, and the values beside it. */
export interface Fact {
  readonly what: string
  readonly values: readonly string[]
}

/** The numbers of the tooltip. */
export function nodeFacts(model: GraphModel, node: number, zoom: number, format: Format): readonly Fact[] {
  const { diff, drawn, boxes } = model
  if (diff === undefined) {
    const { total } = sharesOf(model, node)
    const inView = boxes.width[zoom]! > 0 ? boxes.width[node]! / boxes.width[zoom]! : 0
    const self = selfShare(model, node)
    const rows: Fact[] = [
      { what: 'Total', values: [format(drawn.total[node]!), percent(total)] },
      { what: 'Self', values: [format(self * (drawn.total[0] ?? 0)), percent(self)] },
    ]
    if (zoom !== 0 && boxes.depth[node]! >= boxes.depth[zoom]!)
      rows.push({ what: 'Of this view', values: ['', percent(Math.min(1, inView))] })
    return rows
  }
  const { baseline, comparison } = diffSharesOf(diff, node)
  const { tree } = diff
  const row = (what: string, shares: { self: number; total: number }, total: number, self: number): Fact => ({
    what,
    values: [format(total), percent(shares.total), `self ${format(self)}`],
  })
  return [
    row('Baseline', baseline, tree.baselineTotal[node]!, tree.baselineSelf[node]!),
    row('Comparison', comparison, tree.comparisonTotal[node]!, tree.comparisonSelf[node]!),
    {
      what: 'Change',
      values: [
        `${mark(comparison.total - baseline.total)} ${points(comparison.total - baseline.total)}`.trim(),
        presence(model, node) ?? changeWord(model, baseline.total, comparison.total),
        `self ${points(comparison.self - baseline.self)}`,
      ],
    },
  ]
}

// How does a tree become a data frame? Column by column: the pre-order of a call tree is Grafana's nested set.
//
//   depth 0 1 2 1      level 0 1 2 1       one row a node, depth first, the root on level 0;
//   frame 0 7 9 8  ─►  label 0 7 9 8       `label`, `file`, `mapping`, `kind` are enums: row → word
//   total 9 6 2 3      value 9 6 2 3
//   self  0 4 2 3      self  0 4 2 3
//
// The same frame is legible to Grafana's own flame graph, which reads level, value, self, label, valueRight, selfRight.
import type { DataFrame, Field, QueryResultMetaNotice } from '@grafana/data'
import type { FrameTable } from '#profile/tree/call-tree'
import type { AnswerMeta, DiffAnswer, TreeAnswer } from '#profile/wire/query-api'
import { diffFromJson, treeFromJson } from '#profile/wire/tree-answer'
import { enumField, numberField } from './columns.ts'
import { type DiffFrameMeta, type FrameQuery, PANEL_IDS, type TreeFrameMeta } from './frame-meta.ts'
import { grafanaUnit } from './units.ts'

export interface TreeFrameInput<Answer> {
  readonly answer: Answer
  /** As interpolated; the panel finds it in `meta.custom.flametrail.query`. `invert` tells an iceberg. */
  readonly query: FrameQuery
  readonly refId: string
}

/** Turns an answer of /flame or /iceberg into the frame named `response`.
 *  out    fields level, value (total), self, label, file, mapping, kind and, after pruning, folded; typed arrays
 *  throws Error with the decoder's sentence if the answer's columns contradict each other.    cost O(nodes) */
export function treeToFrame({ answer, query, refId }: TreeFrameInput<TreeAnswer>): DataFrame {
  const decoded = treeFromJson(answer)
  if (!decoded.ok) throw new Error(decoded.error.message)
  const { tree, meta: answerMeta } = decoded.value
  const unit = grafanaUnit(answerMeta.unit)
  const view = query.invert === true ? 'iceberg' : 'flame'
  const meta: TreeFrameMeta = { ...answerMeta, v: 1, view, query }
  const fields = [
    numberField('level', tree.depth),
    numberField('value', tree.total, unit),
    numberField('self', tree.self, unit),
    ...wordFields(tree),
  ]
  return profileFrame({ fields, refId, view, custom: meta, notices: noticesOf(answerMeta) })
}

/** Turns an answer of /diff into one frame: value and self are the baseline, valueRight and selfRight the comparison.
 *  throws Error with the decoder's sentence if the answer's columns contradict each other.    cost O(nodes) */
export function diffToFrame({ answer, query, refId }: TreeFrameInput<DiffAnswer>): DataFrame {
  const decoded = diffFromJson(answer)
  if (!decoded.ok) throw new Error(decoded.error.message)
  const { tree, baseline, comparison } = decoded.value
  const unit = grafanaUnit(baseline.unit)
  const meta: DiffFrameMeta = { v: 1, view: 'diff', query, baseline, comparison }
  const fields = [
    numberField('level', tree.depth),
    numberField('value', tree.baselineTotal, unit),
    numberField('self', tree.baselineSelf, unit),
    numberField('valueRight', tree.comparisonTotal, unit),
    numberField('selfRight', tree.comparisonSelf, unit),
    ...wordFields(tree),
  ]
  const notices = noticesOf(baseline, comparison)
  return profileFrame({ fields, refId, view: 'diff', custom: meta, notices })
}

interface Words {
  readonly frames: FrameTable
  readonly frame: Uint32Array
  readonly folded?: Uint32Array
}

function wordFields(tree: Words): Field[] {
  const { frames, frame } = tree
  const fields: Field[] = [enumField('label', frame, frames.name)]
  for (const name of ['file', 'mapping', 'kind'] as const)
    fields.push(repeatedWords(name, frame, frames[name]))
  if (tree.folded !== undefined) fields.push(numberField('folded', tree.folded))
  return fields
}

/** A word per frame becomes a row of the distinct words per node. */
function repeatedWords(name: string, frame: Uint32Array, wordOfFrame: readonly string[]): Field<number> {
  const rows = new Map<string, number>()
  const rowOfFrame = new Uint32Array(wordOfFrame.length)
  for (let i = 0; i < wordOfFrame.length; i++) {
    const word = wordOfFrame[i]!
    const row = rows.get(word) ?? rows.size
    rows.set(word, row)
    rowOfFrame[i] = row
  }
  const column = new Uint32Array(frame.length)
  for (let node = 0; node < frame.length; node++) column[node] = rowOfFrame[frame[node]!]!
  return enumField(name, column, [...rows.keys()])
}

interface ProfileFrame {
  readonly fields: Field[]
  readonly refId: string
  readonly view: keyof typeof PANEL_IDS
  readonly custom: TreeFrameMeta | DiffFrameMeta
  readonly notices: QueryResultMetaNotice[]
}

function profileFrame({ fields, refId, view, custom, notices }: ProfileFrame): DataFrame {
  const meta = {
    // Our panel where it is installed, Grafana's own flame graph elsewhere.
    preferredVisualisationPluginId: PANEL_IDS[view],
    preferredVisualisationType: 'flamegraph' as const,
    custom: { flametrail: custom },
    ...(notices.length === 0 ? {} : { notices }),
  }
  // The flame graph inside a span looks for this very name.
  return { name: 'response', refId, fields, length: fields[0]!.values.length, meta }
}

/** What the reader must know before believing the picture, one sentence each. */
function noticesOf(...metas: readonly AnswerMeta[]): QueryResultMetaNotice[] {
  const notices: QueryResultMetaNotice[] = []
  if (metas.some((meta) => meta.sampleProfile))
    notices.push({ severity: 'warning', text: 'This is the sample profile, not this machine.' })
  const unreadable = [...new Set(metas.flatMap((meta) => meta.coverage.unreadable))]
  if (unreadable.length > 0)
    notices.push({
      severity: 'warning',
      text: `Parts of the range could not be read: ${unreadable.join(', ')}.`,
    })
  return notices
}

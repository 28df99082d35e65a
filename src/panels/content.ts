// What does a panel make of the frames it gets? Each answers with a tree to draw or with a sentence.
import type { DataFrame } from '@grafana/data'
import { failure, type Result, success } from '#profile/model/result'
import type { CallTree, DiffTree } from '#profile/tree/call-tree'
import { diffTrees } from '#profile/tree/diff'
import { invertTree } from '#profile/tree/invert'
import type { AnswerMeta } from '#profile/wire/query-api'
import { checkFrame, type FrameContent, frameToTree, isProfileFrame } from '../frame/frame-to-tree.ts'

/** What the component draws. */
export interface PanelContent {
  readonly tree: CallTree | DiffTree
  readonly isInverted: boolean
  readonly unit: string
  /** Of the tree, or of the comparison. */
  readonly meta?: AnswerMeta | undefined
  readonly baselineMeta?: AnswerMeta | undefined
  /** Of the query, `{service_name="cart"}`, where the frame carries it. */
  readonly selector?: string | undefined
}

/** A full inversion may be eight times the tree; this many boxes are more than a window shows. */
const ICEBERG_NODES_MAX = 20_000

export type ReadContent = (series: readonly DataFrame[]) => Result<PanelContent>

/** The flame graph: the first profile among the frames, as it is. */
export const flameContent: ReadContent = (series) => {
  const read = frameToTree(firstProfile(series))
  return read.ok ? success(contentOf(read.value)) : read
}

/** The iceberg: an inverted tree as it is; a complete one is turned over here. A trimmed tree has lost own times, so
 *  turning it would lie: the query must ask for the iceberg. */
export const icebergContent: ReadContent = (series) => {
  const read = frameToTree(firstProfile(series))
  if (!read.ok) return read
  const content = contentOf(read.value)
  if (content.isInverted) return success(content)
  if (read.value.kind === 'diff')
    return failure('This is a diff: it has two sides and no base of its own. Show it in the diff panel.')
  const folded = foldedNodes(read.value)
  if (folded > 0)
    return failure(
      `This profile was trimmed: ${folded} nodes are folded, and with them own times. ` +
        'Ask for the iceberg in the query (invert), or raise its maximum of nodes.',
    )
  return success({
    ...content,
    tree: invertTree(read.value.tree, { maxNodes: ICEBERG_NODES_MAX }),
    isInverted: true,
  })
}

/** The diff: a diff frame, or two profile frames of which the first is the baseline. */
export const diffContent: ReadContent = (series) => {
  const profiles = series.filter(isProfileFrame)
  if (profiles.length === 0) return failure(objectionTo(series))
  const contents: FrameContent[] = []
  for (const frame of profiles) {
    const read = frameToTree(frame)
    if (!read.ok) return read
    if (read.value.kind === 'diff') return success(contentOf(read.value))
    contents.push(read.value)
  }
  const [baseline, comparison] = contents
  if (
    baseline === undefined ||
    comparison === undefined ||
    baseline.kind !== 'tree' ||
    comparison.kind !== 'tree'
  )
    return failure(
      'There is one profile, and a diff needs two. Set the query type to "diff", or add a second query: ' +
        'the first is the baseline, the second the comparison.',
    )
  if (baseline.unit !== comparison.unit)
    return failure(
      `The baseline counts ${baseline.unit}, the comparison ${comparison.unit}: only profiles of one type compare.`,
    )
  const isInverted = baseline.meta?.view === 'iceberg'
  if (isInverted !== (comparison.meta?.view === 'iceberg'))
    return failure('One of the two profiles is an iceberg, the other is not: ask for both in the same way.')
  return success({
    tree: diffTrees({ baseline: baseline.tree, comparison: comparison.tree }),
    isInverted,
    unit: baseline.unit,
    meta: comparison.meta,
    baselineMeta: baseline.meta,
  })
}

/** The first frame that is a profile; else the first of all, to be objected to. */
const firstProfile = (series: readonly DataFrame[]): DataFrame | undefined =>
  series.find(isProfileFrame) ?? series[0]

const objectionTo = (series: readonly DataFrame[]): string => checkFrame(series[0]) ?? ''

function contentOf(content: FrameContent): PanelContent {
  const { tree, unit } = content
  if (content.kind === 'tree')
    return {
      tree,
      unit,
      isInverted: content.meta?.view === 'iceberg',
      meta: content.meta,
      selector: selectorOf(content.meta?.query),
    }
  const isInverted = content.meta?.query.invert === true
  return {
    tree,
    unit,
    isInverted,
    meta: content.meta?.comparison,
    baselineMeta: content.meta?.baseline,
    selector: selectorOf(content.meta?.query),
  }
}

/** The frame carries the query as it was; who made it decides what is in it. */
function selectorOf(query: object | undefined): string | undefined {
  const selector = (query as { readonly labelSelector?: unknown } | undefined)?.labelSelector
  return typeof selector === 'string' && selector !== '{}' ? selector : undefined
}

/** What was counted, as it stands behind the unit: "CPU", or nothing. */
export const countedOf = ({ meta }: PanelContent): string =>
  meta?.type.startsWith('process_cpu:cpu:') === true ? 'CPU' : ''

/** Nodes folded away: as the answer says, or as the tree itself shows. */
function foldedNodes(content: FrameContent & { kind: 'tree' }): number {
  if (content.meta !== undefined) return content.meta.nodes.folded
  return content.tree.folded?.reduce((sum, folded) => sum + folded, 0) ?? 0
}

// What does "Export" hand out? The shown part as a picture, a page or folded lines; the whole answer as JSON. Made here,
// in the browser, of what is shown; the untrimmed query is the backend's to export.

import { makeFormat } from '#profile/picture/format'
import { type Comparing, isDiffTree } from '#profile/picture/graph-model'
import type { PictureOptions } from '#profile/picture/picture'
import { treeSvg } from '#profile/picture/svg'
import type { CallTree, DiffTree } from '#profile/tree/call-tree'
import { subtreeAt, subtreeOfDiff } from '#profile/tree/subtree'
import type { AnswerMeta } from '#profile/wire/query-api'
import { diffToJson, treeToJson } from '#profile/wire/tree-answer'
import { headerParts, type PrintTime } from '../flamegraph/facts.ts'
import type { ViewState } from '../flamegraph/view-state.ts'
import { countedOf, type PanelContent } from './content.ts'
import { foldedText } from './folded-text.ts'

export type ExportFormat = 'SVG' | 'HTML' | 'Folded' | 'JSON'

export interface ExportInput {
  readonly content: PanelContent
  readonly view: ViewState
  /** Of the panel; "" has none. */
  readonly title: string
  readonly isDark: boolean
  readonly comparing: Comparing
  readonly printTime: PrintTime
}
export interface ExportFile {
  /** Letters, digits, `.`, `_` and `-` alone. */
  readonly name: string
  /** Media type. */
  readonly type: string
  readonly text: string
}

/** The formats a tree can have: folded lines know one value, and JSON is the answer of our own backend. */
export function exportFormats({ tree, meta, baselineMeta }: PanelContent): readonly ExportFormat[] {
  const pictures: ExportFormat[] = ['SVG', 'HTML']
  if (isDiffTree(tree))
    return meta === undefined || baselineMeta === undefined ? pictures : [...pictures, 'JSON']
  return meta === undefined ? [...pictures, 'Folded'] : [...pictures, 'Folded', 'JSON']
}

/** Makes the file.    throws  for a format that `exportFormats` does not name, or if the page's parts do not load */
export async function exportFile(format: ExportFormat, input: ExportInput): Promise<ExportFile> {
  const { content, view } = input
  const { tree, isInverted, meta, baselineMeta } = content
  const shown = shownPart(tree, view.zoom)
  if (format === 'SVG') return file(input, 'svg', 'image/svg+xml', treeSvg(shown, pictureOptions(input)))
  if (format === 'HTML') {
    const { htmlText } = await import(/* webpackChunkName: "html-page" */ './html-file.ts')
    return file(input, 'html', 'text/html', htmlText(shown, pictureOptions(input)))
  }
  if (format === 'Folded' && !isDiffTree(shown))
    return file(input, 'folded', 'text/plain', foldedText(shown, { isInverted }))
  if (format === 'JSON' && !isDiffTree(tree) && meta !== undefined)
    return file(input, 'json', 'application/json', JSON.stringify(treeToJson(tree, answerMeta(meta))))
  if (format === 'JSON' && isDiffTree(tree) && meta !== undefined && baselineMeta !== undefined) {
    const sides = { baseline: answerMeta(baselineMeta), comparison: answerMeta(meta) }
    return file(input, 'json', 'application/json', JSON.stringify(diffToJson(tree, sides)))
  }
  throw new Error(`this profile has no ${format} form; it has ${exportFormats(content).join(', ')}`)
}

/** The zoomed part with its ancestors as full bars; all of it where the path is gone. */
function shownPart<Tree extends CallTree | DiffTree>(
  tree: Tree,
  zoom: readonly string[],
): CallTree | DiffTree {
  return (isDiffTree(tree) ? subtreeOfDiff(tree, zoom) : subtreeAt(tree, zoom)) ?? tree
}

function pictureOptions(input: ExportInput): PictureOptions {
  const { content, view, comparing, printTime } = input
  const counted = countedOf(content)
  const header = headerParts({
    tree: content.tree,
    format: makeFormat(content.unit, counted),
    facts: content.meta,
    baselineFacts: content.baselineMeta,
    comparing,
    printTime,
  })
  const lines = [header.map((part) => part.text).join(' · '), content.selector ?? '']
  if (view.zoom.length > 0) lines.push(`under ${view.zoom.join(' › ')}`)
  return {
    title: input.title || kindOf(content),
    subtitle: lines.filter((line) => line !== '').join('\n'),
    unit: content.unit,
    counted,
    orientation: view.orientation,
    theme: input.isDark ? 'dark' : 'light',
    colorBy: view.colorBy,
    palette: view.palette,
    isInverted: content.isInverted,
    comparing,
    baselineSamples: content.baselineMeta?.samples,
    comparisonSamples: content.meta?.samples,
  }
}

const kindOf = ({ tree, isInverted }: PanelContent): string =>
  isDiffTree(tree) ? 'Diff' : isInverted ? 'Iceberg' : 'Flame graph'

/** The answer's own meta, without what the frame added to it. */
const answerMeta = (meta: AnswerMeta): AnswerMeta => ({
  type: meta.type,
  unit: meta.unit,
  fromMs: meta.fromMs,
  toMs: meta.toMs,
  samples: meta.samples,
  endEarly: meta.endEarly,
  unnamed: meta.unnamed,
  ...(meta.lost === undefined ? {} : { lost: meta.lost }),
  nodes: meta.nodes,
  sampleProfile: meta.sampleProfile,
  coverage: meta.coverage,
  tookMs: meta.tookMs,
})

function file(input: ExportInput, ending: string, type: string, text: string): ExportFile {
  const { content, printTime } = input
  const time = content.meta === undefined ? '' : printTime(content.meta.fromMs, 'YYYY-MM-DD_HH-mm-ss')
  const words = ['flametrail', kindOf(content).toLowerCase(), content.selector ?? '', time]
  return {
    name: `${words
      .map(fileWord)
      .filter((word) => word !== '')
      .join('-')}.${ending}`,
    type,
    text,
  }
}

const WORD_CHARACTERS_MAX = 60

/** A text as part of a file name that every system and every shell takes. */
const fileWord = (text: string): string =>
  text
    .replace(/[^A-Za-z0-9._-]+/g, '_')
    .slice(0, WORD_CHARACTERS_MAX)
    .replace(/^[._-]+|[._-]+$/g, '')

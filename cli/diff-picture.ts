// How does a comparison become a picture to pass on? By the ending of the file's name, as an SVG or as a page.
import { writeFileSync } from 'node:fs'
import { treeHtml } from '#profile/picture/html'
import { treeSvg } from '#profile/picture/svg'
import type { DiffTree } from '#profile/tree/call-tree'
import { reason } from './client.ts'
import { Refusal, UsageError } from './command.ts'
import type { SampleCounts } from './function-changes.ts'
import { readHtmlPage } from './html-page.ts'

export interface DiffPicture {
  readonly tree: DiffTree
  readonly names: readonly [baseline: string, comparison: string]
  readonly unit: string
  readonly samples: SampleCounts
}
export type WriteDiff = (picture: DiffPicture) => void

/** Looks at the name before there is anything to draw.
 *  out     draws and writes; throws Refusal
 *  throws  UsageError for another ending, Refusal where the script of pages is not built */
export function diffWriter(output: string): WriteDiff {
  if (output.endsWith('.svg')) return (picture) => keep(output, treeSvg(picture.tree, optionsOf(picture)))
  if (output.endsWith('.html')) {
    const page = readHtmlPage()
    return (picture) => keep(output, treeHtml(picture.tree, { ...optionsOf(picture), ...page }))
  }
  throw new UsageError(`-o ${output}: the name must end in .svg or .html, which says the format`)
}

function optionsOf({ names, unit, samples }: DiffPicture) {
  const side = (word: string, name: string, count: number | undefined) =>
    `${word} ${name}${count === undefined ? '' : ` · ${count} samples`}`
  return {
    title: 'Diff',
    subtitle: [
      side('baseline', names[0], samples.baseline),
      side('comparison', names[1], samples.comparison),
    ].join('\n'),
    unit,
    counted: unit === 'nanoseconds' ? 'CPU' : undefined,
    orientation: 'icicle' as const,
    baselineSamples: samples.baseline,
    comparisonSamples: samples.comparison,
  }
}

function keep(output: string, text: string): void {
  try {
    writeFileSync(output, text)
  } catch (error) {
    throw new Refusal(`${output} cannot be written (${reason(error)})`)
  }
}

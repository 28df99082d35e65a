// How does an export become a picture? An SVG, or a page that carries its own script, drawn from the tree by profile/picture;
// what people must know of the numbers (when, of whom, how many samples, what is missing) stands under the title.
import { readFileSync } from 'node:fs'
import { treeHtml } from '#profile/picture/html'
import { treeSvg } from '#profile/picture/svg'
import type { AnswerMeta } from '#profile/wire/query-api'
import { ServiceError } from './errors.ts'
import type { DrawPicture, PictureOf } from './query/query-service.ts'

/** in  pageDirectory  holds html-page.js and html-page.css as the build makes them
 *  out  throws ServiceError `unimplemented` for a page when they are not there */
export function createDrawPicture(pageDirectory: URL): DrawPicture {
  let page: { readonly script: string; readonly style: string } | undefined
  return (picture) => {
    const options = optionsOf(picture)
    if (picture.format === 'svg') return treeSvg(picture.tree, options)
    page ??= readPage(pageDirectory)
    return treeHtml(picture.tree, { ...options, ...page })
  }
}

function readPage(directory: URL) {
  const read = (name: string) => readFileSync(new URL(name, directory), 'utf8')
  try {
    return { script: read('html-page.js'), style: read('html-page.css') }
  } catch (error) {
    throw new ServiceError(
      'unimplemented',
      'this backend was built without the script of HTML pages; ask for format=svg, or build it: npm run build node',
      { cause: error },
    )
  }
}

function optionsOf({ query, view, meta, baseline }: PictureOf) {
  const isDiff = baseline !== undefined
  const sides = isDiff
    ? [`baseline ${sentence(baseline.query, baseline.meta)}`, `comparison ${sentence(query, meta)}`]
    : [sentence(query, meta)]
  const samples = (one: AnswerMeta | undefined) =>
    one?.unit === 'nanoseconds' && one.samples > 0 ? one.samples : undefined
  return {
    title: isDiff ? `Diff, ${view}` : view === 'iceberg' ? 'Iceberg' : 'Flame graph',
    subtitle: [meta.type, ...sides].join('\n'),
    unit: meta.unit,
    counted: meta.unit === 'nanoseconds' ? 'CPU' : undefined,
    orientation: 'icicle' as const,
    isInverted: view === 'iceberg',
    baselineSamples: samples(baseline?.meta),
    comparisonSamples: isDiff ? samples(meta) : undefined,
  }
}

/** What is asked, when, how much of it there is, and what is wrong with it. */
function sentence(query: string, meta: AnswerMeta): string {
  const moment = (ms: number) => new Date(ms).toISOString().replace('.000Z', 'Z')
  const unreadable = meta.coverage.unreadable.length
  return [
    query,
    `${moment(meta.fromMs)} to ${moment(meta.toMs)}`,
    `${meta.samples} samples`,
    ...(meta.endEarly > 0 ? [`${(meta.endEarly * 100).toFixed(1)} % of stacks end early`] : []),
    ...(meta.unnamed > 0 ? [`${(meta.unnamed * 100).toFixed(1)} % of frames have no name`] : []),
    ...(unreadable > 0 ? [`${unreadable} store files could not be read`] : []),
    ...(meta.sampleProfile ? ['holds the SAMPLE profile, which nobody measured'] : []),
  ].join(' · ')
}

// How does an answer become a file? The tree or the diff that was asked for, whole, in the words of one format. Folds,
// encoding and compression happen here, in the thread of the store.
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { checkSelector } from '#profile/labels/check-selector'
import { type Labels, labelsOf, labelValue } from '#profile/model/labels'
import type { Result } from '#profile/model/result'
import { profileOfAnswer } from '#profile/wire/answer-profile'
import { foldedDiffLines, foldedTreeLines } from '#profile/wire/folded-tree'
import { encodeOtlpProfiles } from '#profile/wire/otlp-profiles'
import { encodePprof } from '#profile/wire/pprof'
import type { AnswerMeta, DiffAnswer, ExportFormat, TreeAnswer } from '#profile/wire/query-api'
import { diffFromJson, treeFromJson } from '#profile/wire/tree-answer'
import { ServiceError } from '../errors.ts'
import type { Limits } from '../limits.ts'
import { diff } from './diff-query.ts'
import { type Asked, flame, iceberg } from './profile-query.ts'
import type { DrawPicture, ExportedFile, ParsedExport } from './query-service.ts'

const compress = promisify(gzip)

const FILES: Readonly<Record<ExportFormat, { readonly extension: string; readonly contentType: string }>> = {
  pprof: { extension: 'pb.gz', contentType: 'application/octet-stream' },
  folded: { extension: 'folded', contentType: 'text/plain; charset=utf-8' },
  svg: { extension: 'svg', contentType: 'image/svg+xml' },
  html: { extension: 'html', contentType: 'text/html; charset=utf-8' },
  otlp: { extension: 'otlp', contentType: 'application/octet-stream' },
  json: { extension: 'json', contentType: 'application/json; charset=utf-8' },
}

/** What a picture is trimmed from: more than it shows, far less than a whole iceberg. */
const PICTURE_NODES = 20_000

interface ExportAsked extends Asked {
  readonly drawPicture: DrawPicture | undefined
}

/** Asks the query behind the file and writes it.
 *  throws ServiceError as flame, iceberg and diff do; `invalid` for a view that the format cannot hold; `limit` */
export async function exportFile(request: ParsedExport, asked: ExportAsked): Promise<ExportedFile> {
  const { format, view, baseline, comparison, path, groupBy } = request
  const maxNodes = isPicture(format) ? Math.min(request.maxNodes, PICTURE_NODES) : request.maxNodes
  const { type, query, from, to } = request
  refuseWhatHasNoStacks(request)
  const selection = { type, query, from, to }
  const isDiff = baseline !== undefined || comparison !== undefined
  const answer = isDiff
    ? await diff(
        { baseline: baseline ?? selection, comparison: comparison ?? selection, view, path, maxNodes },
        asked,
      )
    : await (view === 'flame' ? flame : iceberg)({ ...selection, path, maxNodes, groupBy }, asked)
  const body = answer.kind === 'diff' ? diffBody(answer, request, asked) : treeBody(answer, request, asked)
  checkBytes(body.length, asked.limits)
  const meta = answer.kind === 'diff' ? answer.comparison : answer.meta
  return {
    name: fileName(request, { view: isDiff ? 'diff' : view, fromMs: meta.fromMs }),
    contentType: FILES[format].contentType,
    body: format === 'pprof' ? new Uint8Array(await compress(body)) : body, // what every reader of .pb.gz expects
  }
}

/** pprof and OTLP hold call stacks with one value each: no icebergs and no diffs. */
function refuseWhatHasNoStacks({ format, view, baseline, comparison }: ParsedExport): void {
  if (format !== 'pprof' && format !== 'otlp') return
  const got = baseline !== undefined || comparison !== undefined ? 'a diff' : view
  if (got === 'flame') return
  throw new ServiceError(
    'invalid',
    `format ${format} holds call stacks of one side, not ${got === 'a diff' ? got : `an ${got}`}; ` +
      `ask for view=flame without baseline and comparison, or for folded or json`,
    { key: 'format', got: format },
  )
}

function treeBody(
  answer: TreeAnswer,
  { format, query, view }: ParsedExport,
  { limits, drawPicture }: ExportAsked,
): Uint8Array {
  // An answer does not say which way it stands; a file must, or an import would take callees for callers.
  if (format === 'json') return utf8(JSON.stringify(view === 'flame' ? answer : { ...answer, view }))
  const { tree, meta } = ours(treeFromJson(answer))
  if (isPicture(format)) return utf8(sureOf(drawPicture)({ format, view, tree, query, meta }))
  if (format === 'folded') return bounded(foldedTreeLines(tree, samplesOf(meta)), limits)
  const profile = ours(profileOfAnswer(tree, meta, labelsAsked(query)))
  return format === 'pprof' ? encodePprof(profile) : encodeOtlpProfiles({ profiles: [profile] })
}

function diffBody(
  answer: DiffAnswer,
  request: ParsedExport,
  { limits, drawPicture }: ExportAsked,
): Uint8Array {
  const { format, view, query } = request
  if (format === 'json') return utf8(JSON.stringify(answer))
  const { tree, baseline, comparison } = ours(diffFromJson(answer))
  if (isPicture(format)) {
    const sides = {
      query: request.comparison?.query ?? query,
      meta: comparison,
      baseline: { query: request.baseline?.query ?? query, meta: baseline },
    }
    return utf8(sureOf(drawPicture)({ format, view, tree, ...sides }))
  }
  const samples = { baseline: samplesOf(baseline), comparison: samplesOf(comparison) }
  return bounded(foldedDiffLines(tree, samples), limits)
}

const isPicture = (format: ExportFormat): format is 'svg' | 'html' => format === 'svg' || format === 'html'

function sureOf(drawPicture: DrawPicture | undefined): DrawPicture {
  if (drawPicture !== undefined) return drawPicture
  throw new ServiceError('unimplemented', 'this backend draws no pictures; ask for folded or json', {
    key: 'format',
  })
}

/** Folded lines count samples, as every reader of them expects; values of types without a period stay as they are. */
const samplesOf = (meta: AnswerMeta) =>
  meta.unit === 'nanoseconds' && meta.samples > 0 ? meta.samples : undefined

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Lines as bytes. A thousand names of 8 kB in each of a million lines must not be made before someone objects. */
function bounded(lines: Iterable<string>, limits: Limits): Uint8Array {
  const parts: Uint8Array[] = []
  let [bytes, held] = [0, '']
  const keep = () => {
    const part = utf8(held)
    bytes += part.length
    checkBytes(bytes, limits)
    parts.push(part)
    held = ''
  }
  for (const line of lines) {
    held += line
    if (held.length > 65_536) keep()
  }
  keep()
  const body = new Uint8Array(bytes)
  let at = 0
  for (const part of parts) {
    body.set(part, at)
    at += part.length
  }
  return body
}

function checkBytes(bytes: number, { exportBytes }: Limits): void {
  if (bytes <= exportBytes) return
  throw new ServiceError(
    'limit',
    `the file has more than ${exportBytes} bytes (limits.exportBytes); ask for fewer with maxNodes, or narrow query or range`,
    { key: 'limits.exportBytes', limit: exportBytes },
  )
}

/** What the selector demands is what all stacks of the file have in common. */
function labelsAsked(query: string): Labels {
  const { matchers } = ours(checkSelector(query)) // the query has been answered
  return labelsOf(
    matchers
      .filter(({ name, operator }) => operator === '=' && !name.startsWith('__'))
      .map(({ name, value }) => [name, value]),
  )
}

/** `flametrail-flame-api-20261124T100000Z.folded`: what it shows, of whom, since when. */
function fileName(
  { query, format }: ParsedExport,
  { view, fromMs }: { readonly view: string; readonly fromMs: number },
): string {
  const moment = new Date(fromMs).toISOString().replaceAll(/[-:]|\.\d+/g, '')
  const words = [labelValue(labelsAsked(query), 'service_name'), moment]
  const safe = words.map((word) => word.replaceAll(/[^A-Za-z0-9._-]+/g, '_').slice(0, 60))
  return `${['flametrail', view, ...safe.filter((word) => word !== '')].join('-')}.${FILES[format].extension}`
}

/** What we have just made ourselves. */
function ours<T>(result: Result<T>): T {
  if (result.ok) return result.value
  throw new Error(result.error.message)
}

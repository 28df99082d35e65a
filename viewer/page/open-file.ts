// What is in a profile file that was dropped on the page? pprof or folded, gzipped or not: read here, in the browser, no
// byte of it goes to the backend. What is too large or broken is refused with a sentence; nothing in a file is trusted.
import type { DataFrame } from '@grafana/data'
import { labelsOf } from '#profile/model/labels'
import type { Profile } from '#profile/model/profile'
import { printProfileType } from '#profile/model/profile-type'
import { failure, type Result, success } from '#profile/model/result'
import { buildTreeOfProfile } from '#profile/tree/build'
import type { CallTree } from '#profile/tree/call-tree'
import { pruneTree } from '#profile/tree/prune'
import { qualityOf } from '#profile/tree/quality'
import { parseFolded } from '#profile/wire/folded'
import { decodePprof, isGzip } from '#profile/wire/pprof'
import type { AnswerMeta } from '#profile/wire/query-api'
import { treeToJson } from '#profile/wire/tree-answer'
import { grouped, type WireLimits } from '#profile/wire/wire-limits'
import { MAX_NODES } from '../../src/datasource/query.ts'
import { treeToFrame } from '../../src/frame/tree-to-frame.ts'

export interface OpenedFile {
  readonly name: string
  /** One per sample type, at least one; the first to look at is `first`. */
  readonly profiles: readonly Profile[]
  readonly first: number
  /** Sentences about what was left out. */
  readonly notes: readonly string[]
}

/** Of a file as it is, and inflated: a tab has a few hundred megabytes to work with. */
export const FILE_BYTES_MAX = 64 * 2 ** 20
export const INFLATED_BYTES_MAX = 256 * 2 ** 20

/** As the backend's defaults, but for samples: a file may be a whole day. */
const LIMITS: WireLimits = {
  profilesPerRequest: 64,
  samplesMax: 2_000_000,
  tableEntries: 4 * 2 ** 20,
  stackDepth: 1_000,
  stringBytes: 8_192,
  labelNames: 64,
  labelNameBytes: 1_024,
  labelValueBytes: 2_048,
}
const NO_TYPE = {
  name: 'samples',
  sampleType: 'samples',
  sampleUnit: 'count',
  periodType: '',
  periodUnit: '',
}

/** Reads a file.    errors  too large, no whole gzip, and the decoder's own sentence, each with the file's name */
export async function openFile(file: File): Promise<Result<OpenedFile>> {
  const name = file.name.slice(0, 200)
  const refuse = (sentence: string) => failure<OpenedFile>(`${name}: ${sentence}`)
  if (file.size === 0) return refuse('the file is empty. A pprof or folded file is expected.')
  if (file.size > FILE_BYTES_MAX)
    return refuse(
      `the file has ${grouped(file.size)} bytes; ${grouped(FILE_BYTES_MAX)} can be opened here. Import larger ones: flametrail import.`,
    )
  const raw = await readAll(file)
  if (!raw.ok) return refuse(raw.error.message)
  const bytes = isGzip(raw.value) ? await inflate(raw.value) : raw
  if (!bytes.ok) return refuse(bytes.error.message)
  const read = isText(bytes.value) ? readFolded(bytes.value) : readPprof(bytes.value)
  if (!read.ok) return refuse(read.error.message)
  if (read.value.profiles.every(({ samples }) => samples.value.length === 0))
    return refuse('there is no sample in it.')
  return success({ name, first: firstOf(read.value.profiles), ...read.value })
}

/** The frame that a panel draws.
 *  in  isWhole  every node, for the iceberg, which is turned over from a complete tree; else the heaviest
 *  out of a file that says no time or counts nothing we know, a frame without meta: the header then is silent about it */
export function frameOf(profile: Profile, isWhole: boolean): DataFrame {
  const whole = buildTreeOfProfile(profile)
  const { tree, foldedNodes } = isWhole ? { tree: whole, foldedNodes: 0 } : pruneTree(whole, MAX_NODES)
  const answer = treeToJson(tree, metaOf(profile, { tree, foldedNodes }))
  const frame = treeToFrame({ answer, query: {}, refId: 'A' })
  if (profile.timeMs > 0) return frame
  const { custom: _, ...meta } = frame.meta ?? {}
  return { ...frame, meta }
}

function metaOf(
  profile: Profile,
  { tree, foldedNodes }: { readonly tree: CallTree; readonly foldedNodes: number },
): AnswerMeta {
  const { type, period, timeMs, durationMs } = profile
  const total = tree.total[0] ?? 0
  const isCounted = type.sampleUnit === 'count'
  const isTimed = type.sampleUnit === type.periodUnit && type.sampleType === type.periodType && period > 0
  return {
    type: printProfileType(type),
    unit: type.sampleUnit,
    fromMs: timeMs,
    toMs: timeMs + durationMs,
    samples: isCounted ? total : isTimed ? Math.round(total / period) : profile.samples.value.length,
    ...qualityOf([tree]),
    nodes: { sent: tree.depth.length, folded: foldedNodes },
    sampleProfile: false,
    coverage: { unreadable: [] },
    tookMs: 0,
  }
}

async function readAll(file: File): Promise<Result<Uint8Array<ArrayBuffer>>> {
  try {
    return success(new Uint8Array(await file.arrayBuffer()))
  } catch (error) {
    // How a browser says that a file is a folder, is gone, or may not be read.
    if (!(error instanceof DOMException)) throw error
    return failure(`it cannot be read (${error.message}). Folders are not opened, only files in them.`)
  }
}

/** Bytes of a gzip file, at most INFLATED_BYTES_MAX of them: a few kilobytes can be made to swell without end. */
async function inflate(bytes: Uint8Array<ArrayBuffer>): Promise<Result<Uint8Array>> {
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip')).getReader()
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      length += value.length
      if (length > INFLATED_BYTES_MAX) {
        await reader.cancel()
        return failure(`it inflates to more than ${grouped(INFLATED_BYTES_MAX)} bytes, which are allowed.`)
      }
      chunks.push(value)
    }
  } catch (error) {
    // What the stream says of bytes that are no gzip, or end too soon; anything else is a mistake of ours.
    if (!(error instanceof TypeError) && !(error instanceof Error && 'code' in error)) throw error
    return failure(`the gzip stream in it is broken or cut off (${error.message}).`)
  }
  const inflated = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    inflated.set(chunk, at)
    at += chunk.length
  }
  return success(inflated)
}

/** Protocol buffers have bytes below a space within the first fields; lines of text have none but tab and line ends. */
function isText(bytes: Uint8Array): boolean {
  return bytes.subarray(0, 4_096).every((byte) => byte >= 0x20 || byte === 9 || byte === 10 || byte === 13)
}

type Read = Pick<OpenedFile, 'profiles' | 'notes'>

function readFolded(bytes: Uint8Array): Result<Read> {
  const head = { type: NO_TYPE, period: 0, timeMs: 0, durationMs: 0 }
  const text = new TextDecoder().decode(bytes)
  const parsed = parseFolded(text, { head, labels: labelsOf([]), limits: LIMITS })
  return parsed.ok ? success({ profiles: [parsed.value], notes: [] }) : parsed
}

function readPprof(bytes: Uint8Array): Result<Read> {
  const decoded = decodePprof(bytes, { limits: LIMITS, labels: labelsOf([]) })
  if (!decoded.ok) return decoded
  const { profiles, warnings, cut } = decoded.value
  const cuts = cut
    // Nobody asked for the samples' own labels.
    .filter(({ reason }) => !reason.includes('label'))
    .map(({ reason, count }) => `${grouped(count)} shortened: ${reason.replaceAll('_', ' ')}.`)
  return success({ profiles, notes: [...warnings, ...cuts] })
}

/** CPU time where there is some; else the last column, which is what `go tool pprof` shows. */
function firstOf(profiles: readonly Profile[]): number {
  const cpu = profiles.findIndex(({ type }) => type.sampleType === 'cpu')
  return cpu >= 0 ? cpu : profiles.length - 1
}

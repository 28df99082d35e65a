// What is in this file? pprof, an OTLP request, folded lines or a tree in JSON, gzipped or plain, told apart by content, never by
// name: names lie. All become Profiles.
import { gunzipSync } from 'node:zlib'
import { type Labels, labelsOf, labelValue } from '#profile/model/labels'
import type { Profile } from '#profile/model/profile'
import { CPU_SAMPLES } from '#profile/model/profile-type'
import { failure, type Result, success } from '#profile/model/result'
import { profileOfAnswer } from '#profile/wire/answer-profile'
import { parseFolded } from '#profile/wire/folded'
import { decodeOtlpProfiles, type WireLimits } from '#profile/wire/otlp-profiles'
import { decodePprof, isGzip } from '#profile/wire/pprof'
import { MalformedBytes, ProtoReader } from '#profile/wire/proto-reader'
import { treeFromJson } from '#profile/wire/tree-answer'

export interface FileOptions {
  readonly limits: WireLimits & { readonly exportBytes: number }
  /** Stands in for the time of formats that hold none. */
  readonly timeMs: number
  /** Of all samples, over those of the file. */
  readonly labels: Labels
  /** Where the file does not name a service. */
  readonly serviceName: string
  /** Of folded lines, which say nothing of it. */
  readonly frequencyHz: number
}
export interface ProfileFile {
  readonly format: 'pprof' | 'folded' | 'OTLP' | 'JSON'
  readonly profiles: readonly Profile[]
  /** Sentences about what was odd or left out. */
  readonly warnings: readonly string[]
}

/** Reads the bytes of a file.
 *  errors  what came, and the formats there are; the sentence of the format's own reader
 *  cost    inflated bytes bounded by limits.exportBytes, the rest by the readers */
export function readProfileFile(bytes: Uint8Array, options: FileOptions): Result<ProfileFile> {
  const inflated = isGzip(bytes) ? inflate(bytes, options.limits.exportBytes) : success(bytes)
  if (!inflated.ok) return inflated
  const read = readPlain(inflated.value, options)
  if (!read.ok) return read
  return success({ ...read.value, profiles: read.value.profiles.map((profile) => relabel(profile, options)) })
}

/** The profiles with all samples moved by one distance, so that the first begins at `timeMs`. */
export function movedTo(profiles: readonly Profile[], timeMs: number): readonly Profile[] {
  const shift =
    timeMs - profiles.reduce((first, profile) => Math.min(first, profile.timeMs), Number.POSITIVE_INFINITY)
  return profiles.map((profile) => ({
    ...profile,
    timeMs: profile.timeMs + shift,
    samples: { ...profile.samples, timeMs: profile.samples.timeMs.map((moment) => moment + shift) },
  }))
}

function inflate(bytes: Uint8Array, bytesMax: number): Result<Uint8Array> {
  try {
    return success(new Uint8Array(gunzipSync(bytes, { maxOutputLength: bytesMax })))
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ERR_BUFFER_TOO_LARGE')
      return failure(`it inflates to more than ${bytesMax} bytes; split it, or lower its rate`)
    return failure(`its gzip is damaged: ${message}`)
  }
}

function readPlain(bytes: Uint8Array, options: FileOptions): Result<ProfileFile> {
  if (bytes.length === 0) return failure('it is empty')
  const text = textOf(bytes)
  if (text !== undefined) return /^\s*\{/.test(text) ? readJson(text) : readFolded(text, options)
  switch (messageOf(bytes)) {
    case 'pprof':
      return readPprof(bytes, options)
    case 'OTLP':
      return readOtlp(bytes, options)
    default:
      return failure(
        'it is none of pprof, OTLP profiles, folded lines and the JSON of `flametrail export`, gzipped or plain',
      )
  }
}

/** The bytes as text; undefined if they are none. Protobuf has bytes below the tab in every message we look for. */
function textOf(bytes: Uint8Array): string | undefined {
  if (bytes.some((byte) => byte < 9)) return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    if (error instanceof TypeError) return undefined
    throw error
  }
}

/** Both are protobuf messages without a name: a pprof has its types (1) and its string table (6), an OTLP request resources
 *  (1) and a dictionary (2) and nothing else. */
function messageOf(bytes: Uint8Array): 'pprof' | 'OTLP' | undefined {
  const fields = new Set<number>()
  try {
    const reader = new ProtoReader(bytes)
    while (reader.next()) fields.add(reader.field)
  } catch (error) {
    if (error instanceof MalformedBytes) return undefined
    throw error
  }
  if (fields.has(1) && fields.has(6)) return 'pprof'
  return [...fields].every((field) => field <= 2) ? 'OTLP' : undefined
}

function readPprof(bytes: Uint8Array, { limits, timeMs }: FileOptions): Result<ProfileFile> {
  const read = decodePprof(bytes, { limits, labels: [], receivedMs: timeMs })
  if (!read.ok) return read
  const cut = read.value.cut.map(({ reason, count }) => `${count} cut: ${reason}`)
  return success({
    format: 'pprof',
    profiles: read.value.profiles,
    warnings: [...read.value.warnings, ...cut],
  })
}

function readOtlp(bytes: Uint8Array, { limits, timeMs }: FileOptions): Result<ProfileFile> {
  const read = decodeOtlpProfiles(bytes, { limits, receivedMs: timeMs })
  if (!read.ok) return read
  const { profiles, warnings, rejected, cut } = read.value
  return success({
    format: 'OTLP',
    profiles,
    warnings: [
      ...warnings,
      ...rejected.map(({ count, message }) => `${count} profiles left out: ${message}`),
      ...cut.map(({ reason, count }) => `${count} cut: ${reason}`),
    ],
  })
}

/** Lines count CPU samples, as those of `perf` and of our own export do. */
function readFolded(text: string, { limits, timeMs, frequencyHz }: FileOptions): Result<ProfileFile> {
  const period = Math.round(1e9 / frequencyHz)
  const head = { type: CPU_SAMPLES, period, timeMs, durationMs: 0 }
  const read = parseFolded(text, { head, labels: [], limits })
  return read.ok ? success({ format: 'folded', profiles: [read.value], warnings: [] }) : read
}

function readJson(text: string): Result<ProfileFile> {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return failure(`it is no JSON: ${error.message.slice(0, 200)}`)
    throw error
  }
  if ((json as { view?: unknown } | null)?.view === 'iceberg')
    return failure('it holds an iceberg, whose stacks stand upside down; export it with --view flame')
  const read = treeFromJson(json)
  if (!read.ok) return read
  const profile = profileOfAnswer(read.value.tree, read.value.meta)
  return profile.ok ? success({ format: 'JSON', profiles: [profile.value], warnings: [] }) : profile
}

/** What OTLP calls a service without a name. */
const UNNAMED: readonly string[] = ['', 'unknown_service']

function relabel(profile: Profile, { labels, serviceName }: FileOptions): Profile {
  const labelSets = profile.labelSets.map((set) => {
    const named = labelsOf([...set, ...labels])
    return UNNAMED.includes(labelValue(named, 'service_name'))
      ? labelsOf([...named, ['service_name', serviceName]])
      : named
  })
  return { ...profile, labelSets }
}

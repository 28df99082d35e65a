// What does one ask the backend, and what comes back? Requests with their validators, and the types of the answers.
// Backend, plugin and command line read this same file; the plugin imports only its types, so that zod stays out of it.
// Every query route takes GET (repeatable query parameters) or POST (the same fields as JSON); answers are JSON.
import { z } from 'zod'

const text = (most: number) => z.string().max(most)
/** Epoch milliseconds, or now, now-1h30m, RFC 3339, or digits (10 s, 13 ms, 16 µs, 19 ns): see `time.ts`. */
const time = z.union([z.number(), text(64)])

const selection = {
  /** Profile type id or alias. */
  type: text(256).default('cpu'),
  /** Selector: {service_name="api",host=~"web-.+"}; may carry the type in front. */
  query: text(8192).default('{}'),
  from: time.default('now-1h'),
  to: time.default('now'),
}
const maxNodes = z.coerce.number().int().min(1).max(1_048_576).default(2_000)
/** Call path from the root, names: only this subtree. */
const path = z.array(text(8192)).max(1000).default([])

export const SeriesRequest = z.strictObject({
  ...selection,
  /** Seconds between points; absent: at most about 200 points, at least 10 s. */
  step: z.coerce.number().min(1).optional(),
  group: z.array(text(1024)).max(8).default([]),
  limit: z.coerce.number().int().min(1).max(1000).default(20),
})
export const TreeRequest = z.strictObject({
  ...selection,
  maxNodes,
  path,
  /** Labels that become the first levels of the tree. */
  groupBy: z.array(text(1024)).max(4).default([]),
})
export const DiffSide = z.strictObject(selection)
export const DiffRequest = z.strictObject({
  baseline: DiffSide,
  comparison: DiffSide,
  maxNodes,
  path,
  view: z.enum(['flame', 'iceberg']).default('flame'),
})
/** Formats of /export: pprof (gzipped), folded lines, a picture, a page that zooms and searches by itself, an OTLP request,
 *  the answer of the query as it is. Pictures and pages show at most 1,000 frames and count the others. */
export const EXPORT_FORMATS = ['pprof', 'folded', 'svg', 'html', 'otlp', 'json'] as const
/** /export: a tree query as a file. With `baseline` a diff; its comparison is the selection itself unless it is given. */
export const ExportRequest = z.strictObject({
  ...selection,
  format: z.enum(EXPORT_FORMATS),
  view: z.enum(['flame', 'iceberg']).default('flame'),
  maxNodes: maxNodes.default(1_048_576), // a file is for keeping: all of it
  path,
  groupBy: z.array(text(1024)).max(4).default([]),
  baseline: DiffSide.optional(),
  comparison: DiffSide.optional(),
})
export const TopRequest = z.strictObject({
  ...selection,
  sort: z.enum(['self', 'total']).default('self'),
  limit: z.coerce.number().int().min(1).max(10_000).default(100),
})
/** /quality: how far the stacks of each group can be trusted. */
export const QualityRequest = z.strictObject({
  ...selection,
  group: z.array(text(1024)).max(8).default(['service_name']),
  limit: z.coerce.number().int().min(1).max(1000).default(20),
})
export const LabelsRequest = z.strictObject({
  ...selection,
  prefix: text(1024).default(''),
  limit: z.coerce.number().int().min(1).max(10_000).default(1_000),
})
export const ProfileTypesRequest = z.strictObject({ from: selection.from, to: selection.to })

export type SeriesRequest = z.input<typeof SeriesRequest>
export type TreeRequest = z.input<typeof TreeRequest>
export type DiffSide = z.input<typeof DiffSide>
export type DiffRequest = z.input<typeof DiffRequest>
export type ExportRequest = z.input<typeof ExportRequest>
export type ExportFormat = (typeof EXPORT_FORMATS)[number]
export type TopRequest = z.input<typeof TopRequest>
export type QualityRequest = z.input<typeof QualityRequest>
export type LabelsRequest = z.input<typeof LabelsRequest>
export type ProfileTypesRequest = z.input<typeof ProfileTypesRequest>

/** Stands in every answer. */
export interface AnswerMeta {
  /** Profile type id, and the unit of every value ("nanoseconds", "bytes", "count"). */
  readonly type: string
  readonly unit: string
  /** Effective half-open range, epoch ms. */
  readonly fromMs: number
  readonly toMs: number
  /** How many samples the values stand for (value ÷ period for CPU). */
  readonly samples: number
  /** Share of `samples` whose stack ends early, 0 to 1: its root frame is "[truncated]". */
  readonly endEarly: number
  /** Share of the frames, weighted with `samples`, that have no name but an address, 0 to 1. */
  readonly unnamed: number
  /** Share of the samples that the agents of these hosts should have taken in this time and lost, 0 to 1: by host, whatever
   *  else the selector says. Absent where no agent gave account: files, other senders. */
  readonly lost?: number
  /** Nodes in the answer, and nodes folded away by maxNodes. */
  readonly nodes: { readonly sent: number; readonly folded: number }
  /** True if any of the samples come from the sample profile that stands in where no agent can run. */
  readonly sampleProfile: boolean
  /** Store files that could not be read, and ranges whose files are gone. */
  readonly coverage: { readonly unreadable: readonly string[] }
  readonly tookMs: number
}

/** Columns of the frame table, as JSON. */
export interface FramesColumns {
  readonly name: readonly string[]
  readonly file: readonly string[]
  readonly mapping: readonly string[]
  readonly kind: readonly string[]
}
/** `file`, `mapping` and `kind` are indexes into `strings`: they repeat. */
export interface FramesJson {
  readonly strings: readonly string[]
  readonly name: readonly string[]
  readonly file: readonly number[]
  readonly mapping: readonly number[]
  readonly kind: readonly number[]
}
/** /flame, /iceberg: a CallTree in columns (`wire/tree-answer.ts` reads and writes it). */
export interface TreeAnswer {
  readonly kind: 'tree'
  readonly meta: AnswerMeta
  readonly frames: FramesJson
  readonly depth: readonly number[]
  readonly frame: readonly number[]
  readonly self: readonly number[]
  readonly total: readonly number[]
  /** Absent if nothing was folded. */
  readonly folded?: readonly number[]
}
/** /diff. */
export interface DiffAnswer {
  readonly kind: 'diff'
  readonly baseline: AnswerMeta
  readonly comparison: AnswerMeta
  readonly frames: FramesJson
  readonly depth: readonly number[]
  readonly frame: readonly number[]
  readonly baselineSelf: readonly number[]
  readonly baselineTotal: readonly number[]
  readonly comparisonSelf: readonly number[]
  readonly comparisonTotal: readonly number[]
  readonly folded?: readonly number[]
}
/** /series: `v[i][j]` is series i at t[j]; for CPU in cores, else unit per second. t: start of each step, epoch ms. */
export interface SeriesAnswer {
  readonly kind: 'series'
  readonly meta: AnswerMeta
  /** "cores" for CPU, else "<unit>/s". */
  readonly valueUnit: string
  readonly stepS: number
  readonly labels: readonly Readonly<Record<string, string>>[]
  readonly t: readonly number[]
  /** null where nobody reported. */
  readonly v: readonly (readonly (number | null)[])[]
}
/** /top: exact, counted before any trimming. */
export interface TopAnswer {
  readonly kind: 'top'
  readonly meta: AnswerMeta
  readonly total: number
  /** Functions in all, before `limit`. */
  readonly functions: number
  readonly name: readonly string[]
  readonly file: readonly string[]
  readonly mapping: readonly string[]
  readonly self: readonly number[]
  readonly totals: readonly number[]
}
/** /quality: columns, most samples first. A column's `[i]` belongs to `labels[i]`. */
export interface QualityAnswer {
  readonly kind: 'quality'
  readonly meta: AnswerMeta
  readonly labels: readonly Readonly<Record<string, string>>[]
  readonly samples: readonly number[]
  /** Shares as in AnswerMeta, 0 to 1. */
  readonly endEarly: readonly number[]
  readonly unnamed: readonly number[]
}
/** /labels: names; /labels/{name}/values: values. Both with the number of series behind each. */
export interface LabelsAnswer {
  readonly kind: 'labels'
  readonly names: readonly string[]
  readonly series: readonly number[]
}
/** /profile-types. */
export interface ProfileTypesAnswer {
  readonly kind: 'profile-types'
  readonly types: readonly { readonly id: string; readonly alias: string; readonly unit: string }[]
}
/** /status. */
export interface StatusAnswer {
  readonly kind: 'status'
  readonly version: string
  readonly startedMs: number
  readonly nowMs: number
  readonly store: {
    readonly files: number
    readonly bytes: number
    readonly oldestMs: number | null
    readonly newestMs: number | null
    readonly series: number
    readonly services: number
    readonly hosts: number
    readonly retention: { readonly ageMs: number; readonly bytes: number }
    readonly quarantined: readonly string[]
  }
  readonly ingest: {
    readonly requests: number
    readonly samples: number
    readonly duplicates: number
    /** Reason → count of profiles or requests refused, and of things cut. */
    readonly discarded: Readonly<Record<string, number>>
  }
  readonly agents: readonly AgentStatus[]
}
/** One agent's counters as last reported; received + idle + Σ dropped should equal expected within 2 %. */
export interface AgentStatus {
  readonly host: string
  readonly agentId: string
  readonly version: string
  readonly startedMs: number
  readonly lastSeenMs: number
  /** When it counted, by its own clock. */
  readonly reportedMs: number
  readonly frequencyHz: number
  readonly cpus: number
  readonly expected: number
  readonly idle: number
  readonly received: number
  readonly dropped: Readonly<Record<string, number>>
  readonly stops: Readonly<Record<string, number>>
  /** |expected − received − idle − Σ dropped| ÷ expected. */
  readonly unaccounted: number
}
/** Every refusal, with the HTTP status that belongs to `code`. */
export interface ErrorAnswer {
  readonly error: {
    readonly code: ErrorCode
    /** What came, what is allowed, the cure. */
    readonly message: string
    readonly key?: string
    readonly limit?: number
    readonly got?: number | string
    readonly retryAfterS?: number
    /** Zero-based position in the selector. */
    readonly position?: number
  }
}
export type ErrorCode =
  | 'invalid'
  | 'limit'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'unimplemented'
  | 'too_large'
  | 'unsupported'
  | 'rate_limited'
  | 'queue_full'
  | 'starting'
  | 'stopping'
  | 'storage_full'
  | 'deadline'
  | 'canceled'
  | 'internal'

/** Header that only a Flametrail backend sends, on every answer: how a data source knows whom it talks to. */
export const SERVER_HEADER = 'x-flametrail-version'

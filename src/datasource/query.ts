// What does a panel ask of this data source? One shape, version 1, and the roads into it from every shape that arrives:
// our own from a dashboard of any age, Pyroscope's and Parca's when a user switches data sources, and links.
// Pure, and total: whatever JSON comes, a valid query leaves; keys of strangers stay, so that switching back loses nothing.
import type { DataQuery } from '@grafana/data'

export const QUERY_TYPES = ['metrics', 'profile', 'both', 'diff', 'top'] as const
/** /series, /flame or /iceberg, both of them, /diff, /top. */
export type QueryType = (typeof QUERY_TYPES)[number]

export interface ProfileQuery extends DataQuery {
  readonly version: 1
  readonly queryType: QueryType
  /** Id of five words, or an alias. */
  readonly profileTypeId: string
  /** `{service_name="checkout"}`; `{}` is everything. */
  readonly labelSelector: string
  /** Label names: one series each for metrics, the first levels of a profile. */
  readonly groupBy: readonly string[]
  /** Series or functions at most. */
  readonly limit?: number
  /** Nodes at most; what is beyond is folded, and says so. */
  readonly maxNodes?: number
  /** Iceberg: leaf functions as roots. */
  readonly invert?: boolean
  /** Names from the root: only this subtree. */
  readonly path?: readonly string[]
  /** The side that a diff compares with. */
  readonly baseline?: Baseline
}

/** `from` and `to` (epoch ms) win over `shift`; without any of them the baseline is the time just before the range. */
export interface Baseline {
  /** Absent: the selector of the comparison. */
  readonly labelSelector?: string
  /** How much earlier than the range: "1h", "7d". */
  readonly shift?: string
  readonly from?: number
  readonly to?: number
}

/** The profile type of a query that names none. */
export const CPU_TYPE_ID = 'process_cpu:cpu:nanoseconds:cpu:nanoseconds'
/** What the panels draw well; the server's own default is smaller. */
export const MAX_NODES = 20_000
export const DEFAULT_QUERY = {
  version: 1,
  queryType: 'profile',
  profileTypeId: CPU_TYPE_ID,
  labelSelector: '{}',
  groupBy: [],
} as const

/** Panels that draw series, not frames of a tree. */
const SERIES_PANELS = [
  'timeseries',
  'graph',
  'stat',
  'gauge',
  'bargauge',
  'barchart',
  'trend',
  'state-timeline',
  'xychart',
]

/** Any stored shape to the newest version of ours: one function per step, in order. */
export function migrateQuery(query: DataQuery): DataQuery & { readonly version: 1 } {
  // Version 1 is the first: what carries no version is a stranger's, and normalizeQuery reads it.
  return { ...query, version: 1 }
}

/** Any shape to a whole query.
 *  in   query     ours, Pyroscope's (labelSelector, profileTypeId, spanSelector, …), Parca's (labelSelector as a whole
 *                 selector), `{expr}` of trace-to-metrics, `{query}` of a derived field, or nothing at all
 *       fallback  the query type of a query that names none we know
 *  out  every field valid; unknown keys kept as they came */
export function normalizeQuery(query: DataQuery, fallback: QueryType = 'profile'): ProfileQuery {
  const foreign: DataQuery & Partial<Record<string, unknown>> = { ...migrateQuery(query) }
  const { groupBy, limit, maxNodes, invert, path, baseline, ...rest } = foreign
  const side = baselineOf(baseline)
  return {
    ...rest,
    refId: query.refId ?? 'A',
    version: 1,
    queryType: queryTypeOf(query.queryType, fallback),
    profileTypeId: textOf(rest.profileTypeId) || CPU_TYPE_ID,
    labelSelector: selectorOf(textOf(rest.labelSelector) || textOf(rest.expr) || textOf(rest.query)),
    groupBy: textsOf(groupBy),
    ...countOf('limit', limit, 1_000),
    ...countOf('maxNodes', maxNodes, 1_048_576),
    ...(invert === true ? { invert } : {}),
    ...(textsOf(path).length > 0 ? { path: textsOf(path) } : {}),
    ...(side === undefined ? {} : { baseline: side }),
  }
}

/** What `both` means where the answer goes: a dashboard panel draws either series or a tree, Explore draws both. */
export function queryTypeFor(query: ProfileQuery, panelPluginId: string | undefined): QueryType {
  if (query.queryType !== 'both' || panelPluginId === undefined) return query.queryType
  return SERIES_PANELS.includes(panelPluginId) ? 'metrics' : 'profile'
}

/** One line for a folded query row: `cpu {service_name="checkout"}, diff with 1h earlier`. */
export function queryText(query: ProfileQuery): string {
  const type = query.profileTypeId === CPU_TYPE_ID ? 'cpu' : query.profileTypeId
  const what = {
    metrics: ', over time',
    profile: '',
    both: '',
    diff: `, diff with ${baselineText(query.baseline)}`,
    top: ', top functions',
  }
  const view = query.invert === true ? ', iceberg' : ''
  return `${type} ${query.labelSelector}${what[query.queryType]}${view}`
}

function baselineText(baseline: Baseline | undefined): string {
  const selector = baseline?.labelSelector === undefined ? '' : `${baseline.labelSelector}, `
  if (baseline?.from !== undefined && baseline.to !== undefined) {
    return `${selector}${new Date(baseline.from).toISOString()} to ${new Date(baseline.to).toISOString()}`
  }
  return baseline?.shift === undefined ? `${selector}the time before` : `${selector}${baseline.shift} earlier`
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value.trim() : '')
const textsOf = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
const selectorOf = (text: string): string => (text === '' ? '{}' : text)

function queryTypeOf(value: unknown, fallback: QueryType): QueryType {
  return QUERY_TYPES.find((type) => type === value) ?? fallback
}

function countOf<Name extends string>(name: Name, value: unknown, most: number): { [key in Name]?: number } {
  const isCount = typeof value === 'number' && Number.isInteger(value) && value >= 1
  return isCount ? ({ [name]: Math.min(value, most) } as { [key in Name]?: number }) : {}
}

function baselineOf(value: unknown): Baseline | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { labelSelector, shift, from, to } = value as Record<string, unknown>
  const isRange = Number.isFinite(from) && Number.isFinite(to) && (from as number) < (to as number)
  return {
    ...(textOf(labelSelector) === '' ? {} : { labelSelector: textOf(labelSelector) }),
    ...(textOf(shift) === '' ? {} : { shift: textOf(shift) }),
    ...(isRange ? { from: from as number, to: to as number } : {}),
  }
}

/** The `app` of an editor whose host chooses the view itself, by tabs: the editor then leaves out its own choice. */
export const VIEWER_APP = 'flametrail-viewer'

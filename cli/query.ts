// `flametrail query KIND [SELECTOR]`: the query API in the terminal. Trees as folded lines, tables as text, all as JSON.
import type { Result } from '#profile/model/result'
import type {
  AgentStatus,
  AnswerMeta,
  DiffAnswer,
  LabelsAnswer,
  QualityAnswer,
  SeriesAnswer,
  StatusAnswer,
  TopAnswer,
  TreeAnswer,
} from '#profile/wire/query-api'
import { parseTime } from '#profile/wire/time'
import { diffFromJson, treeFromJson } from '#profile/wire/tree-answer'
import { type Client, createClient } from './client.ts'
import { type Command, parseArguments, Refusal, UsageError } from './command.ts'
import { printBytes, printShare, printTable, printValue } from './output.ts'
import { changedFunctions, foldedLines, qualityTable } from './query-text.ts'
import { QUERY_SETTINGS } from './settings.ts'
import { printTop } from './top-table.ts'

type Values = ReturnType<typeof parseArguments<typeof QUERY_SETTINGS>>['values']
interface Asked {
  readonly client: Client
  readonly values: Values
  readonly selector: string
  readonly words: readonly string[]
}

/** Each kind asks one route and prints its answer; `json` is the answer as it came. */
const KINDS: Readonly<
  Record<string, (asked: Asked) => Promise<{ readonly json: unknown; readonly text: string }>>
> = {
  flame: (asked) => tree(asked, 'flame'),
  iceberg: (asked) => tree(asked, 'iceberg'),
  diff,
  series,
  top,
  labels,
  quality,
  status,
}

export const query: Command = {
  purpose: `ask a backend: ${Object.keys(KINDS).join(', ')}`,
  examples: [
    'flametrail query top',
    `flametrail query flame '{service_name="api"}' --from now-15m > api.folded`,
    `flametrail query diff '{service_name="api"}' --from now-15m --baseline-from now-2h --baseline-to now-1h`,
    'flametrail query series --group service_name --json',
    'flametrail query labels service_name',
    'flametrail query quality --group host',
    'flametrail query status',
  ],
  table: QUERY_SETTINGS,
  run: async (argv) => {
    const { values, rest } = parseArguments(QUERY_SETTINGS, argv)
    const [kind, ...words] = rest
    const ask = kind === undefined || !Object.hasOwn(KINDS, kind) ? undefined : KINDS[kind]
    if (ask === undefined)
      throw new UsageError(
        `${kind === undefined ? 'no kind of query' : `unknown kind ${kind}`}; there are ${Object.keys(KINDS).join(', ')}`,
      )
    if (words.length > 1)
      throw new UsageError(
        `one selector at most, got ${words.length}: ${words.join(' ')}; quote it: '{service_name="api"}'`,
      )
    const client = createClient({ backend: values.backend, tokenFile: values['token-file'] })
    const { json, text } = await ask({ client, values, selector: words[0] ?? '{}', words })
    process.stdout.write(values.json ? `${JSON.stringify(json)}\n` : text)
    return 0
  },
}

const selection = ({ values, selector }: Asked) => ({
  type: values.type,
  query: selector,
  from: values.from,
  to: values.to,
})

async function tree(asked: Asked, route: 'flame' | 'iceberg') {
  const request = {
    ...selection(asked),
    maxNodes: asked.values['max-nodes'],
    groupBy: [...asked.values.group],
  }
  const json = await asked.client.ask<TreeAnswer>(route, request)
  return { json, text: foldedLines(checked(treeFromJson(json)).tree, samplesPerUnit(json.meta)) }
}

async function diff(asked: Asked) {
  const { values } = asked
  const json = await asked.client.ask<DiffAnswer>('diff', {
    baseline: {
      ...selection(asked),
      ...(values.baseline === '' ? {} : { query: values.baseline }),
      ...baselineRange(values),
    },
    comparison: selection(asked),
    maxNodes: values['max-nodes'],
  })
  const rows = changedFunctions(checked(diffFromJson(json)).tree).slice(0, values.limit)
  const columns = [
    { title: 'function', align: 'left', widthMax: 60 },
    { title: 'binary', align: 'left', widthMax: 24 },
    { title: 'baseline', align: 'right' },
    { title: 'comparison', align: 'right' },
    { title: 'change of self', align: 'right' },
  ] as const
  const cells = rows.map((row) => [
    row.name,
    row.mapping,
    printShare(row.baseline),
    printShare(row.comparison),
    points(row.comparison - row.baseline),
  ])
  const sides = `shares of each side's total; baseline ${json.baseline.samples} samples, comparison ${json.comparison.samples}\n`
  return { json, text: printTable(columns, cells) + sides }
}

const points = (change: number) =>
  `${change > 0 ? '▲ +' : change < 0 ? '▼ ' : ''}${(change * 100).toFixed(1)} pt`

/** Without a baseline's range: the one of equal length just before the comparison. */
function baselineRange(values: Values): { readonly from: string | number; readonly to: string | number } {
  if (values['baseline-from'] !== '' || values['baseline-to'] !== '')
    return { from: values['baseline-from'] || values.from, to: values['baseline-to'] || values.from }
  const now = Date.now()
  const from = checked(parseTime(values.from, now))
  const to = checked(parseTime(values.to, now))
  return { from: from - (to - from), to: from }
}

async function series(asked: Asked) {
  const { values } = asked
  const step = values.step > 0 ? { step: values.step / 1000 } : {}
  const json = await asked.client.ask<SeriesAnswer>('series', {
    ...selection(asked),
    ...step,
    group: [...values.group],
    limit: Math.min(values.limit, 1000),
  })
  const name = (labels: Readonly<Record<string, string>>) =>
    Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(' ') || 'all'
  const columns = [
    { title: 'time', align: 'left' },
    ...json.labels.map((labels) => ({ title: name(labels), align: 'right', widthMax: 40 }) as const),
  ] as const
  const rows = json.t.map((time, j) => [
    new Date(time).toISOString(),
    ...json.v.map((points) => points[j]?.toFixed(3) ?? '-'),
  ])
  return { json, text: `${printTable(columns, rows)}in ${json.valueUnit}, steps of ${json.stepS} s\n` }
}

async function top(asked: Asked) {
  const json = await asked.client.ask<TopAnswer>('top', {
    ...selection(asked),
    sort: asked.values.sort,
    limit: asked.values.limit,
  })
  return { json, text: printTop(json) }
}

/** `labels` lists names; `labels NAME` the values of one. */
async function labels({ client, values, words }: Asked) {
  const route = words[0] === undefined ? 'labels' : `labels/${encodeURIComponent(words[0])}/values`
  const range = { type: values.type, from: values.from, to: values.to, limit: values.limit }
  const json = await client.ask<LabelsAnswer>(route, range)
  const columns = [
    { title: words[0] ?? 'label', align: 'left' },
    { title: 'series', align: 'right' },
  ] as const
  return {
    json,
    text: printTable(
      columns,
      json.names.map((name, i) => [name, String(json.series[i])]),
    ),
  }
}

const askQuality = (asked: Asked, group: readonly string[], limit: number) =>
  asked.client.ask<QualityAnswer>('quality', { ...selection(asked), group, limit })

async function quality(asked: Asked) {
  const { group, limit } = asked.values
  const json = await askQuality(asked, group.length > 0 ? group : ['service_name'], Math.min(limit, 1000))
  return { json, text: qualityTable(json) }
}

async function status(asked: Asked) {
  const [answer, services] = await Promise.all([
    asked.client.get<StatusAnswer>('status'),
    askQuality(asked, ['service_name'], SERVICES_SHOWN),
  ])
  const json = { ...answer, services }
  const { store, ingest } = json
  const discarded = Object.entries(ingest.discarded).map(([reason, count]) => `${reason} ${count}`)
  const lines = [
    `backend ${json.version}, up ${printValue((json.nowMs - json.startedMs) * 1e6, 'nanoseconds')}`,
    `store: ${store.services} services, ${store.hosts} hosts, ${store.series} series; ${store.files} files, ${printBytes(store.bytes)}${store.quarantined.length > 0 ? `; quarantined: ${store.quarantined.join(', ')}` : ''}`,
    `ingest: ${ingest.requests} requests, ${ingest.samples} samples, ${ingest.duplicates} repeats; refused or cut: ${discarded.join(', ') || 'nothing'}`,
    '',
    ...json.agents.map((agent) => agentLines(agent, json.nowMs)),
  ]
  if (services.labels.length > 0)
    lines.push(`stacks from ${asked.values.from} to ${asked.values.to}, by service:`, qualityTable(services))
  if (json.agents.length === 0)
    lines.push(
      'no agent has reported yet; run `flametrail agent` on a host, `flametrail doctor` if it cannot\n',
    )
  return { json, text: lines.join('\n') }
}

const SERVICES_SHOWN = 10 // `query quality` has them all

function agentLines(agent: AgentStatus, nowMs: number): string {
  const counts = (record: Readonly<Record<string, number>>) =>
    Object.entries(record)
      .filter(([, count]) => count > 0)
      .sort((one, other) => other[1] - one[1])
      .map(([name, count]) => `${name} ${count}`)
      .join(', ') || 'none'
  const lost = Object.values(agent.dropped).reduce((sum, count) => sum + count, 0)
  return [
    `agent on ${agent.host} ${agent.version}: ${agent.frequencyHz} Hz, ${agent.cpus} CPUs, last seen ${Math.max(0, Math.round((nowMs - agent.lastSeenMs) / 1000))} s ago`,
    `  expected ${Math.round(agent.expected)} = received ${agent.received} + idle ${agent.idle} + dropped ${lost}, within ${(agent.unaccounted * 100).toFixed(2)} %`,
    `  dropped: ${counts(agent.dropped)}`,
    `  stacks end by: ${counts(agent.stops)}\n`,
  ].join('\n')
}

/** Folded lines count samples, as every reader of them expects; values of other types stay as they are. */
const samplesPerUnit = (meta: AnswerMeta) =>
  meta.unit === 'nanoseconds' && meta.samples > 0 ? meta.samples : undefined

function checked<T>(result: Result<T>): T {
  if (result.ok) return result.value
  throw new Refusal(result.error.message)
}

// What does the store do with a fleet of 50 machines? Hours of the workload from window 4320 on, the busiest, through the
// store as one commit a window; the last of them as OTLP bytes, one request a machine, the way they come from agents.
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { encodeOtlpProfiles } from '#profile/wire/otlp-encode'
import { receive, requestKey } from '../backend/ingest/receive.ts'
import { limitsOf } from '../backend/limits.ts'
import { createQueryService } from '../backend/query/service.ts'
import { type DuckDbStore, openDuckDbStore } from '../backend/store/duckdb/duckdb-store.ts'
import type { Bench, BenchInput } from './bench.ts'
import { median } from './figures.ts'
import { ROWS_STATED } from './stated.ts'
import {
  makeModel,
  makeWindow,
  NODES,
  serviceName,
  WINDOW_MS,
  type WindowRows,
  windowStartMs,
} from './workload.ts'
import { ProfileMaker } from './workload-profile.ts'

const FIRST_WINDOW = 4_320 // noon
const WINDOWS_AN_HOUR = 360
/** As OTLP: two minutes are 0.6 million rows in 600 requests, and more would only take longer. */
const OTLP_WINDOWS = 12
const QUERIES = 5
const SERVICE = serviceName(10) // of the middle: the 11th of 40 by weight

const limits = limitsOf()
const retention = { ageMs: Number.MAX_SAFE_INTEGER, bytes: Number.MAX_SAFE_INTEGER }

export const benchStore: Bench = {
  workload:
    'hours of the 50-node day from window 4320 on, one commit a window; the last 12 windows as OTLP, 50 requests each at ' +
    `once (ingest); flame graphs of 2,000 nodes over the first hour of ${SERVICE} and of everything, median of ${QUERIES}; bytes of the data directory after closing`,
  async measure(input) {
    const directory = mkdtempSync(path.join(tmpdir(), 'flametrail-bench-'))
    const store = await openDuckDbStore({
      directory,
      limits,
      retention,
      nowMs: windowStartMs(FIRST_WINDOW),
      report: input.say,
    })
    try {
      const rows = await fill(store, input)
      await ask(store, input)
      await store.close()
      const value = bytesBelow(directory) / rows
      input.emit({ case: 'bytes', metric: 'bytes_per_row', value, unit: 'bytes/row', better: 'lower' })
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  },
}

/** Rows stored. Throws if a window whose rows the design states is another, or if the store holds other rows than these. */
async function fill(store: DuckDbStore, { emit, say, hours }: BenchInput): Promise<number> {
  const windows = Math.max(OTLP_WINDOWS, Math.round(hours * WINDOWS_AN_HOUR))
  const model = makeModel()
  const maker = new ProfileMaker(model)
  let stored = 0
  const ingest = { rows: 0, ms: 0 }
  for (let i = 0; i < windows; i++) {
    const rows = makeWindow(model, FIRST_WINDOW + i)
    assertStated(rows)
    if (i < windows - OTLP_WINDOWS) {
      const receivedMs = windowStartMs(rows.window) + WINDOW_MS
      const key = requestKey('bench', Buffer.from(`window ${rows.window}`))
      await store.append({ key, profiles: [maker.profileOf(rows)], receivedMs })
    } else {
      ingest.ms += await pushWindow(store, maker, rows)
      ingest.rows += rows.series.length
    }
    stored += rows.series.length
    if ((i + 1) % 60 === 0) say(`store: ${i + 1} of ${windows} windows, ${(stored / 1e6).toFixed(1)} M rows`)
  }
  const { rows } = await store.stats()
  if (rows !== stored) throw new Error(`the store says it holds ${rows} rows; ${stored} were sent`)
  const value = (ingest.rows / ingest.ms) * 1_000
  emit({ case: 'ingest', metric: 'rows_per_s', value, unit: 'rows/s', better: 'higher' })
  return stored
}

function assertStated({ window, samples, series }: WindowRows): void {
  const stated = ROWS_STATED.find((row) => row.window === window)
  if (stated === undefined) return
  const isNear = (got: number, wanted: number) => Math.abs(got / wanted - 1) <= 0.02
  if (isNear(samples, stated.samples) && isNear(series.length, stated.rows)) return
  throw new Error(
    `window ${window} has ${samples} samples in ${series.length} rows; ${stated.samples} in ${stated.rows} are stated, to 2 %`,
  )
}

/** One request a machine, all at once; milliseconds from the bytes to the last commit. */
async function pushWindow(store: DuckDbStore, maker: ProfileMaker, rows: WindowRows): Promise<number> {
  const bodies = Array.from({ length: NODES }, (_, node) =>
    encodeOtlpProfiles({ profiles: [maker.profileOf(rows, node)] }),
  )
  const receivedMs = windowStartMs(rows.window) + WINDOW_MS
  const startedMs = performance.now()
  const results = await Promise.all(
    bodies.map((body) =>
      receive({ route: 'bench', body, format: 'protobuf', receivedMs, sentMs: undefined, store, limits }),
    ),
  )
  const tookMs = performance.now() - startedMs
  const refused = results.flatMap(({ discarded }) => discarded)
  if (refused.length > 0) throw new Error(`the workload was refused: ${refused[0]!.message}`)
  return tookMs
}

async function ask(store: DuckDbStore, { emit }: BenchInput): Promise<void> {
  const from = windowStartMs(FIRST_WINDOW)
  const to = from + 3_600_000
  const service = createQueryService({ store, limits, retention, clock: () => to })
  const base = { type: 'cpu', from, to, maxNodes: 2_000, path: [], groupBy: [] }
  const cases = { 'flame-service-1h': `{service_name="${SERVICE}"}`, 'flame-all-1h': '{}' }
  for (const [name, query] of Object.entries(cases)) {
    const times: number[] = []
    for (let i = 0; i <= QUERIES; i++) {
      const startedMs = performance.now()
      const { meta } = await service.flame({ ...base, query })
      if (i > 0) times.push(performance.now() - startedMs) // the first one reads the dictionary
      if (meta.nodes.sent < 100) throw new Error(`${name} answered with ${meta.nodes.sent} nodes`)
    }
    emit({ case: name, metric: 'ms', value: median(times), unit: 'ms', better: 'lower' })
  }
}

const bytesBelow = (directory: string): number =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(path.join(entry.parentPath, entry.name)).size, 0)

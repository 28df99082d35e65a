// What came in since the start, what was refused, and what do the agents say of themselves? Counters in memory, shown by
// /status and /metrics. Agents send theirs cumulated with every request, so a restart of ours forgets nothing for long.
import type { AgentReport } from '#profile/model/accounting'
import type { AgentStatus, ErrorCode, StatusAnswer } from '#profile/wire/query-api'
import type { ServiceError } from '../errors.ts'
import type { ReceiveResult } from '../ingest/receive.ts'

const AGENTS_MAX = 10_000 // 1 kB each; the one that was silent longest leaves
const REASONS_MAX = 64 // of drops and of stops; an agent has about 20
const WORD_MAX = 256
const OFFSETS_WITHIN_MS = 10 * 60_000
/** After a full disk, how long no new data is invited: `/readyz?for=write`. */
const UNWRITABLE_MS = 30_000

export interface Ledger {
  /** A request was answered with a result. */
  accepted(result: ReceiveResult, nowMs: number, tookMs: number): void
  /** A request was refused as a whole. */
  refused(error: ServiceError, nowMs: number): void
  readonly ackSeconds: Histogram
  ingest(): StatusAnswer['ingest']
  discarded(): ReadonlyMap<string, number>
  cut(): ReadonlyMap<string, number>
  /** Answers to push requests by code, "ok" for success. */
  requests(): ReadonlyMap<'ok' | ErrorCode, number>
  agents(): readonly AgentStatus[]
  /** False for half a minute after a push was refused for want of disk. */
  isWritable(nowMs: number): boolean
  /** Largest distance between our clock and a sender's in the last ten minutes, seconds. */
  clockOffsetS(nowMs: number): number
}

export function createLedger(): Ledger {
  const discarded = new Map<string, number>()
  const cut = new Map<string, number>()
  const requests = new Map<'ok' | ErrorCode, number>()
  const reports = new Map<string, { report: AgentReport; lastSeenMs: number }>()
  const ackSeconds = createHistogram()
  let samples = 0
  let duplicates = 0
  let fullMs = Number.NEGATIVE_INFINITY
  let offset = { distanceMs: 0, atMs: Number.NEGATIVE_INFINITY }

  const seen = (report: AgentReport, nowMs: number) => {
    const known = reports.get(report.agentId)
    // Requests kept while we were away come in late: an older report must not set the counters back.
    const newest = known !== undefined && known.report.reportedMs > report.reportedMs ? known.report : report
    reports.delete(report.agentId)
    reports.set(report.agentId, { report: bounded(newest), lastSeenMs: nowMs })
    if (reports.size > AGENTS_MAX) reports.delete(reports.keys().next().value!)
  }

  return {
    ackSeconds,
    accepted(result, nowMs, tookMs) {
      add(requests, 'ok', 1)
      ackSeconds.observe(tookMs / 1_000)
      samples += result.samples
      if (result.duplicate) duplicates++
      if (result.stored) fullMs = Number.NEGATIVE_INFINITY
      // A repeat says again what its first sending said: its losses are counted already.
      if (!result.duplicate) {
        for (const { reason, count } of result.discarded) add(discarded, reason, count)
        for (const { reason, count } of result.cut) add(cut, reason, count)
      }
      for (const report of result.agents) seen(report, nowMs)
      const distanceMs = Math.abs(result.clockOffsetMs ?? 0)
      if (distanceMs >= offset.distanceMs || nowMs - offset.atMs > OFFSETS_WITHIN_MS)
        offset = { distanceMs, atMs: nowMs }
    },
    refused(error, nowMs) {
      add(requests, error.code, 1)
      add(discarded, error.detail.key ?? error.code, 1)
      if (error.code === 'storage_full') fullMs = nowMs
    },
    ingest: () => ({
      requests: [...requests.values()].reduce((sum, count) => sum + count, 0),
      samples,
      duplicates,
      discarded: Object.fromEntries([...discarded, ...cut]),
    }),
    discarded: () => discarded,
    cut: () => cut,
    requests: () => requests,
    agents: () =>
      [...reports.values()]
        .map(agentStatus)
        .sort((one, other) =>
          one.host < other.host ? -1 : one.host > other.host ? 1 : one.startedMs - other.startedMs,
        ),
    isWritable: (nowMs) => nowMs - fullMs > UNWRITABLE_MS,
    clockOffsetS: (nowMs) => (nowMs - offset.atMs > OFFSETS_WITHIN_MS ? 0 : offset.distanceMs / 1_000),
  }
}

function agentStatus({ report, lastSeenMs }: { report: AgentReport; lastSeenMs: number }): AgentStatus {
  const { host, agentId, version, startedMs, reportedMs, frequencyHz, cpus, expected, idle, received } =
    report
  const lost = [...report.dropped.values()].reduce((sum, count) => sum + count, 0)
  return {
    host,
    agentId,
    version,
    startedMs,
    lastSeenMs,
    reportedMs,
    frequencyHz,
    cpus,
    expected,
    idle,
    received,
    dropped: Object.fromEntries(report.dropped),
    stops: Object.fromEntries(report.stops),
    unaccounted: expected > 0 ? Math.abs(expected - received - idle - lost) / expected : 0,
  }
}

/** Reports come from strangers: no more words are kept than an agent has reasons. */
function bounded(report: AgentReport): AgentReport {
  const word = (text: string) => (text.length <= WORD_MAX ? text : text.slice(0, WORD_MAX))
  const few = (counts: AgentReport['dropped']) =>
    new Map([...counts].slice(0, REASONS_MAX).map(([reason, count]) => [word(reason), count]))
  return {
    ...report,
    host: word(report.host),
    agentId: word(report.agentId),
    version: word(report.version),
    dropped: few(report.dropped),
    stops: few(report.stops),
  }
}

const add = <K>(counts: Map<K, number>, key: K, count: number) =>
  counts.set(key, (counts.get(key) ?? 0) + count)

/** Seconds in fixed buckets, as Prometheus counts them. */
export interface Histogram {
  observe(seconds: number): void
  /** Upper bounds, and how many observations lie at or below each. */
  read(): {
    readonly bounds: readonly number[]
    readonly counts: readonly number[]
    readonly count: number
    readonly sum: number
  }
}

const BOUNDS = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 25]

export function createHistogram(): Histogram {
  const counts = BOUNDS.map(() => 0)
  let count = 0
  let sum = 0
  return {
    observe(seconds) {
      count++
      sum += seconds
      for (let i = 0; i < BOUNDS.length; i++) if (seconds <= BOUNDS[i]!) counts[i]!++
    },
    read: () => ({ bounds: BOUNDS, counts: [...counts], count, sum }),
  }
}

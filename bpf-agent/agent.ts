// What does the agent do all day? Every second: who came and went, which stacks were seen; every ten: names for them, one
// profile, off it goes. The loop decides nothing that can be decided elsewhere; all it touches is handed in.
//
//   events ─► follow ─► processes, unwinder ─► tables in the kernel, for the next ticks
//   ring ─► batches ─► window ─(due or full)─► symbolizer ─► Profile ─► bytes ─► sender
import type { AgentReport } from '#profile/model/accounting'
import type { ProfileHead } from '#profile/model/builder'
import type { Profile } from '#profile/model/profile'
import { CPU_SAMPLES } from '#profile/model/profile-type'
import { type Aggregator, createAggregator, type Window } from './aggregate/window.ts'
import { type FollowParts, followProcesses, generationNumber, type ProcessTable } from './follow.ts'
import { accountTicks } from './kernel/accounting.ts'
import { periodNs } from './kernel/perf-events.ts'
import type { RawStacks } from './kernel/raw-stack.ts'
import type { Sampler } from './kernel/sampler.ts'
import { type MetricFacts, type MetricsServer, printMetrics, serveMetrics } from './metrics.ts'
import { measureSelf } from './self-meter.ts'
import type { AgentSettings } from './settings.ts'
import { outcomesOf } from './unwind/snapshots.ts'
import type { Unwinder } from './unwind/unwinder.ts'

/** What the loop works with. The real ones come from `createParts`; another of the same shape can take any place. */
export interface AgentParts {
  readonly sampler: Sampler
  readonly processes: ProcessTable
  /** Tells the kernel how the stacks of each process are walked. */
  readonly unwinder: Unwinder
  readonly mappingEvents?: FollowParts['mappingEvents']
  readonly python?: FollowParts['python']
  readonly snapshots?: FollowParts['snapshots']
  readonly symbolizer: {
    profileOf(window: Window, head: ProfileHead): Profile
    /** Binaries that could not be read for names, by reason. */
    readonly refused: ReadonlyMap<string, number>
    close(): void
  }
  readonly encode: (request: { profiles: readonly Profile[]; report: AgentReport }) => Uint8Array
  readonly sender: {
    send(body: Uint8Array, samples: number): void
    dropped(): ReadonlyMap<string, number>
    pending(): { readonly bytes: number; readonly samples: number }
    close(deadlineMs: number): Promise<void>
  }
  readonly clock: { monotonicMs(): number; wallMs(): number }
  /** Idle time of all CPUs since boot, ms. */
  readonly idleMs: () => number
  readonly identity: Pick<AgentReport, 'host' | 'agentId' | 'version'>
  /** undefined: no metrics. */
  readonly metrics: { readonly host: string; readonly port: number } | undefined
  readonly log: (line: string) => void
}

export interface Agent {
  /** What was expected and what became of it, since the start. */
  report(): AgentReport
  readonly cpus: number
  /** Where /metrics answers, undefined if nowhere. */
  readonly metricsAddress: string | undefined
  /** Rejects when sampling broke: never in a healthy life, and never because the backend is away. */
  readonly failed: Promise<never>
  /** Sends the last window and ends, within two seconds. */
  stop(): Promise<void>
}

const IDLE_TICK_MS = 1000 // Node's steady cost is wake-ups: one a second is 0.1 ms of it
const BUSY_TICK_MS = 250
const BUSY_FILL = 0.25 // of the ring: it holds four seconds
const FIRST_WINDOW_MS = 5000 // the first graph comes within 15 s of the start
const HOUSEKEEPING_MS = 10_000
const BATCHES_MAX = 256 // per tick: 1 M records, more than any ring holds
const CLOSE_MS = 1500
const STALLED_MS = 10_000

/** Starts sampling.  throws  CannotSample when no CPU can be sampled; the parts are given back then */
export async function startAgent(settings: AgentSettings, parts: AgentParts): Promise<Agent> {
  const { sampler, processes, unwinder, sender, clock, log } = parts
  const aggregator: Aggregator = createAggregator(sampler.stopNames, generationNumber(processes))
  const following = followProcesses(parts)
  const cpuBefore = process.cpuUsage()
  await orGiveBack(() => following.scan())
  const startedMs = clock.wallMs()
  const idleBefore = parts.idleMs()
  const lostHere = new Map<string, number>()
  let drained = 0
  let windows = 0
  let windowStacks = 0
  let windowStart = { wallMs: startedMs, monotonicMs: clock.monotonicMs() }
  let windowMs = Math.min(FIRST_WINDOW_MS, settings.window)
  let keptHouseMs = windowStart.monotonicMs
  let lastTickMs = windowStart.monotonicMs
  let timer: NodeJS.Timeout | undefined
  let cpus = 0
  let isStopped = false
  let fail: (reason: unknown) => void = () => {}
  const failed = new Promise<never>((_, reject) => {
    fail = reject
  })
  failed.catch(() => {}) // whoever waits for it is told; nobody waiting is no crash

  function takeSamples(): void {
    for (let i = 0; i < BATCHES_MAX; i++) {
      const batch = sampler.next()
      if (batch.count === 0) return
      drained += batch.count
      for (const ready of following.meet(batch)) count(ready)
    }
  }

  function count(batch: RawStacks | undefined): void {
    if (batch === undefined) return
    for (let next = aggregator.add(batch); next < batch.count; next = aggregator.add(batch, next))
      closeWindow()
  }

  function closeWindow(): void {
    const now = { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() }
    // Length by the clock that never jumps, place by the one that people read.
    const durationMs = Math.max(1, now.monotonicMs - windowStart.monotonicMs)
    const window = aggregator.take({ timeMs: now.wallMs - durationMs, durationMs })
    windowStart = now
    windowMs = settings.window
    windows++
    windowStacks = window.count
    // Before the names are looked up: that takes time, and ticks that come meanwhile are not drained yet.
    const accounting = report()
    try {
      const head = {
        type: CPU_SAMPLES,
        period: periodNs(settings.frequency),
        timeMs: window.timeMs,
        durationMs: window.durationMs,
      }
      const profiles = window.count === 0 ? [] : [parts.symbolizer.profileOf(window, head)]
      sender.send(parts.encode({ profiles, report: accounting }), window.samplesTotal)
    } catch (error) {
      // One process that nobody has thought of must not end the sampling of all others.
      lostHere.set('encode_failed', (lostHere.get('encode_failed') ?? 0) + window.samplesTotal)
      log(`a window of ${window.samplesTotal} samples is lost: ${(error as Error).stack ?? String(error)}`)
    }
  }

  function keepHouse(nowMs: number): void {
    if (nowMs - keptHouseMs < HOUSEKEEPING_MS) return
    keptHouseMs = nowMs
    sampler.followCpus()
    processes.sweep(nowMs)
  }

  function tick(): void {
    const wasFilling = sampler.fill() > BUSY_FILL
    const events = following.takeEvents()
    takeSamples()
    const isUnwinderBusy = following.publish()
    following.takeEvents() // who executed another program while it was published
    const nowMs = clock.monotonicMs()
    lastTickMs = nowMs
    const isDue = nowMs - windowStart.monotonicMs >= windowMs
    count(following.resolve(isDue))
    if (isDue) closeWindow()
    keepHouse(nowMs)
    const dueMs = windowStart.monotonicMs + windowMs - clock.monotonicMs()
    const pauseMs = wasFilling || events > 0 || isUnwinderBusy ? BUSY_TICK_MS : IDLE_TICK_MS
    schedule(Math.max(1, Math.min(pauseMs, dueMs)))
  }

  function schedule(ms: number): void {
    if (isStopped) return
    timer = setTimeout(() => {
      try {
        tick()
      } catch (error) {
        isStopped = true
        fail(error)
      }
    }, ms)
  }

  function report(): AgentReport {
    const lostLater = new Map(sender.dropped())
    for (const [reason, samples] of lostHere) lostLater.set(reason, (lostLater.get(reason) ?? 0) + samples)
    cpus = sampler.cpus || cpus // none ticks any more when the last report is written
    return {
      ...parts.identity,
      startedMs,
      reportedMs: clock.wallMs(),
      frequencyHz: settings.frequency,
      cpus,
      ...accountTicks({
        frequencyHz: settings.frequency,
        cpuMs: sampler.cpuMs(clock.monotonicMs()),
        idleMs: parts.idleMs() - idleBefore,
        counters: sampler.counters(),
        ...{ drained, lostLater, restopped: parts.snapshots?.restopped },
      }),
    }
  }

  function facts(): MetricFacts {
    const { ticks, steps, events, eventsLost, ownNs } = sampler.counters()
    const nowMs = clock.monotonicMs()
    const cpuMs = sampler.cpuMs(nowMs)
    return {
      report: report(),
      self: measureSelf({ ownNs, cpuMs, before: cpuBefore }),
      drainLagSeconds: (nowMs - lastTickMs) / 1000,
      ...{ ticks, steps, events, eventsLost, windows, windowStacks, pending: sender.pending() },
      mappingsLost: parts.mappingEvents?.lost ?? 0,
      ...{ processes: processes.count, misses: processes.misses, refused: parts.symbolizer.refused },
      tables: unwinder.facts(),
      snapshots: outcomesOf(parts.snapshots, sampler.counters()),
    }
  }

  let metrics: MetricsServer | undefined
  async function stop(): Promise<void> {
    if (isStopped) return
    isStopped = true
    clearTimeout(timer)
    sampler.stop()
    following.takeEvents()
    takeSamples()
    count(following.resolve(true))
    closeWindow()
    await sender.close(CLOSE_MS)
    await metrics?.close()
    parts.symbolizer.close()
    giveBack()
  }

  function giveBack(): void {
    following.close()
    unwinder.close()
    sampler.close()
  }

  async function orGiveBack(step: () => Promise<void> | void): Promise<void> {
    try {
      await step()
    } catch (error) {
      giveBack()
      throw error
    }
  }

  await orGiveBack(() => sampler.start())
  if (parts.metrics !== undefined)
    metrics = await serveMetrics({
      ...parts.metrics,
      print: () => printMetrics(facts()),
      health: () => {
        const lateMs = clock.monotonicMs() - lastTickMs
        return lateMs > STALLED_MS ? `no drain for ${Math.round(lateMs / 1000)} s` : undefined
      },
      log,
    })
  schedule(BUSY_TICK_MS)
  return { report, cpus: sampler.cpus, metricsAddress: metrics?.address, failed, stop }
}

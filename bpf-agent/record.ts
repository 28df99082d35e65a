// What did these processes do while we watched? The agent's parts without a sender: samples of those who are meant are
// counted into windows as always, the windows are named as they close and become one profile in the end.
//
//   ticking ─► begin() ─► every 250 ms: events ─► family, samples ─► who is meant ─► window ─► profile ┐
//                         until the time is over, we are asked to stop, or nobody is left  ◄───────────┘ merged
import type { AgentReport } from '#profile/model/accounting'
import { mergeProfiles } from '#profile/model/merge-profiles'
import type { Profile } from '#profile/model/profile'
import { CPU_SAMPLES } from '#profile/model/profile-type'
import type { AgentParts } from './agent.ts'
import { keepRecords } from './aggregate/keep-records.ts'
import { createAggregator, type Window } from './aggregate/window.ts'
import { type Following, followProcesses } from './follow.ts'
import type { CgroupTree } from './host/cgroup-tree.ts'
import type { Family } from './host/family.ts'
import { accountTicks } from './kernel/accounting.ts'
import { periodNs } from './kernel/perf-events.ts'
import type { RawStacks } from './kernel/raw-stack.ts'

/** `ready` resolves when kernel names are there, or known to stay away. */
export type RecordParts = Pick<
  AgentParts,
  'sampler' | 'processes' | 'unwinder' | 'mappingEvents' | 'clock' | 'idleMs'
> & {
  readonly symbolizer: AgentParts['symbolizer'] & { readonly ready: Promise<void> }
}

export interface RecordOptions {
  readonly frequencyHz: number
  /** Infinity: until asked to stop, or nobody is left. */
  readonly durationMs: number
  /** Whose samples are taken: members of the family, and of the cgroups. Neither: everyone's. */
  readonly family?: Family | undefined
  readonly cgroups?: readonly CgroupTree[]
  /** Called when every CPU ticks: whoever starts now is sampled from the first instruction. May throw. */
  readonly begin?: () => Promise<void> | void
  readonly stopped: Promise<unknown>
  /** Called some four times a second. */
  readonly onProgress?: (progress: { readonly elapsedMs: number; readonly samples: number }) => void
}

export interface Recording {
  /** undefined: no sample came. */
  readonly profile: Profile | undefined
  readonly elapsedMs: number
  /** Every expected tick by its fate. Samples of those who were not meant are `filtered`. */
  readonly ticks: Pick<AgentReport, 'expected' | 'idle' | 'received' | 'dropped' | 'stops'>
  /** Forks, execs and exits that found their ring full: descendants may be missing. */
  readonly eventsLost: number
  /** Members of the family that live. */
  readonly living: number
}

const TICK_MS = 250 // the rings hold four seconds
const WINDOW_MS = 10_000 // as the agent's: names are looked up while those who ended are still remembered
const BATCHES_MAX = 256
const HOUSEKEEPING_MS = 1000
const NAMINGS_MEANWHILE = 2 // a naming may read symbols for a second; the ring must not overflow under it
const NAMINGS_LAST = 10

/** Samples until the end, whatever ends it; gives the parts back in every case.
 *  throws  CannotSample when no CPU can be sampled, and what `begin` throws */
export async function record(options: RecordOptions, parts: RecordParts): Promise<Recording> {
  const { family } = options
  const following = followProcesses(parts, ({ kind, tgid, startTicks, parentTgid }) => {
    if (kind === 'fork') family?.onFork(parentTgid, tgid, startTicks)
    else if (kind === 'exit') family?.onExit(tgid, startTicks)
  })
  try {
    await following.scan((tgid, startTicks) => family?.has(tgid, startTicks) === true)
    return await sample(options, parts, following)
  } finally {
    following.close()
    parts.symbolizer.close()
    parts.unwinder.close()
    parts.sampler.close()
  }
}

async function sample(options: RecordOptions, parts: RecordParts, following: Following): Promise<Recording> {
  const { sampler, processes, symbolizer, clock } = parts
  const { family, cgroups = [], frequencyHz } = options
  const aggregator = createAggregator(sampler.stopNames)
  const isFiltering = family !== undefined || cgroups.length > 0
  const profiles: Profile[] = []
  const startMs = clock.monotonicMs()
  const idleBeforeMs = parts.idleMs()
  let windowStart = { wallMs: clock.wallMs(), monotonicMs: startMs }
  let keptHouseMs = startMs
  let drained = 0
  let filtered = 0
  let isStopped = false
  void options.stopped.then(() => {
    isStopped = true
  })

  function takeSamples(): void {
    for (let i = 0; i < BATCHES_MAX; i++) {
      const all = sampler.next()
      if (all.count === 0) break
      drained += all.count
      const batch = isFiltering ? keepRecords(all, (row) => isMeant(all, row)) : all
      filtered += all.count - batch.count
      following.meet(batch)
      for (let next = aggregator.add(batch); next < batch.count; next = aggregator.add(batch, next))
        closeWindow(NAMINGS_MEANWHILE)
    }
    family?.settle()
  }

  const isMeant = (batch: RawStacks, row: number) =>
    family?.has(batch.tgid[row]!, batch.startTicks[row]!) === true ||
    cgroups.some((tree) => tree.has(batch.cgroupHigh[row]!, batch.cgroupLow[row]!))

  function closeWindow(namings: number): void {
    const now = { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() }
    const durationMs = Math.max(1, now.monotonicMs - windowStart.monotonicMs)
    const window = aggregator.take({ timeMs: now.wallMs - durationMs, durationMs })
    windowStart = now
    if (window.count > 0) profiles.push(nameWindow(window, namings))
  }

  /** A file is read by no one who waits: what one naming has put off, the next one does. */
  function nameWindow(window: Window, namings: number): Profile {
    const { timeMs, durationMs } = window
    const head = { type: CPU_SAMPLES, period: periodNs(frequencyHz), timeMs, durationMs }
    for (let i = 1; ; i++) {
      const deferred = symbolizer.refused.get('deferred') ?? 0
      const profile = symbolizer.profileOf(window, head)
      if (i >= namings || (symbolizer.refused.get('deferred') ?? 0) === deferred) return profile
    }
  }

  function tick(): void {
    following.takeEvents()
    takeSamples()
    following.publish()
    following.takeEvents() // who executed another program while it was published
    const nowMs = clock.monotonicMs()
    if (nowMs - windowStart.monotonicMs >= WINDOW_MS) closeWindow(NAMINGS_MEANWHILE)
    if (nowMs - keptHouseMs < HOUSEKEEPING_MS) return
    keptHouseMs = nowMs
    sampler.followCpus()
    processes.sweep(nowMs)
    for (const tree of cgroups) tree.refresh()
  }

  const isOver = () =>
    isStopped ||
    clock.monotonicMs() - startMs >= options.durationMs ||
    (family !== undefined && family.living === 0 && cgroups.length === 0)

  sampler.start()
  await options.begin?.()
  while (!isOver()) {
    const restMs = options.durationMs - (clock.monotonicMs() - startMs)
    await Promise.race([options.stopped, sleep(Math.max(1, Math.min(TICK_MS, restMs)))])
    if (isOver()) break // the last samples are read below, when nothing ticks any more
    tick()
    options.onProgress?.({
      elapsedMs: clock.monotonicMs() - startMs,
      samples: drained - filtered,
    })
  }
  const cpuMs = sampler.cpuMs(clock.monotonicMs())
  const idleMs = parts.idleMs() - idleBeforeMs
  const elapsedMs = clock.monotonicMs() - startMs
  sampler.stop()
  following.takeEvents()
  takeSamples()
  await symbolizer.ready
  closeWindow(NAMINGS_LAST)
  const lostLater = new Map([['filtered', filtered]])
  const counters = sampler.counters()
  return {
    profile: profiles.length === 0 ? undefined : mergeProfiles(profiles),
    elapsedMs,
    ticks: accountTicks({ frequencyHz, cpuMs, idleMs, counters, drained, lostLater }),
    eventsLost: counters.eventsLost,
    living: family?.living ?? 0,
  }
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

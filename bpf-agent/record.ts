// What did these processes do while we watched? The agent's parts without a sender: samples of those who are meant are
// counted into windows as always, the windows are named as they close and become one profile in the end.
//
//   ticking ─► begin() ─► every 250 ms: events ─► family, samples ─► who is meant ─► window ─► profile ┐
//                         until the time is over, we are asked to stop, or nobody is left  ◄───────────┘ merged

import type { AgentReport } from '#profile/model/accounting'
import { mergeProfiles } from '#profile/model/merge-profiles'
import type { Profile } from '#profile/model/profile'
import { CPU_SAMPLES } from '#profile/model/profile-type'
import type { Window } from './aggregate/window.ts'
import type { CgroupTree } from './host/cgroup-tree.ts'
import { sleep } from './host/clock.ts'
import type { Family } from './host/family.ts'
import { accountTicks } from './kernel/accounting.ts'
import { periodNs } from './kernel/perf-events.ts'
import { type RecordParts, type Watch, watch } from './watch.ts'

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
const NAMINGS_MEANWHILE = 2 // a naming may read symbols for a second; the ring must not overflow under it
const NAMINGS_LAST = 10

/** Samples until the end, whatever ends it; gives the parts back in every case.
 *  throws  CannotSample when no CPU can be sampled, and what `begin` throws */
export async function record(options: RecordOptions, parts: RecordParts): Promise<Recording> {
  const { family } = options
  const watched = watch(parts, options)
  try {
    await watched.following.scan((tgid, startTicks) => family?.has(tgid, startTicks) === true)
    return await sample(options, parts, watched)
  } finally {
    watched.close()
  }
}

async function sample(options: RecordOptions, parts: RecordParts, watched: Watch): Promise<Recording> {
  const { sampler, symbolizer, clock } = parts
  const { family, frequencyHz } = options
  const { following, aggregator } = watched
  const profiles: Profile[] = []
  const startMs = clock.monotonicMs()
  const idleBeforeMs = parts.idleMs()
  let windowStart = { wallMs: clock.wallMs(), monotonicMs: startMs }
  let isStopped = false
  void options.stopped.then(() => {
    isStopped = true
  })

  const onFull = () => closeWindow(NAMINGS_MEANWHILE)

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
    watched.read(onFull)
    if (clock.monotonicMs() - windowStart.monotonicMs >= WINDOW_MS) {
      watched.settle(onFull)
      closeWindow(NAMINGS_MEANWHILE)
    }
    watched.keepHouse()
  }

  const isOver = () => isStopped || clock.monotonicMs() - startMs >= options.durationMs || watched.isOver

  sampler.start()
  await options.begin?.()
  while (!isOver()) {
    const restMs = options.durationMs - (clock.monotonicMs() - startMs)
    await Promise.race([options.stopped, sleep(Math.max(1, Math.min(TICK_MS, restMs)))])
    if (isOver()) break // the last samples are read below, when nothing ticks any more
    tick()
    options.onProgress?.({
      elapsedMs: clock.monotonicMs() - startMs,
      samples: watched.drained - watched.filtered,
    })
  }
  const cpuMs = sampler.cpuMs(clock.monotonicMs())
  const idleMs = parts.idleMs() - idleBeforeMs
  const elapsedMs = clock.monotonicMs() - startMs
  sampler.stop()
  following.takeEvents()
  watched.takeSamples(onFull)
  following.publish()
  watched.settle(onFull)
  await symbolizer.ready
  closeWindow(NAMINGS_LAST)
  const { drained, filtered } = watched
  const lostLater = new Map([['filtered', filtered]])
  const counters = sampler.counters()
  return {
    profile: profiles.length === 0 ? undefined : mergeProfiles(profiles),
    elapsedMs,
    ticks: accountTicks({
      frequencyHz,
      cpuMs,
      idleMs,
      counters,
      drained,
      lostLater,
      restopped: parts.snapshots?.restopped,
    }),
    eventsLost: counters.eventsLost,
    living: family?.living ?? 0,
  }
}

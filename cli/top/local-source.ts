// What does this machine do now? The parts of a recording, read every quarter of a second; each interval is named and
// becomes a slice of the window that slides.
//
//   scan ─► ticks ─► every 250 ms: events ─► family, samples ─► who is meant ─► counts ─► …
//   … ─(interval over)─► names ─► slice ─► view
import type { AgentReport } from '#profile/model/accounting'
import { CPU_SAMPLES } from '#profile/model/profile-type'
import { keepRecords } from '../../bpf-agent/aggregate/keep-records.ts'
import { createAggregator } from '../../bpf-agent/aggregate/window.ts'
import { followProcesses } from '../../bpf-agent/follow.ts'
import { accountTicks } from '../../bpf-agent/kernel/accounting.ts'
import { periodNs } from '../../bpf-agent/kernel/perf-events.ts'
import type { RawStacks } from '../../bpf-agent/kernel/raw-stack.ts'
import type { RecordParts } from '../../bpf-agent/record.ts'
import type { Targets } from '../record/targets.ts'
import { sliceOf } from './slice.ts'
import { createSlidingWindow } from './sliding.ts'
import type { Source } from './source.ts'
import type { TopView } from './view.ts'

const TICK_MS = 250 // the rings hold four seconds
const BATCHES_MAX = 256
const HOUSEKEEPING_MS = 1000
// Missed ticks are told by two clocks that round: less than this is their difference.
const MISSED_SHARE = 0.01
const MISSED_LEAST = 10

export interface LocalOptions {
  readonly frequencyHz: number
  readonly targets: Targets
  readonly spanMs: number
  readonly intervalMs: number
}

/** A source that begins to sample when it is first asked, which takes up to three seconds.
 *  errors  `next` throws CannotSample; `close` gives the parts back, begun or not */
export function openLocalSource(options: LocalOptions, parts: RecordParts): Source {
  const { sampler, processes, unwinder, symbolizer, clock } = parts
  const { frequencyHz, intervalMs } = options
  const { family, cgroups, words } = options.targets
  const aggregator = createAggregator(sampler.stopNames)
  const following = followProcesses(parts, ({ kind, tgid, startTicks, parentTgid }) => {
    if (kind === 'fork') family?.onFork(parentTgid, tgid, startTicks)
    else if (kind === 'exit') family?.onExit(tgid, startTicks)
  })
  const sliding = createSlidingWindow(options.spanMs / 1000)
  const isFiltering = family !== undefined || cgroups.length > 0
  const idleBeforeMs = parts.idleMs()
  let sliceStartMs = clock.monotonicMs()
  let keptHouseMs = sliceStartMs
  let isStarted = false
  let drained = 0
  let filtered = 0

  function takeSamples(): void {
    for (let i = 0; i < BATCHES_MAX; i++) {
      const all = sampler.next()
      if (all.count === 0) break
      drained += all.count
      const batch = isFiltering ? keepRecords(all, (row) => isMeant(all, row)) : all
      filtered += all.count - batch.count
      following.meet(batch)
      for (let next = aggregator.add(batch); next < batch.count; next = aggregator.add(batch, next))
        closeSlice()
    }
    family?.settle()
  }

  const isMeant = (batch: RawStacks, row: number) =>
    family?.has(batch.tgid[row]!, batch.startTicks[row]!) === true ||
    cgroups.some((tree) => tree.has(batch.cgroupHigh[row]!, batch.cgroupLow[row]!))

  /** Names that this slice cannot wait for come with the next one: its rows slide out in time. */
  function closeSlice(): void {
    const nowMs = clock.monotonicMs()
    const durationMs = Math.max(1, nowMs - sliceStartMs)
    sliceStartMs = nowMs
    const head = { timeMs: clock.wallMs() - durationMs, durationMs }
    const window = aggregator.take(head)
    const profile =
      window.count === 0
        ? undefined
        : symbolizer.profileOf(window, { type: CPU_SAMPLES, period: periodNs(frequencyHz), ...head })
    sliding.add(sliceOf(profile, durationMs / 1000))
  }

  function tick(): void {
    following.takeEvents()
    takeSamples()
    following.publish()
    following.takeEvents() // who executed another program while it was published
    const nowMs = clock.monotonicMs()
    if (nowMs - keptHouseMs < HOUSEKEEPING_MS) return
    keptHouseMs = nowMs
    sampler.followCpus()
    processes.sweep(nowMs)
    for (const tree of cgroups) tree.refresh()
  }

  function view(): TopView {
    const counters = sampler.counters()
    const ticks = accountTicks({
      ...{ frequencyHz, counters, drained },
      cpuMs: sampler.cpuMs(clock.monotonicMs()),
      idleMs: parts.idleMs() - idleBeforeMs,
      lostLater: new Map([['filtered', filtered]]),
    })
    const notes = [
      ...lossNotes(ticks),
      counters.eventsLost > 0 ? `${counters.eventsLost} forks and exits not heard of` : '',
      family !== undefined && family.living === 0 ? 'no process of these is left' : '',
    ].filter((note) => note !== '')
    return { ...sliding.sums(), perCoreSecond: frequencyHz, cpus: sampler.cpus, notes }
  }

  /** Tables first, so that the first stacks are whole. */
  async function start(): Promise<void> {
    isStarted = true
    await following.scan()
    sampler.start()
    sliceStartMs = clock.monotonicMs()
  }

  return {
    words: `${words}, last ${options.spanMs / 1000} s at ${frequencyHz} Hz`,
    async next({ stopped }) {
      let isStopped = false
      void stopped.then(() => {
        isStopped = true
      })
      if (!isStarted) await start()
      for (;;) {
        const restMs = sliceStartMs + intervalMs - clock.monotonicMs()
        await Promise.race([stopped, sleep(Math.max(1, Math.min(TICK_MS, restMs)))])
        tick()
        if (isStopped || clock.monotonicMs() - sliceStartMs >= intervalMs) break
      }
      await symbolizer.ready // the kernel's names, before the first slice
      closeSlice()
      return view()
    },
    get isOver() {
      return family !== undefined && family.living === 0 && cgroups.length === 0
    },
    close() {
      following.close()
      symbolizer.close()
      unwinder.close()
      sampler.close()
    },
  }
}

/** "lost: ring_full 12", since the start. Samples of others are not lost. */
export function lossNotes({
  expected,
  dropped,
}: Pick<AgentReport, 'expected' | 'dropped'>): readonly string[] {
  const missedLeast = Math.max(MISSED_LEAST, expected * MISSED_SHARE)
  const lost = [...dropped].filter(
    ([reason, count]) => reason !== 'filtered' && count > (reason === 'missed_tick' ? missedLeast : 0),
  )
  return lost.length === 0 ? [] : [`lost: ${lost.map(([reason, count]) => `${reason} ${count}`).join(', ')}`]
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

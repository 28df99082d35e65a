// What does this machine do now? The parts of a recording, read every quarter of a second; each interval is named and
// becomes a slice of the window that slides.
//
//   scan ─► ticks ─► every 250 ms: events ─► family, samples ─► who is meant ─► counts ─► …
//   … ─(interval over)─► names ─► slice ─► view

import type { AgentReport } from '#profile/model/accounting'
import { CPU_SAMPLES } from '#profile/model/profile-type'
import { sleep } from '../../bpf-agent/host/clock.ts'
import { accountTicks } from '../../bpf-agent/kernel/accounting.ts'
import { periodNs } from '../../bpf-agent/kernel/perf-events.ts'
import type { RecordParts } from '../../bpf-agent/watch.ts'
import { watch } from '../../bpf-agent/watch.ts'
import type { Targets } from '../record/targets.ts'
import { sliceOf } from './slice.ts'
import { createSlidingWindow } from './sliding.ts'
import type { Source } from './source.ts'
import type { TopView } from './view.ts'

const TICK_MS = 250 // the rings hold four seconds
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
  const { sampler, symbolizer, clock } = parts
  const { frequencyHz, intervalMs } = options
  const { family, words } = options.targets
  const watched = watch(parts, options.targets)
  const { following, aggregator } = watched
  const sliding = createSlidingWindow(options.spanMs / 1000)
  const idleBeforeMs = parts.idleMs()
  let sliceStartMs = clock.monotonicMs()
  let isStarted = false

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
    watched.read(closeSlice)
    watched.keepHouse()
  }

  function view(): TopView {
    const counters = sampler.counters()
    const { drained, filtered } = watched
    const ticks = accountTicks({
      ...{ frequencyHz, counters, drained },
      cpuMs: sampler.cpuMs(clock.monotonicMs()),
      idleMs: parts.idleMs() - idleBeforeMs,
      lostLater: new Map([['filtered', filtered]]),
      restopped: parts.snapshots?.restopped,
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
      watched.settle(closeSlice)
      await symbolizer.ready // the kernel's names, before the first slice
      closeSlice()
      return view()
    },
    get isOver() {
      return watched.isOver
    },
    close: () => watched.close(),
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

// Who hears what of processes? The kernel tells that they came, changed and went, and samples show who is at work; the
// names side (what is mapped, which service is it) and the unwinder (how is its stack walked) must both know, in this
// order, since the unwinder publishes what the other has read.
//
//   scan ─► start ─► … events ─► samples ─► publish ─► events …
import type { ProcessEvent } from './kernel/events.ts'
import type { RawStacks } from './kernel/raw-stack.ts'
import type { Sampler } from './kernel/sampler.ts'
import { missesOf } from './unwind/misses.ts'
import type { Unwinder } from './unwind/unwinder.ts'

/** Of the names side, what it is told. Times are CLOCK_MONOTONIC, ms. */
export interface ProcessTable {
  onFork(parentTgid: number, childTgid: number, startTicks: number, timeMs: number): void
  onExec(tgid: number, startTicks: number, timeMs: number): void
  onExit(tgid: number, startTicks: number, timeMs: number): void
  see(tgid: number, startTicks: number): void
  sweep(nowMs: number): void
  readonly count: number
  /** Processes that could not be read, by reason. */
  readonly misses: ReadonlyMap<string, number>
}

export interface Following {
  /** Before the sampler starts: tables of all that lives, within three seconds. Who is left out is met by its samples.
   *  in  isWanted  those that go first */
  scan(isWanted?: (tgid: number, startTicks: number) => boolean): Promise<void>
  /** Tells what has happened since the last call; before the samples, so that a stack meets the process it was taken
   *  from.
   *  in   tell  somebody else who wants to hear it
   *  out  the number of events */
  takeEvents(tell?: (event: ProcessEvent) => void): number
  /** Each process of a batch is looked at while it may still live.  cost 1 µs per process, 0.2 ms where it is read */
  meet(batch: RawStacks): void
  /** After the samples: what was met is published, and a little is compiled.  out  whether there is more to do soon */
  publish(): boolean
}

const SCAN_MS_MAX = 3000
const COMPILE_MS = 20 // the ring is not drained meanwhile

/** Starts with nobody known. */
export function followProcesses({
  sampler,
  processes,
  unwinder,
}: {
  readonly sampler: Pick<Sampler, 'events' | 'stopNames'>
  readonly processes: ProcessTable
  readonly unwinder: Unwinder
}): Following {
  const missOf = missesOf(sampler.stopNames)
  // tgid → startTicks, between two publishings: those who were seen, and those with a stack that ended for want of tables.
  const seen = new Map<number, number>()
  const missed = new Map<number, number>()

  function takeEvents(tell?: (event: ProcessEvent) => void): number {
    const events = sampler.events()
    for (const event of events) {
      const { kind, tgid, startTicks, parentTgid, timeMs } = event
      if (kind === 'fork') {
        processes.onFork(parentTgid, tgid, startTicks, timeMs)
        unwinder.onFork(tgid, startTicks)
      } else if (kind === 'exec') {
        processes.onExec(tgid, startTicks, timeMs)
        unwinder.onExec(tgid, startTicks)
      } else {
        processes.onExit(tgid, startTicks, timeMs)
        unwinder.onExit(tgid, startTicks)
      }
      tell?.(event)
    }
    return events.length
  }

  return {
    scan: (isWanted) => unwinder.scan(SCAN_MS_MAX, isWanted),
    takeEvents,
    meet(batch) {
      for (let i = 0; i < batch.count; i++) {
        const tgid = batch.tgid[i]!
        const startTicks = batch.startTicks[i]!
        if (seen.get(tgid) !== startTicks) {
          seen.set(tgid, startTicks)
          processes.see(tgid, startTicks)
          unwinder.see(tgid, startTicks)
        }
        const miss = missOf[batch.stop[i]!]
        if (miss === undefined || missed.get(tgid) === startTicks) continue
        missed.set(tgid, startTicks)
        unwinder.miss(tgid, startTicks, miss)
      }
    },
    publish() {
      seen.clear()
      missed.clear()
      return unwinder.tick(COMPILE_MS)
    },
  }
}

// Who hears what of processes? The kernel tells that they came, changed and went, and samples show who is at work; the
// names side (what is mapped, which service is it) and the unwinder (how is its stack walked) must both know, in this
// order, since the unwinder publishes what the other has read.
//
//   scan ─► start ─► … events ─► samples ─► publish ─► events …
//                       └─ and, between the ticks, whenever code is mapped: a library opened, a program executed

import { keepRecords } from './aggregate/keep-records.ts'
import type { GenerationAt } from './aggregate/window.ts'
import { sleep } from './host/clock.ts'
import type { ProcessEvent } from './kernel/events.ts'
import type { MappingEvent, MappingEvents } from './kernel/mapping-events.ts'
import type { RawStacks } from './kernel/raw-stack.ts'
import type { Sampler } from './kernel/sampler.ts'
import { missesOf } from './unwind/misses.ts'
import type { Snapshots } from './unwind/snapshots.ts'
import type { Unwinder } from './unwind/unwinder.ts'

/** Of the names side, what it is told. Times are CLOCK_MONOTONIC, ms. */
export interface ProcessTable {
  onFork(parentTgid: number, childTgid: number, startTicks: number, timeMs: number): void
  onExec(tgid: number, startTicks: number, timeMs: number): void
  onExit(tgid: number, startTicks: number, timeMs: number): void
  onProgram(tgid: number, timeMs: number): void
  /** out  its start, if it is known */
  onMap(tgid: number, event: Extract<MappingEvent, { kind: 'map' }>, timeMs: number): number | undefined
  /** Mappings went untold. */
  onLost(): void
  see(tgid: number, startTicks: number): void
  /** What it was at a moment; undefined: nothing is known. */
  generationAt(tgid: number, startTicks: number, timeMs: number): { readonly number: number } | undefined
  sweep(nowMs: number): void
  readonly count: number
  /** Processes that could not be read, by reason. */
  readonly misses: ReadonlyMap<string, number>
}

export interface FollowParts {
  readonly sampler: Pick<Sampler, 'events' | 'stopNames'>
  readonly processes: ProcessTable
  readonly unwinder: Unwinder
  /** Names frames of Python while they can still be read. */
  readonly python?: { resolve(batch: RawStacks): void } | undefined
  /** undefined: mappings are read again only when samples show that they have changed. */
  readonly mappingEvents?: MappingEvents | undefined
  readonly clock: { monotonicMs(): number }
  /** undefined: a stack that the kernel could not walk stays as it is. */
  readonly snapshots?: Snapshots | undefined
}

export interface Following {
  /** Before the sampler starts: tables of all that lives, within three seconds. Who is left out is met by its samples.
   *  in  isWanted  those that go first */
  scan(isWanted?: (tgid: number, startTicks: number) => boolean): Promise<void>
  /** Tells what has happened since the last call; before the samples, so that a stack meets the process it was taken
   *  from.  out  the number of events */
  takeEvents(): number
  /** Each process of a batch is looked at while it may still live.
   *  out  the samples that are ready; those of a process that the kernel did not know may come by `resolve` instead
   *  cost 1 µs per process, 0.2 ms where it is read; 10 µs per stack that is walked here */
  meet(batch: RawStacks): readonly RawStacks[]
  /** The samples that were waited for, after publishing.
   *  in   isLast  all of them, as they are: a window is to be closed */
  resolve(isLast: boolean): RawStacks | undefined
  /** After the samples: what was met is published, and a little is compiled.
   *  out     whether there is more to do soon
   *  throws  what went wrong between the ticks */
  publish(): boolean
  /** Nothing is told, read or published any more. The parts are closed by whoever made them. */
  close(): void
}

/** Numbers for whoever counts samples; 0: nothing is known. Samples are met before they are counted. */
export const generationNumber =
  (processes: Pick<ProcessTable, 'generationAt'>): GenerationAt =>
  (tgid, startTicks, timeMs) =>
    processes.generationAt(tgid, startTicks, timeMs)?.number ?? 0

const SCAN_MS_MAX = 3000
const COMPILE_MS = 20 // the ring is not drained meanwhile
const COMPILE_MS_BETWEEN = 5
const PUBLISHED_MAX = 16 // of a wake-up or tick, the latest first: the others are met by their samples
const STARTING_MS = 5
const SETTLE_MS = 2 // then the loader maps a program's libraries one after the other
const WAIT_MS = 60_000
// A program that is executed costs 2 ms with its wake-up, its reading and its run, measured: ten a second are 2 % of a
// core. A build that starts a hundred a second gets no more; it is met by its samples.
const WAKEUPS_PER_S = 10
const WAKEUPS_MAX = 20

/** Starts with nobody known.
 *  in  tell  somebody else who wants to hear each event */
export function followProcesses(
  { sampler, processes, unwinder, mappingEvents, python, snapshots, clock }: FollowParts,
  tell?: (event: ProcessEvent) => void,
): Following {
  const missOf = missesOf(sampler.stopNames)
  // tgid → startTicks, between two publishings: those who were seen, and those with a stack that ended for want of tables.
  const seen = new Map<number, number>()
  const missed = new Map<number, number>()
  // tgid → startTicks, those whose mappings have changed and are not published yet; the latest last.
  const changed = new Map<number, number>()
  let early: (ProcessEvent | MappingEvent)[] = []
  let lost = 0
  let programMs = Number.NEGATIVE_INFINITY // when somebody last became another program
  let isClosed = false
  let broken: { readonly error: unknown } | undefined

  /** Both kinds of events have a ring of their own. What is older than this call has been written to both of them; the
   *  rest waits for the next call, so that a mapping meets the process, and the program, that it belongs to. */
  function takeEvents(): number {
    if (mappingEvents === undefined) {
      const events = sampler.events()
      for (const event of events) hear(event)
      return events.length
    }
    const untilMs = clock.monotonicMs()
    const events = sampler.events()
    const all = [...early, ...events, ...mappingEvents.take()]
    early = []
    if (mappingEvents.lost !== lost) processes.onLost()
    lost = mappingEvents.lost
    for (const event of all.sort((one, other) => one.timeMs - other.timeMs))
      if (event.timeMs > untilMs) early.push(event)
      else hear(event)
    return events.length
  }

  function hear(event: ProcessEvent | MappingEvent): void {
    const { kind, tgid, timeMs } = event
    if (kind === 'map') {
      const startTicks = processes.onMap(tgid, event, timeMs)
      if (startTicks !== undefined) change(tgid, startTicks)
    } else if (kind === 'program') {
      programMs = timeMs
      processes.onProgram(tgid, timeMs)
    } else hearOfProcess(event)
  }

  function change(tgid: number, startTicks: number): void {
    changed.delete(tgid)
    changed.set(tgid, startTicks)
  }

  function hearOfProcess(event: ProcessEvent): void {
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
      changed.delete(tgid)
    }
    tell?.(event)
  }

  /** What is known of the changed by events, is it what was published? */
  function seeChanged(): void {
    const latest = [...changed].slice(-PUBLISHED_MAX)
    for (const [tgid, startTicks] of latest) unwinder.see(tgid, startTicks)
    changed.clear()
  }

  async function watch(events: MappingEvents): Promise<void> {
    let tokens = WAKEUPS_MAX
    for (let beforeMs = performance.now(); !isClosed; ) {
      await events.wait(WAIT_MS)
      if (isClosed) return
      takeEvents()
      if (clock.monotonicMs() - programMs < STARTING_MS) await sleep(SETTLE_MS)
      if (isClosed) return
      react()
      const nowMs = performance.now()
      tokens = Math.min(WAKEUPS_MAX, tokens + ((nowMs - beforeMs) / 1000) * WAKEUPS_PER_S) - 1
      beforeMs = nowMs
      if (tokens < 1) await sleep(1000 / WAKEUPS_PER_S)
    }
  }

  function react(): void {
    takeEvents()
    seeChanged()
    unwinder.tick(COMPILE_MS_BETWEEN)
    takeEvents()
  }

  if (mappingEvents)
    watch(mappingEvents).catch((error: unknown) => {
      broken = { error }
    })
  return {
    scan: (isWanted) => unwinder.scan(SCAN_MS_MAX, isWanted),
    takeEvents,
    meet(batch) {
      python?.resolve(batch)
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
      if (snapshots === undefined || !hasSnapshots(batch)) return [batch]
      const ready = keepRecords(batch, (record) => !snapshots.take(batch, record))
      return [ready, snapshots.walked()]
    },
    resolve(isLast) {
      if (snapshots === undefined || snapshots.held === 0) return undefined
      snapshots.resolve(isLast)
      return snapshots.walked()
    },
    publish() {
      if (broken) throw broken.error
      seen.clear()
      missed.clear()
      seeChanged()
      return unwinder.tick(COMPILE_MS)
    },
    close() {
      isClosed = true
      mappingEvents?.close()
    },
  }
}

function hasSnapshots({ snapshotBytes, count }: RawStacks): boolean {
  for (let i = 0; i < count; i++) if (snapshotBytes[i]! > 0) return true
  return false
}

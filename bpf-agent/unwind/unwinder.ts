// Whom can the sampler unwind by rows, and what must be told to the kernel when processes come, change and go?
//
//   sampled, or has executed ─► its mappings are read (host/processes.ts) ─► tables of its files ─► a run ─► its row
//   forked: the kernel has copied the parent's row already; here we learn of it
//   executed: the kernel has deleted the row already, and the mappings are read again
//   ended: the row stays for two drains, for the samples that are still in the ring
//   a sample found no mapping, or no row: that is the report, its mappings are read again
import type { KnownProcess } from '../host/processes.ts'
import type { Files } from './files.ts'
import type { KernelTables } from './kernel-tables.ts'
import type { Miss } from './misses.ts'
import type { RowStore } from './row-store.ts'
import { createRuns, type Owner, type Run, type Runtimes } from './runs.ts'

/** What is asked of the table of processes. */
export interface MappedProcesses {
  see(tgid: number, startTicks: number): void
  find(tgid: number, startTicks: number): KnownProcess | undefined
  refresh(tgid: number, startTicks: number): boolean
}

export interface UnwinderParts {
  readonly kernel: KernelTables
  readonly files: Files
  readonly store: RowStore
  readonly processes: MappedProcesses
  /** Interpreters in the mappings; undefined: nobody asks. */
  readonly runtimes?: Runtimes | undefined
  /** Start of a living process, and whether it is a kernel thread; undefined: no such process. */
  readonly statOf: (
    tgid: number,
  ) => { readonly startTicks: number; readonly isKernelThread: boolean } | undefined
  /** PIDs of all living processes. */
  readonly listProcesses: () => readonly number[]
  /** Events of processes that found their ring full, since the start. */
  readonly eventsLost: () => number
  /** Milliseconds of a clock that never jumps. */
  readonly nowMs: () => number
}

export interface UnwinderFacts {
  /** Published, and all that are remembered. */
  readonly processes: number
  readonly remembered: number
  readonly vmas: number
  readonly files: number
  /** Files that wait to be compiled. */
  readonly waiting: number
  readonly rows: number
  readonly pages: number
  readonly rules: number
  /** Kernel memory of rows. */
  readonly bytes: number
  readonly compileSeconds: number
  /** What has no table and why: files, processes, rules. */
  readonly refused: ReadonlyMap<string, number>
}

export interface Unwinder {
  /** in  tgid, startTicks  of the child */
  onFork(tgid: number, startTicks: number): void
  onExec(tgid: number, startTicks: number): void
  onExit(tgid: number, startTicks: number): void
  /** A sample of it came, and the table of processes has seen it.  cost a Map look-up; the rest is done in `tick` */
  see(tgid: number, startTicks: number): void
  miss(tgid: number, startTicks: number, why: Miss): void
  /** Number of the interpreter that is walked in a process; 0: none, or nothing of it is published. */
  runtimeOf(tgid: number, startTicks: number): number
  /** Publishes, compiles for about `budgetMs`, frees. All events posted before must have been told; afterwards events
   *  are to be told again, since a process that executed while it was published is led to the wrong run until then.
   *  out  whether there is more to do soon
   *  cost a map look-up, 0.1 to 0.3 ms per process that has executed, and `budgetMs` */
  tick(budgetMs: number): boolean
  /** Before the first sample: all living processes, within `boundMs`; what is not done then comes with its samples.
   *  in   isWanted  those that go first; without, nobody does */
  scan(boundMs: number, isWanted?: (tgid: number, startTicks: number) => boolean): Promise<void>
  facts(): UnwinderFacts
  close(): void
}

interface Tracked extends Owner {
  isDead: boolean
  run: Run | undefined
  /** The list that was last published, or tried. */
  mappings: Run['mappings'] | undefined
  /** When a run that lacks something is tried again, and how long after the last try. */
  retryAtMs: number
  retryMs: number
  missedAtMs: number
}

const DRAINS_AFTER_DEATH = 2 // the one that told us, and the next
const REBUILD_MS = 1000 // tables become ready one by one, and each run has some thirty
const HOUSEKEEPING_MS = 10_000
const RETRY_MS_FIRST = 10_000
const RETRY_MS_MAX = 600_000
const MISS_MS = 1000
// Reading a process costs 0.3 to 0.5 ms. A program that somebody starts is read before it is sampled; of a build that
// starts a hundred a second most would be read in vain, and those that matter are sampled soon.
const EXECUTED_PER_S = 5
const EXECUTED_MAX = 40
const SLICE_MS = 20
const QUEUE_LENGTH = 64 // files held open while the scan goes on

/** Starts with nothing published. */
export function createUnwinder(parts: UnwinderParts): Unwinder {
  const { kernel, files, store, processes, nowMs } = parts
  const runs = createRuns(parts)
  const tracked = new Map<string, Tracked>()
  const toPublish = new Set<Tracked>()
  const executed = new Map<string, { readonly tgid: number; readonly startTicks: number }>()
  const outdated = new Set<Run>()
  const refused = new Map<string, number>()
  let dead: { readonly process: Tracked; readonly drain: number }[] = []
  let drains = 0
  let eventsLost = 0
  let rebuiltAtMs = Number.NEGATIVE_INFINITY
  let keptHouseMs = nowMs()
  let mayRead = EXECUTED_MAX
  let refilledMs = nowMs()

  function track(tgid: number, startTicks: number): Tracked {
    const key = keyOf(tgid, startTicks)
    const known = tracked.get(key)
    if (known) return known
    const process: Tracked = {
      ...{ tgid, startTicks, isDead: false, run: undefined, mappings: undefined },
      ...{ retryAtMs: Infinity, retryMs: RETRY_MS_FIRST, missedAtMs: Number.NEGATIVE_INFINITY },
    }
    tracked.set(key, process)
    return process
  }

  /** Whoever has ended already never gets another event that would forget him: only the living are tracked, whose end is
   *  still to come. Samples of the others lie in the ring behind their end. */
  function see(tgid: number, startTicks: number): void {
    const process = tracked.get(keyOf(tgid, startTicks))
    if (process) check(process)
    else if (mappingsOf({ tgid, startTicks })) check(track(tgid, startTicks))
  }

  /** What the table of processes knows now, is it what was published? */
  function check(process: Tracked): void {
    if (process.isDead) return
    const mappings = mappingsOf(process)
    if (mappings !== undefined && (mappings !== process.mappings || nowMs() >= process.retryAtMs))
      toPublish.add(process)
  }

  function mappingsOf({
    tgid,
    startTicks,
  }: Pick<Tracked, 'tgid' | 'startTicks'>): Run['mappings'] | undefined {
    const known = processes.find(tgid, startTicks)
    const newest = known?.generations[0]
    return known?.isStale || known?.isDead || newest?.isKernelThread ? undefined : newest?.mappings
  }

  function publish(process: Tracked): void {
    const mappings = process.isDead ? undefined : mappingsOf(process)
    if (mappings === undefined) return
    const isRetry = mappings === process.mappings && nowMs() >= process.retryAtMs
    process.mappings = mappings
    if (isRetry && process.run) runs.outdate(process.run)
    const run = runs.runFor(process.tgid, mappings)
    scheduleRetry(process, isRetry, run === undefined ? mappings.start.length > 0 : run.isPartial)
    if (run) assign(process, run)
    else if (process.run) withdraw(process)
  }

  function scheduleRetry(process: Tracked, isRetry: boolean, isNeeded: boolean): void {
    process.retryMs = isRetry ? Math.min(RETRY_MS_MAX, 2 * process.retryMs) : RETRY_MS_FIRST
    process.retryAtMs = isNeeded ? nowMs() + process.retryMs : Infinity
  }

  function assign(process: Tracked, run: Run): void {
    if (process.run === run) return
    const { tgid, startTicks } = process
    if (!kernel.setProc(tgid, { firstVma: run.first, nVma: run.n, startTicks, runtime: run.runtime })) {
      refuse('procs_full')
      if (process.run) withdraw(process)
      return
    }
    const before = process.run
    process.run = run
    runs.join(run, process)
    if (before) runs.leave(before, process)
  }

  /** The kernel knows it no longer. A row of another process with the same PID stays. */
  function withdraw(process: Tracked): void {
    if (kernel.proc(process.tgid)?.startTicks === process.startTicks) kernel.deleteProc(process.tgid)
    abandon(process)
  }

  /** The kernel's row is gone already. */
  function abandon(process: Tracked): void {
    if (process.run) runs.leave(process.run, process)
    process.run = undefined
    process.mappings = undefined
    process.retryAtMs = Infinity
  }

  function onFork(tgid: number, startTicks: number): void {
    const row = kernel.proc(tgid)
    if (row?.startTicks === startTicks) adopt(track(tgid, startTicks), row.firstVma)
  }

  /** The kernel has a row that we did not write. */
  function adopt(process: Tracked, firstVma: number): void {
    const { tgid, startTicks, run } = process
    if (run?.first === firstVma) return
    // Published meanwhile, then the fork's copy came late: ours is the newer.
    if (run) {
      kernel.setProc(tgid, { firstVma: run.first, nVma: run.n, startTicks, runtime: run.runtime })
      return
    }
    const found = runs.at(firstVma)
    if (found === undefined) {
      kernel.deleteProc(tgid) // cannot be unless events were lost
      return
    }
    process.run = found
    process.mappings = found.mappings
    runs.join(found, process)
    if (runs.isOutdated(found)) toPublish.add(process)
  }

  function onExec(tgid: number, startTicks: number): void {
    const key = keyOf(tgid, startTicks)
    const process = tracked.get(key)
    // If it executed between the reading of its mappings and their publishing, the row is the old program's.
    if (process) withdraw(process)
    executed.set(key, { tgid, startTicks })
  }

  function onExit(tgid: number, startTicks: number): void {
    const key = keyOf(tgid, startTicks)
    executed.delete(key)
    const process = tracked.get(key)
    if (process === undefined || process.isDead) return
    process.isDead = true
    toPublish.delete(process)
    if (process.run) runs.mourn(process.run)
    dead.push({ process, drain: drains + DRAINS_AFTER_DEATH })
  }

  function miss(tgid: number, startTicks: number, why: Miss): void {
    const process = tracked.get(keyOf(tgid, startTicks))
    if (process) {
      if (process.isDead || nowMs() - process.missedAtMs < MISS_MS) return
      process.missedAtMs = nowMs()
      if (why === 'unknown' && process.run) {
        // Samples from before it was published say so too.
        if (kernel.proc(tgid)?.startTicks === startTicks) return
        abandon(process)
      }
    }
    processes.refresh(tgid, startTicks)
    see(tgid, startTicks)
  }

  function bury(): void {
    const due = dead.filter(({ drain }) => drain <= drains)
    dead = dead.filter(({ drain }) => drain > drains)
    for (const { process } of due) {
      withdraw(process)
      tracked.delete(keyOf(process.tgid, process.startTicks))
    }
  }

  /** Processes that have executed another program are read while they live, sampled or not: the latest first, since the
   *  others may have ended. Who is left out is read when he is sampled. */
  function readExecuted(): void {
    const now = nowMs()
    mayRead = Math.min(EXECUTED_MAX, mayRead + ((now - refilledMs) / 1000) * EXECUTED_PER_S)
    refilledMs = now
    for (const { tgid, startTicks } of [...executed.values()].reverse()) {
      if (mayRead < 1) break
      mayRead--
      if (mappingsOf({ tgid, startTicks }) === undefined) processes.see(tgid, startTicks)
      see(tgid, startTicks)
    }
    executed.clear()
  }

  /** A run is made again when the last of its files is ready; one that waits for a large file, once a second. */
  function compile(budgetMs: number): void {
    for (const file of files.compile(budgetMs)) for (const run of runs.naming(file)) outdated.add(run)
    const isDue = nowMs() - rebuiltAtMs >= REBUILD_MS
    if (isDue && outdated.size > 0) rebuiltAtMs = nowMs()
    for (const run of outdated) {
      if (!isDue && run.files.some(({ state }) => state === 'waiting')) continue
      outdated.delete(run)
      runs.outdate(run)
      for (const owner of run.owners) renew(owner as Tracked)
    }
  }

  /** Led to a new run of the mappings it has. */
  function renew(process: Tracked): void {
    const { run } = process
    if (process.isDead || run === undefined) return
    const fresh = runs.runFor(process.tgid, run.mappings)
    if (fresh) assign(process, fresh)
    else scheduleRetry(process, false, true)
  }

  /** Forks, execs and exits were missed: what the kernel has is compared with who lives. */
  function reconcile(): void {
    const lost = parts.eventsLost()
    if (lost === eventsLost) return
    eventsLost = lost
    const inKernel = new Map<string, number>()
    for (const tgid of kernel.procIds()) {
      const row = kernel.proc(tgid)
      if (row === undefined) continue
      const lives = parts.statOf(tgid)?.startTicks === row.startTicks
      if (lives) {
        inKernel.set(keyOf(tgid, row.startTicks), row.firstVma)
        adopt(track(tgid, row.startTicks), row.firstVma)
      } else if (!tracked.has(keyOf(tgid, row.startTicks))) kernel.deleteProc(tgid)
    }
    for (const [key, process] of tracked) {
      if (process.isDead || inKernel.has(key)) continue
      if (parts.statOf(process.tgid)?.startTicks !== process.startTicks)
        onExit(process.tgid, process.startTicks)
      else if (process.run) onExec(process.tgid, process.startTicks)
    }
  }

  function keepHouse(): void {
    const now = nowMs()
    if (now - keptHouseMs < HOUSEKEEPING_MS) return
    keptHouseMs = now
    files.sweep()
    for (const process of tracked.values())
      if (now >= process.retryAtMs) check(process)
      else if (process.retryAtMs === Infinity && process.run?.isPartial) scheduleRetry(process, false, true)
  }

  function tick(budgetMs: number): boolean {
    drains++
    reconcile()
    bury()
    runs.settle(nowMs())
    readExecuted()
    keepHouse()
    for (const process of toPublish) publish(process)
    toPublish.clear()
    compile(budgetMs) // the files of new processes among them, which then get a run with rows
    return files.waiting > 0
  }

  async function scan(
    boundMs: number,
    isWanted: (tgid: number, startTicks: number) => boolean = () => false,
  ): Promise<void> {
    const endMs = nowMs() + boundMs
    const wanted: number[] = []
    const others: number[] = []
    for (const tgid of parts.listProcesses()) {
      const stat = parts.statOf(tgid)
      if (stat === undefined || stat.isKernelThread) continue
      if (isWanted(tgid, stat.startTicks)) wanted.push(tgid)
      else others.push(tgid)
    }
    for (const tgids of [wanted, others]) await scanSome(tgids, endMs)
  }

  async function scanSome(tgids: readonly number[], endMs: number): Promise<void> {
    let sliceEndMs = nowMs() + SLICE_MS
    const pause = async () => {
      if (nowMs() < sliceEndMs) return
      await new Promise((resolve) => setImmediate(resolve))
      sliceEndMs = nowMs() + SLICE_MS
    }
    let left = tgids
    while (left.length > 0 && nowMs() < endMs) {
      const unread: number[] = []
      for (const tgid of left) {
        if (nowMs() >= endMs) break
        if (!meet(tgid)) unread.push(tgid)
        await pause()
      }
      left = unread
      if (left.length > 0) await new Promise((resolve) => setTimeout(resolve, SLICE_MS)) // reading has its own budget
    }
    // Files are found, and queued, when runs are made; the runs of files that are not compiled yet are made again.
    for (const process of toPublish) {
      publish(process)
      do {
        if (files.waiting > QUEUE_LENGTH) compile(SLICE_MS)
        await pause()
      } while (files.waiting > QUEUE_LENGTH && nowMs() < endMs)
    }
    toPublish.clear()
    while (files.waiting > 0 && nowMs() < endMs) {
      compile(SLICE_MS)
      if (files.waiting === files.elsewhere) await new Promise((resolve) => setTimeout(resolve, SLICE_MS))
      else await pause()
    }
    compile(0)
  }

  /** out  false: not read yet */
  function meet(tgid: number): boolean {
    const stat = parts.statOf(tgid)
    if (stat === undefined) return true
    processes.see(tgid, stat.startTicks)
    const known = processes.find(tgid, stat.startTicks)
    if (known && known.generations.length === 0 && !known.isDead && !known.isRefused) return false
    see(tgid, stat.startTicks)
    return true
  }

  function refuse(reason: string): void {
    refused.set(reason, (refused.get(reason) ?? 0) + 1)
  }

  return {
    onFork,
    onExec,
    onExit,
    see,
    miss,
    runtimeOf: (tgid, startTicks) => tracked.get(keyOf(tgid, startTicks))?.run?.runtime ?? 0,
    tick,
    scan,
    facts: () => ({
      processes: [...tracked.values()].filter(({ run }) => run !== undefined).length,
      remembered: tracked.size,
      ...{ vmas: runs.used, files: files.count, waiting: files.waiting },
      ...store.usage,
      compileSeconds: files.compileMs / 1000,
      refused: new Map([...files.refused, ...runs.refused, ...refused, ['rules_full', store.rulesRefused]]),
    }),
    close: () => files.close(),
  }
}

const keyOf = (tgid: number, startTicks: number) => `${tgid} ${startTicks}`

// What do some processes do, where nobody ships it? What a recording and the live table have in common: who is meant is
// found among all who are sampled, and only those are counted.
//
//   events ─► family      samples ─► who is meant ─► counts ─(full)─► whoever names them
import type { AgentParts } from './agent.ts'
import { keepRecords } from './aggregate/keep-records.ts'
import { type Aggregator, createAggregator } from './aggregate/window.ts'
import { type Following, followProcesses, generationNumber } from './follow.ts'
import type { CgroupTree } from './host/cgroup-tree.ts'
import type { Family } from './host/family.ts'
import type { RawStacks } from './kernel/raw-stack.ts'

/** `ready` resolves when kernel names are there, or known to stay away. */
export type RecordParts = Pick<
  AgentParts,
  'sampler' | 'processes' | 'unwinder' | 'mappingEvents' | 'python' | 'snapshots' | 'clock' | 'idleMs'
> & {
  readonly symbolizer: AgentParts['symbolizer'] & { readonly ready: Promise<void> }
}

/** Members of the family, and of the cgroups. Neither: everyone. */
export interface Meant {
  readonly family?: Family | undefined
  readonly cgroups?: readonly CgroupTree[]
}

export interface Watch {
  readonly following: Following
  readonly aggregator: Aggregator
  /** Samples read, and those of them that were of others. */
  readonly drained: number
  readonly filtered: number
  /** A family was meant, and nobody of it lives any more. */
  readonly isOver: boolean
  /** in  onFull  takes the aggregator's counts: there is room for no more */
  takeSamples(onFull: () => void): void
  /** Samples that wait for the tables of their process are counted as they are: the counts are about to be taken. */
  settle(onFull: () => void): void
  /** Events, samples, publishing, and samples that waited for it, in their order. */
  read(onFull: () => void): void
  /** Once a second: CPUs that came, processes long dead, cgroups that came. */
  keepHouse(): void
  /** Gives the parts back. */
  close(): void
}

const BATCHES_MAX = 256 // per reading: 1 M records, more than any ring holds
const HOUSEKEEPING_MS = 1000

/** Starts with nothing read. */
export function watch(parts: RecordParts, meant: Meant): Watch {
  const { sampler, processes, unwinder, symbolizer, clock } = parts
  const { family, cgroups = [] } = meant
  const aggregator = createAggregator(sampler.stopNames, generationNumber(processes))
  const following = followProcesses(parts, ({ kind, tgid, startTicks, parentTgid }) => {
    if (kind === 'fork') family?.onFork(parentTgid, tgid, startTicks)
    else if (kind === 'exit') family?.onExit(tgid, startTicks)
  })
  const isFiltering = family !== undefined || cgroups.length > 0
  let keptHouseMs = clock.monotonicMs()
  let drained = 0
  let filtered = 0

  function takeSamples(onFull: () => void): void {
    for (let i = 0; i < BATCHES_MAX; i++) {
      const all = sampler.next()
      if (all.count === 0) break
      drained += all.count
      const batch = isFiltering ? keepRecords(all, (row) => isMeant(all, row)) : all
      filtered += all.count - batch.count
      for (const ready of following.meet(batch)) count(ready, onFull)
    }
    family?.settle()
  }

  function count(batch: RawStacks | undefined, onFull: () => void): void {
    if (batch === undefined) return
    for (let next = aggregator.add(batch); next < batch.count; next = aggregator.add(batch, next)) onFull()
  }

  const isMeant = (batch: RawStacks, row: number) =>
    family?.has(batch.tgid[row]!, batch.startTicks[row]!) === true ||
    cgroups.some((tree) => tree.has(batch.cgroupHigh[row]!, batch.cgroupLow[row]!))

  return {
    following,
    aggregator,
    get drained() {
      return drained
    },
    get filtered() {
      return filtered
    },
    get isOver() {
      return family !== undefined && family.living === 0 && cgroups.length === 0
    },
    takeSamples,
    settle: (onFull) => count(following.resolve(true), onFull),
    read(onFull) {
      following.takeEvents()
      takeSamples(onFull)
      following.publish()
      following.takeEvents() // who executed another program while it was published
      count(following.resolve(false), onFull)
    },
    keepHouse() {
      const nowMs = clock.monotonicMs()
      if (nowMs - keptHouseMs < HOUSEKEEPING_MS) return
      keptHouseMs = nowMs
      sampler.followCpus()
      processes.sweep(nowMs)
      for (const tree of cgroups) tree.refresh()
    },
    close() {
      following.close()
      symbolizer.close()
      unwinder.close()
      sampler.close()
    },
  }
}

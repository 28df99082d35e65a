// What is the unwinder made of on a real machine? The kernel's tables, the compiler and /proc, put together.
import { livingProcesses } from '../host/family.ts'
import { readStat } from '../host/proc.ts'
import { originOf, type Processes } from '../host/processes.ts'
import { type KernelSampler, SNAPSHOT_BYTES_MAX } from '../kernel/sampler.ts'
import { openBpfTables } from './bpf-tables.ts'
import { createCompileChild } from './compile-child.ts'
import { startFileCompilation } from './file-compilation.ts'
import { createFiles, type FilesParts } from './files.ts'
import { createRowReader } from './row-reader.ts'
import { createRowStore } from './row-store.ts'
import type { Runtimes } from './runs.ts'
import type { MappedThen } from './snapshot-tables.ts'
import { createSnapshots, type Snapshots } from './snapshots.ts'
import { openTableCache } from './table-cache.ts'
import { createUnwinder, type MappedProcesses, type Unwinder } from './unwinder.ts'
import { readVdso } from './vdso.ts'

const ROWS_MAX = 8 * 1024 * 1024 // 32 MiB of kernel memory; 140 files of a host have 1.25 M
const MACHINES: Readonly<Record<string, number>> = { x64: 62, arm64: 183 }

/** The unwinder, and who walks the stacks of processes that it could not publish in time. */
export interface HostUnwinder extends Unwinder {
  readonly snapshots: Snapshots
}

/** Makes the unwinder of a loaded sampler; nothing is published yet.
 *  in   open, versionOf  of a mapped file of a process, through the same door as the names side
 *       cacheFolder  where compiled tables are kept; "" nowhere
 *       compileProgram  the built program that compiles large files; without it they are compiled here
 *       monotonicMs  CLOCK_MONOTONIC
 *  throws  SyscallError */
export function createHostUnwinder({
  sampler,
  processes,
  open,
  versionOf,
  cacheFolder = '',
  runtimes,
  compileProgram,
  log = () => {},
  userFramesMax = 512,
  monotonicMs,
}: {
  readonly sampler: KernelSampler
  readonly processes: MappedProcesses & Pick<Processes, 'generationAt'>
  readonly open: FilesParts['open']
  readonly versionOf: FilesParts['versionOf']
  readonly cacheFolder?: string
  readonly runtimes?: Runtimes
  readonly compileProgram?: string | undefined
  readonly log?: (line: string) => void
  /** Deepest user stack, in frames. */
  readonly userFramesMax?: number
  readonly monotonicMs: () => number
}): HostUnwinder {
  const opened = openBpfTables(sampler)
  const reader = createRowReader(opened)
  const { kernel } = reader
  const store = createRowStore(kernel, ROWS_MAX)
  const cache = cacheFolder === '' ? undefined : openTableCache(cacheFolder)
  if (cacheFolder !== '' && cache === undefined)
    log(
      `unwind tables are not kept: ${cacheFolder} cannot be made, or others than this user may write to it; chmod 700 it, or choose another --table-cache`,
    )
  const child =
    compileProgram === undefined ? undefined : createCompileChild({ program: compileProgram, log })
  const files = createFiles({
    store,
    open,
    versionOf,
    compile: (source, fd) => startFileCompilation(source, fd, { nowMs: monotonicMs, cache, child }),
    vdso: readVdso(),
    machine: MACHINES[process.arch] ?? 0,
    nowMs: monotonicMs,
  })
  const unwinder = createUnwinder({
    ...{ kernel, store, files, processes, runtimes },
    statOf: readStat,
    listProcesses: livingProcesses,
    eventsLost: () => sampler.counters().eventsLost,
    nowMs: monotonicMs,
  })
  const snapshots = createSnapshots({
    mappedThen: (tgid, startTicks, timeMs) => mappedThen(processes, { tgid, startTicks, timeMs }),
    ...{ files, reader, stopNames: sampler.stopNames, nowMs: monotonicMs },
    arch: process.arch === 'arm64' ? 'arm64' : 'x64',
    framesMax: userFramesMax,
    stackBytesMax: SNAPSHOT_BYTES_MAX,
  })
  return {
    ...unwinder,
    snapshots,
    close() {
      unwinder.close()
      child?.close()
      opened.close()
    },
  }
}

/** What a process had mapped at a moment, as far as it is known. */
function mappedThen(
  processes: Pick<Processes, 'find' | 'generationAt'>,
  {
    tgid,
    startTicks,
    timeMs,
  }: { readonly tgid: number; readonly startTicks: number; readonly timeMs: number },
): MappedThen | 'unknown' | 'gone' {
  const known = processes.find(tgid, startTicks)
  const generation = processes.generationAt(tgid, startTicks, timeMs)
  if (known === undefined || generation === undefined || generation.mappings.start.length === 0)
    return known?.isDead ? 'gone' : 'unknown'
  return { tgid, mappings: generation.mappings, origin: originOf(known, generation) }
}

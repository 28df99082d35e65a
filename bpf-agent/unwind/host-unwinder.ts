// What is the unwinder made of on a real machine? The kernel's tables, the compiler and /proc, put together.
import { livingProcesses } from '../host/family.ts'
import { readStat } from '../host/proc.ts'
import type { KernelSampler } from '../kernel/sampler.ts'
import { openBpfTables } from './bpf-tables.ts'
import { createCompileChild } from './compile-child.ts'
import { startFileCompilation } from './file-compilation.ts'
import { createFiles, type FilesParts } from './files.ts'
import { createRowStore } from './row-store.ts'
import type { Runtimes } from './runs.ts'
import { openTableCache } from './table-cache.ts'
import { createUnwinder, type MappedProcesses, type Unwinder } from './unwinder.ts'
import { readVdso } from './vdso.ts'

const ROWS_MAX = 8 * 1024 * 1024 // 32 MiB of kernel memory; 140 files of a host have 1.25 M
const MACHINES: Readonly<Record<string, number>> = { x64: 62, arm64: 183 }

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
  monotonicMs,
}: {
  readonly sampler: KernelSampler
  readonly processes: MappedProcesses
  readonly open: FilesParts['open']
  readonly versionOf: FilesParts['versionOf']
  readonly cacheFolder?: string
  readonly runtimes?: Runtimes
  readonly compileProgram?: string | undefined
  readonly log?: (line: string) => void
  readonly monotonicMs: () => number
}): Unwinder {
  const kernel = openBpfTables(sampler)
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
  return {
    ...unwinder,
    close() {
      unwinder.close()
      child?.close()
      kernel.close()
    },
  }
}

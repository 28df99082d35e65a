// What samples and names on a real machine? The parts that a recording is made of; the agent adds wire and sender.
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { monotonicMs } from './host/clock.ts'
import { hostName } from './host/host-name.ts'
import { createProcesses } from './host/processes.ts'
import { idleMsOf } from './kernel/accounting.ts'
import { listenToMappings } from './kernel/mapping-events.ts'
import { createSampler } from './kernel/sampler.ts'
import { openMappedSource, versionOfMapped } from './mapped-source.ts'
import { createPython, type Python } from './python/python.ts'
import { createSymbolizer } from './symbolize/symbolizer.ts'
import { createHostUnwinder, type HostUnwinder } from './unwind/host-unwinder.ts'
import type { RecordParts } from './watch.ts'

export const USER_FRAMES_MAX = 512 // what a record has room for: USER_FRAMES_MAX of bpf/abi.h

export interface RecordPartsOptions {
  readonly frequencyHz: number
  readonly log: (line: string) => void
  /** Name of this machine in labels; by default its host name. */
  readonly host?: string
  /** Ids of cgroups whose processes are not sampled. */
  readonly excludedCgroups?: readonly bigint[]
  /** Where compiled tables are kept; none, or "": nowhere. */
  readonly cacheFolder?: string
}

/** Makes the real parts; the sampler is loaded but does not tick yet.
 *  throws  CannotSample when the kernel does not let us */
export function createRecordParts(options: RecordPartsOptions): RecordParts {
  const { frequencyHz, log, host = hostName(), excludedCgroups = [], cacheFolder = '' } = options
  const sampler = createSampler({
    frequencyHz,
    userFramesMax: USER_FRAMES_MAX,
    hasTables: true,
    excludedCgroups,
    objectFolder: objectFolder(),
    monotonicMs,
  })
  const processes = createProcesses()
  const python: Python = createPython({
    sampler,
    open: openMappedSource,
    runtimeOf: (tgid, startTicks) => unwinder.runtimeOf(tgid, startTicks),
  })
  const unwinder: HostUnwinder = createHostUnwinder({
    ...{ sampler, processes, open: openMappedSource, versionOf: versionOfMapped, log, monotonicMs },
    ...{ cacheFolder, compileProgram: compileProgram(), runtimes: python.interpreters },
    userFramesMax: USER_FRAMES_MAX,
  })
  return {
    sampler,
    processes,
    python,
    unwinder,
    snapshots: unwinder.snapshots,
    mappingEvents: listenToMappings(),
    symbolizer: createSymbolizer({ processes, host, log, python: pythonNames(python) }),
    clock: { monotonicMs, wallMs: () => Date.now() },
    idleMs: () => idleMsOf(readFileSync('/proc/stat', 'latin1')),
  }
}

const pythonNames = ({ frames, interpreters }: Python) => ({
  functionAt: frames.functionAt,
  complaintOf: interpreters.complaintOf,
  get refused() {
    return new Map([...frames.refused, ...interpreters.refused])
  },
  close: frames.close,
})

/** The built BPF object: beside the bundle, or in the checkout's build folder when the sources run. */
export function objectFolder(): string {
  const isBundle = !import.meta.url.endsWith('.ts')
  return fileURLToPath(new URL(isBundle ? './bpf/' : '../build/bpf/', import.meta.url))
}

/** The program that compiles large files: beside the bundle. Sources that run as they are have none. */
function compileProgram(): string | undefined {
  const program = fileURLToPath(new URL('./compile.mjs', import.meta.url))
  return import.meta.url.endsWith('.ts') || !existsSync(program) ? undefined : program
}

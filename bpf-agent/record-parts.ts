// What is a recording made of on a real machine? The agent's own parts, but for the sender.
import { readFileSync } from 'node:fs'
import { monotonicMs } from './host/clock.ts'
import { hostName } from './host/host-name.ts'
import { createProcesses } from './host/processes.ts'
import { idleMsOf } from './kernel/accounting.ts'
import { listenToMappings } from './kernel/mapping-events.ts'
import { createSampler } from './kernel/sampler.ts'
import { openMappedSource, versionOfMapped } from './mapped-source.ts'
import { objectFolder, USER_FRAMES_MAX } from './parts.ts'
import { createSymbolizer } from './symbolize/symbolizer.ts'
import { createHostUnwinder } from './unwind/host-unwinder.ts'
import type { RecordParts } from './watch.ts'

/** Makes the real parts; the sampler is loaded but does not tick yet.
 *  throws  CannotSample when the kernel does not let us */
export function createRecordParts({
  frequencyHz,
  log,
}: {
  readonly frequencyHz: number
  readonly log: (line: string) => void
}): RecordParts {
  const sampler = createSampler({
    frequencyHz,
    userFramesMax: USER_FRAMES_MAX,
    hasTables: true,
    excludedCgroups: [],
    objectFolder: objectFolder(),
    monotonicMs,
  })
  const processes = createProcesses()
  return {
    sampler,
    processes,
    unwinder: createHostUnwinder({
      ...{ sampler, processes, open: openMappedSource, versionOf: versionOfMapped, monotonicMs },
    }),
    mappingEvents: listenToMappings(),
    symbolizer: createSymbolizer({ processes, host: hostName(), log }),
    clock: { monotonicMs, wallMs: () => Date.now() },
    idleMs: () => idleMsOf(readFileSync('/proc/stat', 'latin1')),
  }
}

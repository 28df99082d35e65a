// Does the real program load here, tick on every CPU and deliver samples? The one check that replaces all guesses: it does
// what the agent does, for three seconds, and what it has seen is judged by `stacks.ts` and `runtimes.ts`.
import { CannotSample } from '../../bpf-agent/kernel/load.ts'
import { type Recording, record } from '../../bpf-agent/record.ts'
import { createRecordParts } from '../../bpf-agent/record-parts.ts'
import { type Finding, fail, ok } from './check.ts'

const FREQUENCY_HZ = 97 // a busy CPU answers within a few ticks
const DURATION_MS = 3_000
const BURN_MS = 50
const LOST = 'no process of this host can be sampled'

/** What came of it. */
export type Trial =
  | { readonly kind: 'refused'; readonly why: string }
  | ({ readonly kind: 'sampled' } & Pick<Recording, 'profile' | 'ticks'>)

/** Loads the sampler once and listens to the whole host. */
export async function trySampling(): Promise<Trial> {
  try {
    const parts = createRecordParts({ frequencyHz: FREQUENCY_HZ, log: () => {} })
    const { profile, ticks } = await record(
      {
        frequencyHz: FREQUENCY_HZ,
        durationMs: DURATION_MS,
        begin: () => burn(BURN_MS), // an idle host has nothing to sample: this is
        stopped: new Promise(() => {}),
      },
      parts,
    )
    return { kind: 'sampled', profile, ticks }
  } catch (error) {
    if (error instanceof CannotSample) return { kind: 'refused', why: error.message }
    throw error
  }
}

export function judgeSampler(trial: Trial): Finding {
  const name = 'sampler'
  if (trial.kind === 'refused') return fail(name, 'does not load', LOST, trial.why)
  const { received } = trial.ticks
  if (received > 0) return ok(name, `loads and ticks; ${received} samples in ${DURATION_MS / 1000} s`)
  return fail(
    name,
    'loads, but no sample came while this command kept a CPU busy',
    LOST,
    'look for a limit on perf events: sysctl kernel.perf_event_max_sample_rate, kernel.perf_cpu_time_max_percent',
  )
}

function burn(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}

// Does the real program load here, tick on every CPU and deliver a sample? The one check that replaces all guesses: it
// does what the agent does, for two seconds at most.
import { CannotSample } from '../../bpf-agent/kernel/load.ts'
import { createSampler } from '../../bpf-agent/kernel/sampler.ts'
import { objectFolder } from '../../bpf-agent/record-parts.ts'
import { type Finding, fail, ok } from './check.ts'

const FREQUENCY_HZ = 97 // a busy CPU answers within a few ticks
const WAIT_MS = 2_000
const POLL_MS = 50
const LOST = 'no process of this host can be sampled'

export async function judgeSampler(): Promise<Finding> {
  const name = 'sampler'
  try {
    const samples = await sampleBriefly()
    if (samples > 0) return ok(name, `loads and ticks; ${samples} samples in at most ${WAIT_MS / 1000} s`)
    return fail(
      name,
      'loads, but no sample came while this command kept a CPU busy',
      LOST,
      'look for a limit on perf events: sysctl kernel.perf_event_max_sample_rate, kernel.perf_cpu_time_max_percent',
    )
  } catch (error) {
    if (!(error instanceof CannotSample)) throw error
    return fail(name, 'does not load', LOST, error.message)
  }
}

async function sampleBriefly(): Promise<number> {
  const sampler = createSampler({
    frequencyHz: FREQUENCY_HZ,
    userFramesMax: 127,
    excludedCgroups: [],
    objectFolder: objectFolder(),
    monotonicMs: () => performance.now(),
  })
  try {
    sampler.start()
    const end = performance.now() + WAIT_MS
    let samples = 0
    while (samples === 0 && performance.now() < end) {
      burn(POLL_MS) // an idle host has nothing to sample: this is
      await new Promise((resolve) => setImmediate(resolve))
      samples += sampler.next().count
    }
    return samples
  } finally {
    sampler.close()
  }
}

function burn(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}

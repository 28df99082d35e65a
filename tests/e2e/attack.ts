// What must hold while somebody wishes the agent harm? It lives, its memory and its CPU time are bounded, and an honest
// neighbour is seen as if nothing were: whole stacks, right names. The bounds are generous: what they are there for exceeds
// them by far.
import { expect } from 'vitest'
import type { Profile } from '#profile/model/profile'
import { stacksOf } from '../truth/seen.ts'
import type { Burner } from './burner.ts'
import { eventually } from './stream.ts'
import type { WatchedAgent } from './watched-agent.ts'

const MEMORY_MB_MAX = 160
const CORES_MAX = 0.8 // at 97 Hz a busy machine takes 0.02
const WHOLE_MIN = 0.9
const SAMPLES_MIN = 40
const WINDOWS_MAX = 30 // a busy machine gives the neighbour little, and the agent too

export interface AttackReport {
  readonly profiles: readonly Profile[]
  readonly seconds: number
  readonly cores: number
  readonly memoryMb: number
}

/** Lets the attack begin, and looks on for at least three windows of a second, until the neighbour was seen often enough.
 *  throws  what does not hold, as an expectation */
export async function expectModest(
  { agent, neighbour }: { readonly agent: WatchedAgent; readonly neighbour: Burner },
  attack: () => Promise<unknown>,
): Promise<AttackReport> {
  const startedMs = performance.now()
  const cpuBefore = agent.cpuSeconds()
  await attack()
  const profiles = [...(await agent.windows(3))]
  while (seenOf(profiles, neighbour).samples < SAMPLES_MIN && profiles.length < WINDOWS_MAX)
    profiles.push(...(await agent.windows(1)))
  const seconds = (performance.now() - startedMs) / 1000
  const cores = (agent.cpuSeconds() - cpuBefore) / seconds
  const memoryMb = agent.memory().mostMb
  expect(agent.exitCode(), agent.stderr()).toBeUndefined()
  expect(agent.stderr()).not.toMatch(/\n\s+at /)
  expect(cores).toBeLessThan(CORES_MAX)
  expect(memoryMb).toBeLessThan(MEMORY_MB_MAX)
  const { samples, whole, others } = seenOf(profiles, neighbour)
  expect(samples).toBeGreaterThanOrEqual(SAMPLES_MIN)
  expect(whole / samples, others).toBeGreaterThan(WHOLE_MIN)
  return { profiles, seconds, cores, memoryMb }
}

/** Resolves once the neighbour is seen as it is: then the tables of its files are there, and an attack can begin.
 *  throws  what it looked like instead, after two minutes */
export async function neighbourIsSeen(agent: WatchedAgent, neighbour: Burner): Promise<void> {
  await eventually('the neighbour is seen as it is', 120_000, async () => {
    const { samples, whole, others } = seenOf(await agent.windows(1), neighbour)
    if (samples > 0 && whole / samples > WHOLE_MIN) return true
    throw new Error(others)
  })
}

/** Samples of the neighbour, those that are whole and name what it does, and what the others look like. */
function seenOf(profiles: readonly Profile[], { names, executable }: Burner) {
  const binary = executable.slice(executable.lastIndexOf('/') + 1) // and its comm
  const ways = [names.grow, names.shrink, names.syscall].map((leaf) => [names.dispatch, names.handle, leaf])
  let [samples, whole] = [0, 0]
  const others: string[] = []
  for (const stack of profiles.flatMap((profile) => stacksOf(profile, binary))) {
    const frames = stack.frames.map(({ name }) => name)
    const main = frames.indexOf('main')
    // Stubs and functions of libc stand on any of its own frames.
    const own = stack.frames.slice(main + 1).filter((frame) => frame.binary === binary)
    const isNamed = ways.some((way) => own.every(({ name }, i) => name === way[i] || name.endsWith('@plt')))
    samples += stack.samples
    if (frames[0] === '_start' && main > 0 && isNamed) whole += stack.samples
    else others.push(`${stack.samples} ${frames.join(';')}`)
  }
  return { samples, whole, others: others.join('\n') }
}

import { availableParallelism } from 'node:os'
import { expect, it } from 'vitest'
import { startBurner } from './burner.ts'
import { eventually, flametrail, sleep, startStream, stop } from './stream.ts'

const FREQUENCY_HZ = 19
const BUSY_MS = 30_000

it('accounts for every tick of 30 busy seconds: expected = received + counted within 2 %', async () => {
  await using stream = await startStream({ agent: ['--frequency', String(FREQUENCY_HZ)] })
  const started = performance.now()
  const burners = await Promise.all(Array.from({ length: availableParallelism() }, startBurner))
  await sleep(BUSY_MS)
  await Promise.all(burners.map((burner) => burner.stop()))
  // The agent's last report arrives with its last window.
  const elapsedS = (performance.now() - started) / 1000
  expect(await stop(stream.agent)).toBe(0)
  const agent = await eventually('the last report', 10_000, async () => (await stream.status()).agents[0])
  const expected = FREQUENCY_HZ * availableParallelism() * elapsedS // computed here, not by the agent
  const counted = Object.values(agent.dropped).reduce(
    (sum, count) => sum + count,
    agent.received + agent.idle,
  )
  // Starting and stopping the agent lies within the elapsed time, hence a second of slack beside the 2 %.
  const slack = 0.02 + 1 / elapsedS
  expect(Math.abs(counted - expected) / expected).toBeLessThan(slack)
  expect(Math.abs(agent.expected - counted) / agent.expected).toBeLessThan(0.02)
  expect(agent.received).toBeGreaterThan(0.5 * expected)

  const { code, stdout } = await flametrail('query', 'status', '--backend', stream.url)
  expect(code).toBe(0)
  const line = /expected (\d+) = received (\d+) \+ idle (\d+) \+ dropped (\d+), within (\d+\.\d+) %/.exec(
    stdout,
  )
  expect(line, stdout).not.toBeNull()
  const [, shownExpected, received, idle, dropped, within] = line!.map(Number)
  expect(Math.abs(shownExpected! - received! - idle! - dropped!) / shownExpected!).toBeLessThan(0.02)
  expect(within).toBeLessThan(2)
  expect(stdout).toMatch(/service_name +samples +complete +named\n/)
  expect(stdout).toMatch(/^burner_\S+ +\d+ +\d+\.\d % +\d+\.\d %$/m)
  expect(stdout).toMatch(/^all\b.* \d+ +\d+\.\d % +\d+\.\d %$/m)
})

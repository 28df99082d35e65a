import { expect, it } from 'vitest'
import type { TopAnswer } from '#profile/wire/query-api'
import { startBurner } from './burner.ts'
import { eventually, sleep, startStream, stop } from './stream.ts'

it('loses nothing and stores nothing twice when the backend is killed in the middle of the load', async () => {
  await using stream = await startStream({ agent: ['--frequency', '97'] })
  const burner = await startBurner()
  await sleep(15_000)
  stream.backend.child.kill('SIGKILL')
  expect(await stream.backend.ended).toBe(137)
  await sleep(20_000)
  await stream.startBackend()
  await sleep(10_000)
  const cpuSeconds = burner.cpuSeconds()
  await burner.stop()
  // Stopping flushes the last window; what waits in memory goes first.
  expect(await stop(stream.agent)).toBe(0)
  const selector = `{executable="${burner.executable.split('/').at(-1)}"}`
  const stored = await eventually('stored CPU seconds', 20_000, async () => {
    const top = await stream.query<TopAnswer>('top', { query: selector, from: 'now-10m', to: 'now' })
    return top.total > 0.9e9 * cpuSeconds ? top.total / 1e9 : undefined
  })
  expect(stored / cpuSeconds).toBeGreaterThan(0.95)
  expect(stored / cpuSeconds).toBeLessThan(1.05)
  const status = await stream.status()
  expect(status.agents).toHaveLength(1)
  expect(
    Object.entries(status.agents[0]!.dropped).filter(
      ([reason]) => reason !== 'missed_tick' && reason !== 'filtered',
    ),
  ).toSatisfy((reasons: [string, number][]) => reasons.every(([, count]) => count === 0))
})

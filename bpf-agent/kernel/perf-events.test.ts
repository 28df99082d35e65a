import { describe, expect, it } from 'vitest'
import { createTicker, periodNs } from './perf-events.ts'

/** CPUs that can be made to fail, and a clock that is set by hand. */
function fakeCpus() {
  const log: string[] = []
  const broken = new Set<number>()
  let now = 0
  const ticker = createTicker(
    (cpu) => {
      if (broken.has(cpu)) throw new Error(`CPU ${cpu} is away`)
      log.push(`+${cpu}`)
      return () => {
        log.push(`-${cpu}`)
      }
    },
    () => now,
  )
  return { ticker, log, broken, at: (ms: number) => (now = ms) }
}

describe('a ticker', () => {
  it('attaches each CPU once, and follows those that come and go', () => {
    const { ticker, log } = fakeCpus()
    ticker.follow([0, 1])
    ticker.follow([0, 1, 2])
    ticker.follow([0, 2])
    ticker.follow([0, 1, 2])
    expect(log).toEqual(['+0', '+1', '+2', '-1', '+1'])
    expect(ticker.cpus).toBe(3)
  })

  it('adds up the time that each CPU ticked, also of those that went', () => {
    const { ticker, at } = fakeCpus()
    ticker.follow([0, 1])
    at(1000)
    ticker.follow([0])
    expect(ticker.cpuMs(1500)).toBe(1500 + 1000)
    at(2000)
    ticker.close()
    expect(ticker.cpuMs(9000)).toBe(2000 + 1000)
  })

  it('goes on with the CPUs that it can get', () => {
    const { ticker, broken } = fakeCpus()
    broken.add(1)
    ticker.follow([0, 1])
    expect(ticker.cpus).toBe(1)
    broken.clear()
    ticker.follow([0, 1])
    expect(ticker.cpus).toBe(2)
  })

  it('says why when it can get none', () => {
    const { ticker, broken } = fakeCpus()
    broken.add(0)
    expect(() => ticker.follow([0])).toThrow('CPU 0 is away')
  })
})

describe('periodNs', () => {
  it('is whole nanoseconds', () => {
    expect([periodNs(19), periodNs(97), periodNs(1)]).toEqual([52_631_579, 10_309_278, 1_000_000_000])
  })
})

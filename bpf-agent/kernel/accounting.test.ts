import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { accountTicks, idleMsOf, type TickFacts } from './accounting.ts'

const facts = (change: Partial<TickFacts> = {}): TickFacts => ({
  frequencyHz: 10,
  cpuMs: 10_000,
  idleMs: 0,
  counters: {
    ticks: 100,
    idle: 40,
    records: 55,
    dropped: new Map([
      ['filtered', 3],
      ['ring_full', 2],
    ]),
    stopped: new Map([['fp_zero', 55]]),
    steps: new Map(),
    events: 0,
    eventsLost: 0,
    ownNs: 0,
    snapshots: 0,
    snapshotsLeftOut: 0,
  },
  drained: 55,
  lostLater: new Map(),
  ...change,
})
const sum = (counts: ReadonlyMap<string, number>) =>
  [...counts.values()].reduce((total, one) => total + one, 0)

describe('accountTicks', () => {
  it('names every tick of a quiet run', () => {
    expect(accountTicks(facts())).toEqual({
      expected: 100,
      idle: 40,
      received: 55,
      dropped: new Map([
        ['filtered', 3],
        ['ring_full', 2],
        ['missed_tick', 0],
      ]),
      stops: new Map([['fp_zero', 55]]),
    })
  })

  it('calls missed what neither ticked nor slept', () => {
    expect(accountTicks(facts({ cpuMs: 12_000 })).dropped.get('missed_tick')).toBe(20)
  })

  it('calls idle what a sleeping CPU did not tick, and only for the time that it slept', () => {
    // 20 ticks are absent; the kernel says 5.2 s idle, of which 40 ticks came: 12 more are sleep, 8 are lost.
    const account = accountTicks(facts({ cpuMs: 12_000, idleMs: 5_200 }))
    expect([account.idle, account.dropped.get('missed_tick')]).toEqual([52, 8])
  })

  it('does not count a sample twice that was lost after it came', () => {
    const account = accountTicks(facts({ lostLater: new Map([['buffer_full', 30]]) }))
    expect([account.received, account.dropped.get('buffer_full')]).toEqual([25, 30])
  })

  it('adds up to what was expected, whatever happened', () => {
    const count = fc.nat(1000)
    fc.assert(
      fc.property(count, count, count, count, count, count, (idle, records, full, late, idleS, lost) => {
        const ticks = idle + records + full
        const account = accountTicks(
          facts({
            cpuMs: (ticks + late) * 100,
            idleMs: idleS * 100,
            counters: { ...facts().counters, ticks, idle, records, dropped: new Map([['ring_full', full]]) },
            drained: records,
            lostLater: new Map([['refused', Math.min(lost, records)]]),
          }),
        )
        expect(account.received + account.idle + sum(account.dropped)).toBe(account.expected)
        expect(Math.min(account.idle, ...account.dropped.values())).toBeGreaterThanOrEqual(0)
      }),
    )
  })
})

describe('idleMsOf', () => {
  it('adds idle and waiting for disks of all CPUs', () => {
    expect(idleMsOf('cpu  24633 0 11493 410803 814 0 220 41 0 0\ncpu0 1 2 3 4 5\n')).toBe(4_116_170)
  })

  it.each(['', 'cpu', 'cpu  a b c d e', 'intr 1 2 3'])('is 0 for %j', (text) => {
    expect(idleMsOf(text)).toBe(0)
  })
})

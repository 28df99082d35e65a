import { describe, expect, it } from 'vitest'
import { sumCounters } from './counters.ts'
import { SPEC } from './testing.ts'

/** One CPU's counters in the order of the layout in testing.ts. */
const cpu = (...words: bigint[]) => {
  const bytes = Buffer.alloc(112)
  for (const [i, word] of words.entries()) bytes.writeBigUInt64LE(word, 8 * i)
  return bytes
}

describe('sumCounters', () => {
  it('adds up the CPUs and names the reasons', () => {
    //                own_ns  ticks idle records none full  fp_zero bad_fp events lost row fp_gap left out, snapshots
    const first = cpu(1_000n, 10n, 2n, 7n, 0n, 1n, 4n, 3n, 5n, 0n, 9n, 1n, 4n, 3n)
    const second = cpu(2n ** 33n, 20n, 20n, 0n, 0n, 0n, 0n, 0n, 1n, 2n, 1n, 0n, 0n, 2n)
    expect(sumCounters(SPEC, Buffer.concat([first, second]))).toEqual({
      ticks: 30,
      idle: 22,
      records: 7,
      dropped: new Map([['ring_full', 1]]),
      stopped: new Map([
        ['fp_zero', 4],
        ['bad_fp', 3],
      ]),
      steps: new Map([
        ['row', 10],
        ['fp_gap', 1],
      ]),
      events: 6,
      eventsLost: 2,
      snapshots: 5,
      snapshotsLeftOut: 4,
      ownNs: 2 ** 33 + 1_000,
    })
  })

  it('is all zero for no CPU', () => {
    expect(sumCounters(SPEC, Buffer.alloc(0)).ticks).toBe(0)
  })
})

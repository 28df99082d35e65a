import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ProfileBuilder } from '#profile/model/builder'
import { asId, type StackId } from '#profile/model/ids'
import { CPU, CPU_SAMPLES, type ProfileType } from '#profile/model/profile-type'
import { admitByClock, clockShift, countSamples } from './admit.ts'

const NOW_MS = 1_800_000_000_000
const RULES = { receivedMs: NOW_MS, shiftMs: 0, maxAheadMs: 600_000, maxAgeMs: 26 * 3_600_000 }

/** One sample row per [distance from now in ms, value]. */
function profileOf(rows: readonly (readonly [number, number])[], type: ProfileType = CPU_SAMPLES) {
  const builder = new ProfileBuilder()
  const labelSet = builder.labelSet([['service_name', 'a']])
  for (const [distanceMs, value] of rows)
    builder.sample({ stack: asId<StackId>(0), labelSet, value, timeMs: NOW_MS + distanceMs })
  return builder.build({ type, period: 1, timeMs: NOW_MS, durationMs: 10_000 })
}

describe('admitByClock', () => {
  it('refuses what is too far ahead, keeps what is old, and counts both as the sender counts', () => {
    const profile = profileOf([
      [0, 1],
      [600_000, 2],
      [600_001, 4],
      [-26 * 3_600_000, 8],
      [-26 * 3_600_000 - 1, 16],
      [86_400_000 * 365, 32],
    ])
    const { profiles, ahead, old } = admitByClock([profile], RULES)
    expect([...profiles[0]!.samples.value]).toEqual([1, 2, 8, 16])
    expect(ahead).toEqual({ samples: 36, profiles: 1, farthestMs: 86_400_000 * 365 })
    expect(old).toEqual({ samples: 16, profiles: 1, farthestMs: 26 * 3_600_000 + 1 })
  })

  it('leaves a profile that needs nothing as it is, and drops one that keeps nothing', () => {
    const fine = profileOf([[0, 1]])
    const ahead = profileOf([[3_600_000, 1]])
    const empty = profileOf([])
    expect(admitByClock([fine, ahead, empty], RULES).profiles).toEqual([fine])
    expect(admitByClock([fine], RULES).profiles[0]).toBe(fine)
  })

  it('keeps every sample or counts it, whatever the times and the shift', () => {
    const row = fc.tuple(fc.integer({ min: -1e12, max: 1e12 }), fc.integer({ min: 0, max: 1_000 }))
    fc.assert(
      fc.property(fc.array(row), fc.integer({ min: -1e9, max: 1e9 }), (rows, shiftMs) => {
        const profile = profileOf(rows)
        const { profiles, ahead } = admitByClock([profile], { ...RULES, shiftMs })
        const kept = profiles.reduce((sum, one) => sum + countSamples(one), 0)
        expect(kept + ahead.samples).toBe(countSamples(profile))
        for (const one of profiles)
          for (const timeMs of one.samples.timeMs) expect(timeMs - NOW_MS).toBeLessThanOrEqual(600_000)
      }),
    )
  })
})

it('counts a sampler’s counts, and rows of anything else', () => {
  const rows = [0, 1].map((distanceMs) => [distanceMs, 4] as const)
  expect(countSamples(profileOf(rows))).toBe(8)
  expect(countSamples(profileOf(rows, CPU))).toBe(2)
})

describe('clockShift', () => {
  it.each([
    ['a clock that is close', 119_000, 0],
    ['one three minutes behind', 180_400, 180_000],
    ['one a day ahead', -86_400_000, -86_400_000],
  ])('of %s', (_, offsetMs, shiftMs) => {
    expect(clockShift(NOW_MS, NOW_MS - offsetMs)).toBe(shiftMs)
  })
  it('is nothing without a clock, or with one that says nothing', () => {
    expect(clockShift(NOW_MS, undefined)).toBe(0)
    expect(clockShift(NOW_MS, Number.NaN)).toBe(0)
  })
})

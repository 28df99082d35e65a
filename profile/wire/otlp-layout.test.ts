import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pickLayout } from './otlp-layout.ts'
import { requestBytes, type SampleSketch } from './otlp-testing.ts'

const version = (samples: readonly SampleSketch[], layout: '1.9' | '1.10') =>
  pickLayout(requestBytes({ samples, layout })).version

describe('the layout of a request', () => {
  it('is told by a sample with values and attributes', () => {
    const sample = { stack: 1, attributes: [1, 2], values: [5] }
    expect(version([sample], '1.10')).toBe('1.10')
    expect(version([sample], '1.9')).toBe('1.9')
  })

  it('is told by values without timestamps, and by timestamps with another count', () => {
    expect(version([{ stack: 1, values: [5] }], '1.10')).toBe('1.10')
    expect(version([{ stack: 1, values: [5] }], '1.9')).toBe('1.9')
    expect(version([{ stack: 1, attributes: [1, 2, 3], timestamps: [1n] }], '1.10')).toBe('1.10')
  })

  it('is told by a link', () => {
    expect(version([{ stack: 1, link: 1, timestamps: [1n] }], '1.10')).toBe('1.10')
    expect(version([{ stack: 1, link: 1, timestamps: [1n] }], '1.9')).toBe('1.9')
  })

  it('goes on to the first sample that decides', () => {
    const open = { stack: 1, attributes: [1], timestamps: [1n] }
    expect(version([open, { stack: 1, attributes: [1], values: [1], timestamps: [1n] }], '1.9')).toBe('1.9')
  })

  it('is the newer one when nothing decides', () => {
    expect(version([], '1.9')).toBe('1.10')
    expect(version([{ stack: 1, timestamps: [1n, 2n] }], '1.9')).toBe('1.10')
  })

  it('is right for random requests of 30 legal samples', () => {
    const sample = fc
      .record({
        attributes: fc.array(fc.integer({ min: 1, max: 500 }), { maxLength: 4 }),
        link: fc.constantFrom(0, 0, 1, 7),
        count: fc.integer({ min: 1, max: 4 }),
        hasValues: fc.boolean(),
        hasTimestamps: fc.boolean(),
        value: fc.nat(1_000_000),
      })
      .map(({ attributes, link, count, hasValues, hasTimestamps, value }): SampleSketch => {
        const isTimed = hasTimestamps || !hasValues
        return {
          stack: 1,
          attributes,
          link,
          ...(hasValues ? { values: Array(isTimed ? count : 1).fill(value) } : {}),
          ...(isTimed ? { timestamps: Array(count).fill(1_795_514_400_000_000_000n) } : {}),
        }
      })
    const samples = fc.array(sample, { minLength: 30, maxLength: 30 })
    fc.assert(
      fc.property(samples, (all) => {
        expect(version(all, '1.10')).toBe('1.10')
        expect(version(all, '1.9')).toBe('1.9')
      }),
      { numRuns: 200 },
    )
  })

  it('refuses the profiles of 1.7, naming the versions it reads', () => {
    // Profile 1.7: 3 location_indices (packed), 6 period_type (a message).
    for (const profile of [
      [0x1a, 2, 1, 2],
      [0x32, 0],
    ])
      expect(() =>
        pickLayout(
          Uint8Array.from([
            0x0a,
            profile.length + 4,
            0x12,
            profile.length + 2,
            0x12,
            profile.length,
            ...profile,
          ]),
        ),
      ).toThrow('OTLP 1.7 or older; this backend reads 1.8 to 1.11')
  })
})

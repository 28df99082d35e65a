// Bytes from anywhere: bit flips, truncations and splices of recorded requests, and small requests that promise much.
// Whatever comes out is a Result, and what it holds keeps every relation of a Profile.
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assertProfile } from '../model/profile.ts'
import { decodeOtlpProfiles } from './otlp-profiles.ts'
import { LIMITS, RECEIVED_MS } from './otlp-testing.ts'

const FOLDER = fileURLToPath(new URL('../../tests/fixtures/otlp/', import.meta.url))
// The three smallest: the more of their bytes a flip can reach, the more it can break.
const SEEDS = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.pb.gz'))
  .map((name) => gunzipSync(readFileSync(FOLDER + name)))
  .sort((one, other) => one.length - other.length)
  .slice(0, 3)
const seed = fc.constantFrom(...SEEDS)
const place = fc.nat(2 ** 31)

/** Decodes, checks all relations; how many samples came out. */
function survive(bytes: Uint8Array): string {
  const result = decodeOtlpProfiles(bytes, { limits: LIMITS, receivedMs: RECEIVED_MS })
  if (!result.ok) return 'refused'
  for (const profile of result.value.profiles) {
    assertProfile(profile)
    for (let row = 0; row < profile.samples.value.length; row++)
      expect(profile.samples.value[row]).toBeLessThanOrEqual(Number.MAX_SAFE_INTEGER)
  }
  return result.value.rejected.length > 0 ? 'in part' : 'taken'
}

describe('hostile bytes', () => {
  it('with flipped bits', () => {
    const outcomes = new Set<string>()
    const flips = fc.array(fc.tuple(place, fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(seed, flips, (bytes, all) => {
        const broken = Uint8Array.from(bytes)
        for (const [at, mask] of all) broken[at % broken.length]! ^= mask
        outcomes.add(survive(broken))
      }),
      { numRuns: 600 },
    )
    // The flips reach all three ends, or this test would prove nothing.
    expect([...outcomes].sort()).toEqual(['in part', 'refused', 'taken'])
  })

  it('cut short', () => {
    fc.assert(
      fc.property(seed, place, (bytes, at) => {
        survive(bytes.subarray(0, at % bytes.length))
      }),
      { numRuns: 200 },
    )
  })

  it('spliced from two requests', () => {
    fc.assert(
      fc.property(seed, seed, place, place, (one, other, stop, start) => {
        survive(Buffer.concat([one.subarray(0, stop % one.length), other.subarray(start % other.length)]))
      }),
      { numRuns: 200 },
    )
  })

  it('of any kind', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        survive(bytes)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('small requests that promise much', () => {
  const varint = (value: number): number[] =>
    value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))]
  const message = (field: number, body: Uint8Array) =>
    Buffer.concat([Uint8Array.from([...varint(field * 8 + 2), ...varint(body.length)]), body])
  /** `count` empty messages of a field: two bytes each. */
  const empties = (field: number, count: number) => Buffer.alloc(2 * count, Uint8Array.of(field * 8 + 2, 0))
  const refusal = (bytes: Uint8Array, limits: Partial<typeof LIMITS>) => {
    const result = decodeOtlpProfiles(bytes, { limits: { ...LIMITS, ...limits }, receivedMs: RECEIVED_MS })
    return result.ok ? result.value.rejected.map(({ key }) => key).join() : result.error.message
  }
  const many = 50_000

  it.each([1, 2, 3, 5, 6, 7])('rows of table %d', (table) => {
    expect(refusal(message(2, empties(table, many)), { tableEntries: 1_000 })).toContain(
      'limits.tableEntries',
    )
  })

  it('resources', () => {
    expect(refusal(empties(1, many), { tableEntries: 1_000 })).toContain('limits.tableEntries')
  })

  it('profiles', () => {
    const bytes = message(1, message(2, empties(2, many)))
    expect(refusal(bytes, { profilesPerRequest: 1_000 })).toContain('limits.profilesPerRequest')
  })

  it('entries of one stack', () => {
    const dictionary = Buffer.concat([
      empties(2, 1),
      empties(7, 1),
      message(7, message(1, Buffer.alloc(many))),
    ])
    const strings = message(5, Buffer.from('cpu'))
    const typed = message(1, Uint8Array.of(8, 1, 16, 1))
    const profile = message(2, Buffer.concat([typed, message(2, Uint8Array.of(8, 1))]))
    const bytes = Buffer.concat([
      message(2, Buffer.concat([empties(5, 1), strings, dictionary])),
      message(1, message(2, profile)),
    ])
    expect(refusal(bytes, { tableEntries: 1_000 })).toContain('limits.tableEntries')
  })

  it('lines of one location, deeper than a stack may be', () => {
    const lines = Buffer.concat(Array(2_000).fill(message(3, Uint8Array.of(8, 1))))
    const bytes = message(2, Buffer.concat([empties(3, 2), message(2, lines)]))
    const result = decodeOtlpProfiles(bytes, { limits: LIMITS, receivedMs: RECEIVED_MS })
    expect(result).toMatchObject({ ok: true, value: { cut: [{ reason: 'location_lines', count: 1_000 }] } })
  })

  it('attributes of one resource', () => {
    const attributes = Buffer.concat(
      Array.from({ length: 2_000 }, (_, i) =>
        message(
          1,
          Buffer.concat([message(1, Buffer.from(`a${i}`)), message(2, message(1, Buffer.from('x')))]),
        ),
      ),
    )
    const result = decodeOtlpProfiles(message(1, message(1, attributes)), {
      limits: LIMITS,
      receivedMs: RECEIVED_MS,
    })
    expect(result).toMatchObject({
      ok: true,
      value: { cut: [{ reason: 'resource_attributes', count: 976 }] },
    })
  })
})

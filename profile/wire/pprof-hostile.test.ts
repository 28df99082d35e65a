// Bytes from anywhere: bit flips, truncations and splices of real files, and small files that promise much. Whatever comes
// out is a Result, and what it holds keeps every relation of a Profile.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assertProfile } from '../model/profile.ts'
import { CPU } from '../model/profile-type.ts'
import { profileFromText } from '../testing/draw.ts'
import { LIMITS } from './otlp-testing.ts'
import { decodePprof, encodePprof } from './pprof.ts'
import { arbPprofProfile } from './pprof-testing.ts'
import { ProtoWriter } from './proto-writer.ts'

const SEEDS = fc.sample(arbPprofProfile, { numRuns: 12, seed: 4 }).map((profile) => encodePprof(profile))
const seed = fc.constantFrom(...SEEDS)
const place = fc.nat(2 ** 31)

function survive(bytes: Uint8Array): string {
  const result = decodePprof(bytes, { limits: LIMITS, labels: [], sampleLabels: true })
  if (!result.ok) return 'refused'
  for (const profile of result.value.profiles) {
    assertProfile(profile)
    for (const value of profile.samples.value) expect(value).toBeLessThanOrEqual(Number.MAX_SAFE_INTEGER)
  }
  return 'taken'
}

describe('hostile bytes', () => {
  it('with flipped bits', () => {
    const outcomes = new Set<string>()
    const flips = fc.array(fc.tuple(place, fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(seed, flips, (bytes, all) => {
        const broken = Uint8Array.from(bytes)
        for (const [at, mask] of all) broken[at % broken.length]! ^= mask
        outcomes.add(survive(broken))
      }),
      { numRuns: 1000 },
    )
    // The flips reach both ends, or this test would prove nothing.
    expect([...outcomes].sort()).toEqual(['refused', 'taken'])
  })

  it('cut short, spliced, and of any kind', () => {
    fc.assert(
      fc.property(seed, seed, place, place, (one, other, stop, start) => {
        survive(one.subarray(0, stop % one.length))
        survive(Buffer.concat([one.subarray(0, stop % one.length), other.subarray(start % other.length)]))
      }),
      { numRuns: 300 },
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        survive(bytes)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('files that promise much, or contradict themselves', () => {
  /** Rows of a file of CPU time: `write` adds them; strings are "", cpu, nanoseconds, then these. */
  const refusal = (
    write: (file: ProtoWriter) => void,
    { limits = {}, strings = [] as readonly string[] } = {},
  ) => {
    const file = new ProtoWriter()
    file.message(1, () => {
      file.unsigned(1, 1)
      file.unsigned(2, 2)
    })
    write(file)
    for (const text of ['', CPU.sampleType, CPU.sampleUnit, ...strings]) file.text(6, text)
    const result = decodePprof(file.finish(), {
      limits: { ...LIMITS, ...limits },
      labels: [],
      sampleLabels: true,
    })
    return result.ok ? 'taken' : result.error.message
  }
  const location = (file: ProtoWriter, id: number, lines: readonly number[] = []) =>
    file.message(4, () => {
      file.unsigned(1, id)
      for (const line of lines) file.message(4, () => file.unsigned(1, line))
    })
  const sample = (file: ProtoWriter, path: readonly number[], values: readonly number[] = [1]) =>
    file.message(2, () => {
      file.packed(1, path)
      file.packed(2, values)
    })

  it('takes the file that they are made of', () => {
    expect(
      refusal((file) => {
        location(file, 1)
        sample(file, [1])
      }),
    ).toBe('taken')
  })

  it('bounds stacks, samples and tables before they become rows', () => {
    const stack = Array.from({ length: 1_000 }, () => 1)
    const deep = (file: ProtoWriter) => {
      location(file, 1)
      sample(file, stack)
    }
    expect(refusal(deep)).toBe('taken')
    expect(refusal(deep, { limits: { tableEntries: 500 } })).toMatch('more than 500 rows in its tables')
    const many = (file: ProtoWriter) => {
      for (const _ of stack) sample(file, [])
    }
    expect(refusal(many, { limits: { samplesMax: 999 } })).toBe(
      'the profile has 1,000 samples; allowed are 999 (limits.samplesMax): record less in one file or raise it',
    )
    const types = (file: ProtoWriter) => {
      for (const _ of stack) file.message(1, () => {})
    }
    expect(refusal(types)).toMatch('1,001 sample types; allowed are 32')
  })

  it('promises of 2^31 locations in a few bytes end where the bytes end', () => {
    const bytes = encodePprof(profileFromText('main'))
    expect(
      decodePprof(Uint8Array.of(...bytes, 0x12, 0xff, 0xff, 0xff, 0xff, 0x07), {
        limits: LIMITS,
        labels: [],
      }),
    ).toMatchObject({ ok: false, error: { position: bytes.length } })
  })

  it.each([
    ['an id of 0', (file: ProtoWriter) => location(file, 0), 'location 1 of the profile has no id'],
    [
      'an id twice',
      (file: ProtoWriter) => [location(file, 3), location(file, 3)],
      'two locations with the id 3',
    ],
    ['a location of nothing', (file: ProtoWriter) => sample(file, [4]), 'points at location 4'],
    ['a function of nothing', (file: ProtoWriter) => location(file, 1, [8]), 'points at function 8'],
    [
      'a text of nothing',
      (file: ProtoWriter) => file.message(5, () => file.unsigned(2, 99)),
      'points at string 99',
    ],
    [
      'a value too many',
      (file: ProtoWriter) => sample(file, [], [1, 2]),
      'has 2 values, the profile 1 sample types',
    ],
    [
      'a period below 0',
      (file: ProtoWriter) => file.varint64(12, 0xffff_ffff, 0xffff_ffff),
      'the period is -1',
    ],
  ])('refuses %s', (_, write, message) => {
    expect(refusal(write)).toMatch(message)
  })

  it('tells ids beyond 2^53 apart', () => {
    const wide = (file: ProtoWriter, low: number) => file.message(4, () => file.varint64(1, 0xffff_ffff, low))
    expect(refusal((file) => [wide(file, 1), wide(file, 2)])).toBe('taken')
    expect(refusal((file) => [wide(file, 1), wide(file, 1)])).toMatch(
      'two locations with the id 18446744069414584321',
    )
  })

  it('never counts below zero or around 2^64', () => {
    const signed = (high: number, low: number) => (file: ProtoWriter) =>
      file.message(2, () => file.varint64(2, high, low))
    expect(refusal(signed(0xffff_ffff, 0xffff_fffb))).toBe(
      'cpu/nanoseconds is left out: sample 1 has the value -5; allowed are 0 to 2^53',
    )
    expect(refusal(signed(0x7fff_ffff, 0xffff_ffff))).toMatch('sample 1 has the value 9223372036854776000')
  })

  it('bounds labels, and takes no name that is ours to give', () => {
    const label = (file: ProtoWriter) =>
      file.message(2, () => {
        file.packed(2, [1])
        file.message(3, () => {
          file.unsigned(1, 3)
          file.unsigned(2, 4)
        })
      })
    expect(refusal(label, { strings: ['__proto__', 'x'] })).toBe('taken')
    expect(refusal(label, { strings: ['k', 'v'.repeat(3_000)] })).toBe(
      `the label value "${'v'.repeat(40)}…" has 3,000 bytes; allowed are 2,048 (limits.labelValueBytes)`,
    )
  })

  it.each([
    ['nothing at all', ''],
    ['folded text', 'main;work 10\n'],
    ['JSON', '{"flamebearer":{}}'],
    ['an old text profile', 'heap profile: 1: 2 [3: 4] @ heapprofile\n'],
  ])('knows that %s is no pprof', (_, text) => {
    const result = decodePprof(new TextEncoder().encode(text), { limits: LIMITS, labels: [] })
    expect(result.ok ? 'taken' : result.error.message).toMatch(/^not a pprof profile: /)
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AgentReport } from '../model/accounting.ts'
import { ProfileBuilder } from '../model/builder.ts'
import { asId, NONE, type StackId } from '../model/ids.ts'
import { type Labels, labelsOf, labelsText } from '../model/labels.ts'
import { assertProfile, type Profile, TRUNCATED_KIND, TRUNCATED_NAME } from '../model/profile.ts'
import { CPU, CPU_SAMPLES, type ProfileType, printProfileType } from '../model/profile-type.ts'
import { decodeOtlpProfiles, encodeOtlpProfiles, type OtlpRequest } from './otlp-profiles.ts'
import { LIMITS, RECEIVED_MS, sumOf } from './otlp-testing.ts'

const decode = (bytes: Uint8Array): OtlpRequest => {
  const result = decodeOtlpProfiles(bytes, { limits: LIMITS, receivedMs: 0 })
  if (!result.ok) throw new Error(result.error.message)
  for (const profile of result.value.profiles) assertProfile(profile)
  expect([result.value.rejected, result.value.cut, result.value.warnings]).toEqual([[], [], []])
  return result.value
}

/** Everything of a sample but its numbering: type, period, labels, time and the stack with all it says. */
function fullKey(profile: Profile, row: number): string {
  const { strings, stacks, locations, lines, functions, mappings, samples } = profile
  const frames: unknown[] = []
  for (let node = samples.stack[row]!; node !== 0; node = stacks.parent[node]!) {
    const location = stacks.location[node]!
    const mapping = locations.mapping[location]!
    const calls: unknown[] = []
    for (let i = locations.lineStart[location]!; i < locations.lineStart[location + 1]!; i++) {
      const id = lines.function[i]!
      calls.push([
        ...[functions.name, functions.systemName, functions.file].map((column) => strings[column[id]!]),
        functions.startLine[id],
        lines.line[i],
      ])
    }
    frames.push([
      mapping === NONE ? null : [strings[mappings.file[mapping]!], strings[mappings.buildId[mapping]!]],
      [locations.addressHigh[location], locations.addressLow[location]],
      strings[locations.kind[location]!],
      calls,
    ])
  }
  const labels = labelsText(profile.labelSets[samples.labelSet[row]!]!)
  return JSON.stringify([printProfileType(profile.type), profile.period, labels, samples.timeMs[row], frames])
}
const withoutZeros = (sums: Map<string, number>) => new Map([...sums].filter(([, sum]) => sum !== 0))
const meaning = (profiles: readonly Profile[]) => withoutZeros(sumOf(profiles, fullKey))

const word = fc.string({ minLength: 1, maxLength: 8, unit: 'grapheme' })
const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 })
const labelSet: fc.Arbitrary<Labels> = fc
  .record({
    service: word.filter((name) => !name.startsWith('unknown_service')),
    host: fc.option(word),
    comm: fc.option(word),
    others: fc.dictionary(
      word.filter((name) => !/^(__|flametrail\.|service\.name|host\.name)/.test(name)),
      word,
      { maxKeys: 3 },
    ),
  })
  .map(({ service, host, comm, others }) =>
    labelsOf([
      ...Object.entries(others),
      ['host', host ?? ''],
      ['comm', comm ?? ''],
      ['service_name', service],
    ]),
  )
const location = fc.record({
  mapping: fc.option(fc.tuple(word, fc.constantFrom('', 'ab12', 'ffeeddccbbaa99887766'))),
  addressHigh: fc.oneof(fc.constant(0), u32),
  addressLow: u32,
  kind: fc.constantFrom('', 'native', 'kernel', 'go', TRUNCATED_KIND),
  lines: fc.array(
    fc.record({ name: word, systemName: fc.option(word), file: fc.option(word), startLine: u32, line: u32 }),
    { maxLength: 3 },
  ),
})
const type: fc.Arbitrary<ProfileType> = fc.constantFrom(
  CPU,
  CPU_SAMPLES,
  {
    name: 'memory',
    sampleType: 'inuse_space',
    sampleUnit: 'bytes',
    periodType: 'space',
    periodUnit: 'bytes',
  },
  { name: 'off_cpu', sampleType: 'off_cpu', sampleUnit: 'nanoseconds', periodType: '', periodUnit: '' },
  { name: 'lock', sampleType: 'contentions', sampleUnit: 'count', periodType: '', periodUnit: '' },
)
const profile: fc.Arbitrary<Profile> = fc
  .record({
    type,
    period: fc.oneof(fc.constant(0), fc.maxSafeNat()),
    locations: fc.array(location, { minLength: 1, maxLength: 6 }),
    labelSets: fc.array(labelSet, { minLength: 1, maxLength: 3 }),
    samples: fc.array(
      fc.record({
        path: fc.array(fc.nat(), { maxLength: 6 }),
        labelSet: fc.nat(),
        value: fc.oneof(fc.nat(5), fc.integer({ min: 0, max: 2 ** 40 })),
        window: fc.nat(2),
      }),
      { maxLength: 8 },
    ),
  })
  .map(({ type, period, locations, labelSets, samples }) => {
    const builder = new ProfileBuilder()
    const rows = locations.map((spec) => {
      const mapping =
        spec.mapping === null ? NONE : builder.mapping({ file: spec.mapping[0], buildId: spec.mapping[1] })
      const isTruncated = spec.kind === TRUNCATED_KIND
      const calls = isTruncated
        ? [{ name: TRUNCATED_NAME, systemName: null, file: null, startLine: 0, line: 0 }]
        : spec.lines
      const lines = calls.map((call) => ({
        function: builder.function({
          name: call.name,
          startLine: call.startLine,
          ...(call.systemName === null ? {} : { systemName: call.systemName }),
          ...(call.file === null ? {} : { file: call.file }),
        }),
        line: call.line,
      }))
      return builder.location({ ...spec, mapping, lines })
    })
    const sets = labelSets.map((labels) => builder.labelSet(labels))
    for (const sample of samples) {
      let stack: StackId = asId(0)
      for (const step of sample.path) stack = builder.stack(stack, rows[step % rows.length]!)
      const timeMs = RECEIVED_MS + 10_000 * sample.window
      builder.sample({ stack, labelSet: sets[sample.labelSet % sets.length]!, value: sample.value, timeMs })
    }
    return builder.build({ type, period, timeMs: RECEIVED_MS, durationMs: 30_000 })
  })
const counts = fc
  .dictionary(fc.stringMatching(/^[a-z_]{1,12}$/), fc.maxSafeNat())
  .map((all) => new Map(Object.entries(all)))
const counter = fc.oneof(fc.maxSafeNat(), fc.double({ min: 0, max: 2 ** 40, noNaN: true }))
const report: fc.Arbitrary<AgentReport> = fc.record({
  host: fc.string({ maxLength: 20, unit: 'grapheme' }),
  agentId: word,
  version: fc.string({ maxLength: 10 }),
  startedMs: fc.maxSafeNat(),
  reportedMs: fc.maxSafeNat(),
  frequencyHz: counter,
  cpus: fc.nat(512),
  expected: counter,
  idle: counter,
  received: counter,
  dropped: counts,
  stops: counts,
})

describe('decode(encode(x)) = x', () => {
  it('up to numbering, for any profiles', () => {
    fc.assert(
      fc.property(fc.array(profile, { maxLength: 3 }), (profiles) => {
        expect(meaning(decode(encodeOtlpProfiles({ profiles })).profiles)).toEqual(meaning(profiles))
      }),
      { numRuns: 300 },
    )
  })

  it('for any report', () => {
    fc.assert(
      fc.property(report, (one) => {
        const request = decode(encodeOtlpProfiles({ profiles: [], report: one }))
        expect(request.agents).toEqual([one])
        expect(request.profiles).toEqual([])
      }),
    )
  })

  it('for the head of a profile of one window', () => {
    const builder = new ProfileBuilder()
    builder.sample({
      stack: asId(0),
      labelSet: builder.labelSet([['service_name', 's']]),
      value: 3,
      timeMs: RECEIVED_MS,
    })
    const one = builder.build({
      type: CPU_SAMPLES,
      period: 52_631_578,
      timeMs: RECEIVED_MS,
      durationMs: 9_876,
    })
    const [again] = decode(encodeOtlpProfiles({ profiles: [one] })).profiles
    expect([again!.timeMs, again!.durationMs, again!.period]).toEqual([RECEIVED_MS, 9_876, 52_631_578])
  })
})

describe('what is sent', () => {
  it('shares one dictionary among profiles: the second of two equal ones costs next to nothing', () => {
    fc.assert(
      fc.property(profile, (one) => {
        const single = encodeOtlpProfiles({ profiles: [one] }).length
        const twice = encodeOtlpProfiles({ profiles: [one, one] }).length
        expect(twice - single).toBeLessThan(60 * (one.samples.stack.length * 3 + 1))
      }),
      { numRuns: 50 },
    )
  })

  it('is nothing but an empty dictionary for no profiles', () => {
    expect(decode(encodeOtlpProfiles({ profiles: [] }))).toMatchObject({ profiles: [], agents: [] })
  })
})

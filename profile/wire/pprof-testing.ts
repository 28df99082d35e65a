// What comes and goes as pprof in the tests of this folder? Profiles of every kind, and what they mean without their
// numbering. For tests only.
import fc from 'fast-check'
import { ProfileBuilder } from '../model/builder.ts'
import { asId, NONE, type StackId } from '../model/ids.ts'
import { type Labels, labelsOf, labelsText } from '../model/labels.ts'
import { assertProfile, type Profile, TRUNCATED_KIND, TRUNCATED_NAME } from '../model/profile.ts'
import { CPU, CPU_SAMPLES, type ProfileType, printProfileType, storedType } from '../model/profile-type.ts'
import { LIMITS, sumOf } from './otlp-testing.ts'
import { decodePprof, type PprofFile, type PprofOptions } from './pprof.ts'

/** Decodes what must be right, with the labels of the samples unless told otherwise. */
export function decode(bytes: Uint8Array, options: Partial<PprofOptions> = {}): PprofFile {
  const result = decodePprof(bytes, { limits: LIMITS, labels: [], sampleLabels: true, ...options })
  if (!result.ok) throw new Error(result.error.message)
  for (const profile of result.value.profiles) assertProfile(profile)
  return result.value
}

/** Sums of a profile's samples by all that a file can say of them; CPU samples as the time they are worth. */
export function meaningOf(profile: Profile): Map<string, number> {
  const { type, scale } = storedType(profile.type, profile.period)
  const sums = sumOf([profile], (_, row) => {
    const labels = labelsText(profile.labelSets[profile.samples.labelSet[row]!]!)
    const stack = framesOf(profile, profile.samples.stack[row]!)
    return JSON.stringify([printProfileType(type), profile.period, labels, stack])
  })
  return new Map([...sums].filter(([, sum]) => sum > 0).map(([key, sum]) => [key, sum * scale]))
}

function framesOf({ strings, stacks, locations, lines, functions, mappings }: Profile, stack: number) {
  const frames: unknown[] = []
  for (let node = stack; node !== 0; node = stacks.parent[node]!) {
    const row = stacks.location[node]!
    const kind = strings[locations.kind[row]!]!
    const mapping = locations.mapping[row]!
    const calls: unknown[] = []
    for (let i = locations.lineStart[row]!; i < locations.lineStart[row + 1]!; i++) {
      const id = lines.function[i]!
      const texts = [functions.name, functions.systemName, functions.file].map(
        (column) => strings[column[id]!],
      )
      calls.push([...texts, functions.startLine[id], lines.line[i]])
    }
    // Where callers could not be seen there is no code: neither file nor address.
    if (kind === TRUNCATED_KIND) frames.push([kind, calls])
    else
      frames.push([
        kind,
        calls,
        mapping === NONE ? '' : [strings[mappings.file[mapping]!], strings[mappings.buildId[mapping]!]],
        [locations.addressHigh[row], locations.addressLow[row]],
      ])
  }
  return frames
}

const word = fc.string({ minLength: 1, maxLength: 8, unit: 'grapheme' })
const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 })
const arbLabels: fc.Arbitrary<Labels> = fc
  .array(
    fc.tuple(
      word.filter((name) => !name.startsWith('__')),
      word,
    ),
    { maxLength: 3 },
  )
  .map(labelsOf)
const arbLocation = fc.record({
  mapping: fc.option(fc.tuple(word, fc.constantFrom('', 'ab12', 'ffeeddccbbaa99887766'))),
  addressHigh: fc.oneof(fc.constant(0), u32),
  addressLow: u32,
  kind: fc.constantFrom('', 'native', 'kernel', 'go', TRUNCATED_KIND),
  lines: fc.array(
    fc.record({ name: word, systemName: fc.option(word), file: fc.option(word), startLine: u32, line: u32 }),
    { maxLength: 3 },
  ),
})
const arbType: fc.Arbitrary<ProfileType> = fc.constantFrom(
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
  { name: 'contentions', sampleType: 'contentions', sampleUnit: 'count', periodType: '', periodUnit: '' },
)

/** One moment, several label sets, everything a location may hold. CPU samples are small enough to be time. */
export const arbPprofProfile: fc.Arbitrary<Profile> = fc
  .record({
    type: arbType,
    period: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 10_000_000 })),
    locations: fc.array(arbLocation, { minLength: 1, maxLength: 6 }),
    labelSets: fc.array(arbLabels, { minLength: 1, maxLength: 3 }),
    samples: fc.array(
      fc.record({
        path: fc.array(fc.nat(), { maxLength: 6 }),
        labelSet: fc.nat(),
        value: fc.oneof(fc.nat(5), fc.integer({ min: 0, max: 2 ** 24 })),
      }),
      { maxLength: 8 },
    ),
  })
  .map(({ type, period, locations, labelSets, samples }) => {
    const builder = new ProfileBuilder()
    const rows = locations.map((spec) => {
      const isTruncated = spec.kind === TRUNCATED_KIND
      const mapping =
        spec.mapping === null || isTruncated
          ? NONE
          : builder.mapping({ file: spec.mapping[0], buildId: spec.mapping[1] })
      const unseen = { name: TRUNCATED_NAME, systemName: null, file: null, startLine: 0, line: 0 }
      const lines = (isTruncated ? [unseen] : spec.lines).map((call) => ({
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
    for (const sample of samples) {
      let stack: StackId = asId(0)
      for (const step of sample.path) stack = builder.stack(stack, rows[step % rows.length]!)
      const labelSet = builder.labelSet(labelSets[sample.labelSet % labelSets.length]!)
      builder.sample({ stack, labelSet, value: sample.value, timeMs: 1_700_000_000_000 })
    }
    return builder.build({ type, period, timeMs: 1_700_000_000_000, durationMs: 30_000 })
  })

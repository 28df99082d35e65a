// What could come? Generators for property tests: small alphabets, so that names repeat, recursion happens, label sets
// collide, and counter-examples stay readable.
import fc from 'fast-check'
import type { Matcher } from '../labels/matcher.ts'
import { ProfileBuilder } from '../model/builder.ts'
import { asId, NONE, type StackId } from '../model/ids.ts'
import { type Labels, labelsOf } from '../model/labels.ts'
import { type Profile, TRUNCATED_KIND } from '../model/profile.ts'
import { CPU_SAMPLES } from '../model/profile-type.ts'
import { buildTreeOfProfile } from '../tree/build.ts'
import type { CallTree } from '../tree/call-tree.ts'

const NAMES = ['a', 'b', 'c', 'd', 'total', 'Zed', 'std::vec<u8>::push', 'größe', '__proto__']
const FILES = ['', '', '', 'a.c', 'b.c']
const MAPPINGS = ['', '/usr/lib/libc.so.6', '/opt/libc.so.6', 'vmlinux']

const arbFunction = fc.record({ name: fc.constantFrom(...NAMES), file: fc.constantFrom(...FILES) })
const arbLocation = fc.record({
  mapping: fc.constantFrom(...MAPPINGS),
  addressHigh: fc.constantFrom(0, 0, 0xffffffff),
  addressLow: fc.constantFrom(0x10, 0x20, 0xffffffff),
  kind: fc.constantFrom('native', 'native', 'native', 'kernel', '', TRUNCATED_KIND),
  // Mostly one line; two or three where calls are inlined, none where nothing is named yet.
  lines: fc.oneof(
    { weight: 4, arbitrary: fc.array(arbFunction, { minLength: 1, maxLength: 1 }) },
    { weight: 1, arbitrary: fc.array(arbFunction, { maxLength: 3 }) },
  ),
})

/** Label names as they come: bare, dotted, and those that only quotes can carry. */
export const arbLabelName: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom('service_name', 'service.name', 'host', 'pod', 'k8s.pod.name', '__proto__', 'a-b'),
  fc.string({ minLength: 1, maxLength: 8, unit: 'binary' }),
)
export const arbLabelValue: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom('', 'api', 'web-1', 'web-2', 'a"b', 'a\\b', 'line\nbreak'),
  fc.string({ maxLength: 8, unit: 'binary' }),
)

/** Sorted, names unique, no empty value. */
export const arbLabels: fc.Arbitrary<Labels> = fc
  .array(fc.tuple(arbLabelName, arbLabelValue), { maxLength: 5 })
  .map(labelsOf)

/** Regexes among them are RE2 and small. */
export const arbMatcher: fc.Arbitrary<Matcher> = fc.oneof(
  fc.record({
    name: arbLabelName,
    operator: fc.constantFrom('=', '!='),
    value: arbLabelValue,
  }),
  fc.record({
    name: arbLabelName,
    operator: fc.constantFrom('=~', '!~'),
    value: fc.constantFrom('', '.*', '.+', 'web-.+', 'api|web-1', 'a"b', '[a-z]{3}', '\\w+\\n.*'),
  }),
)

export interface ArbitrarySelector {
  readonly type: string | undefined
  readonly matchers: readonly Matcher[]
}
export const arbSelector: fc.Arbitrary<ArbitrarySelector> = fc.record({
  type: fc.constantFrom(undefined, 'cpu', 'process_cpu:cpu:nanoseconds:cpu:nanoseconds', 'memory:a:bytes::'),
  matchers: fc.array(arbMatcher, { maxLength: 5 }),
})

export interface ProfileBounds {
  /** Most samples; 12 if absent. */
  readonly samples?: number
  /** Most locations of a stack; 6 if absent. */
  readonly depth?: number
}

/** Profiles with inlined calls, locations without names, truncated stacks, empty stacks, zero values, several label sets
 *  and times. Values are integers, so sums are exact. */
export function arbProfile({ samples = 12, depth = 6 }: ProfileBounds = {}): fc.Arbitrary<Profile> {
  const sample = fc.record({
    locations: fc.array(fc.nat(7), { maxLength: depth }), // root first; few, so that stacks share
    labelSet: fc.nat(2),
    value: fc.nat(20),
    window: fc.nat(2),
  })
  return fc
    .record({
      locations: fc.array(arbLocation, { minLength: 8, maxLength: 8 }),
      labelSets: fc.array(arbLabels, { minLength: 3, maxLength: 3 }),
      samples: fc.array(sample, { maxLength: samples }),
    })
    .map(({ locations, labelSets, samples: drawn }) => {
      const builder = new ProfileBuilder()
      const locationIds = locations.map(({ mapping, lines, ...location }) =>
        builder.location({
          ...location,
          mapping: mapping === '' ? NONE : builder.mapping({ file: mapping, buildId: 'c0ffee' }),
          lines: lines.map((line, i) => ({ function: builder.function(line), line: i + 1 })),
        }),
      )
      for (const { locations: path, labelSet, value, window } of drawn) {
        let stack: StackId = asId(0)
        for (const at of path) stack = builder.stack(stack, locationIds[at]!)
        builder.sample({
          stack,
          labelSet: builder.labelSet(labelSets[labelSet]!),
          value,
          timeMs: 1_700_000_000_000 + window * 10_000,
        })
      }
      return builder.build({
        type: CPU_SAMPLES,
        period: 52_631_579,
        timeMs: 1_700_000_000_000,
        durationMs: 30_000,
      })
    })
}

/** Trees of such profiles. */
export const arbTree = (bounds?: ProfileBounds): fc.Arbitrary<CallTree> =>
  arbProfile(bounds).map(buildTreeOfProfile)

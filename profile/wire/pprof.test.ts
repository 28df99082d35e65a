import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Profile, TRUNCATED_KIND } from '../model/profile.ts'
import { CPU, printProfileType } from '../model/profile-type.ts'
import { arbProfile } from '../testing/arbitrary.ts'
import { drawTree, profileFromText } from '../testing/draw.ts'
import { outdent } from '../testing/outdent.ts'
import { buildTreeOfProfile } from '../tree/build.ts'
import { LIMITS } from './otlp-testing.ts'
import { decodePprof, encodePprof, isGzip } from './pprof.ts'
import { arbPprofProfile, decode, meaningOf } from './pprof-testing.ts'
import { ProtoWriter } from './proto-writer.ts'

const MEMORY = {
  name: 'memory',
  sampleType: 'inuse_space',
  sampleUnit: 'bytes',
  periodType: 'space',
  periodUnit: 'bytes',
}
const withoutKinds = (profile: Profile) => {
  const tree = buildTreeOfProfile(profile)
  return { ...tree, frames: { ...tree.frames, kind: [] } }
}
const drawn = (profile: Profile) => drawTree(buildTreeOfProfile(profile))

/** A file of another hand: sample types, one function `f` in mapping m, and what a test adds. */
function fileWith(parts: {
  readonly types?: readonly (readonly [string, string])[]
  readonly periodType?: readonly [string, string]
  readonly period?: number
  readonly values?: readonly (readonly number[])[]
  readonly timeNs?: bigint
  readonly write?: (file: ProtoWriter, string: (text: string) => number) => void
}): Uint8Array {
  const { types = [['cpu', 'nanoseconds']], values = [[1]] } = parts
  const strings = ['']
  const string = (text: string) => strings.push(text) - 1
  const file = new ProtoWriter()
  const valueType = (field: number, [type, unit]: readonly [string, string]) => {
    const [typeIndex, unitIndex] = [string(type), string(unit)]
    file.message(field, () => {
      file.unsigned(1, typeIndex)
      file.unsigned(2, unitIndex)
    })
  }
  for (const type of types) valueType(1, type)
  if (parts.periodType) valueType(11, parts.periodType)
  file.unsigned(12, parts.period ?? 0)
  const time = parts.timeNs ?? 1_700_000_000_000_000_000n
  file.varint64(9, Number(time >> 32n), Number(time & 0xffff_ffffn))
  const [name, mapping] = [string('f'), string('/usr/bin/m')]
  file.message(5, () => {
    file.unsigned(1, 7)
    file.unsigned(2, name)
  })
  file.message(3, () => {
    file.unsigned(1, 9)
    file.unsigned(2, 0x400000)
    file.unsigned(3, 0x500000)
    file.unsigned(4, 0x1000)
    file.unsigned(5, mapping)
  })
  file.message(4, () => {
    file.unsigned(1, 5)
    file.unsigned(2, 9)
    file.unsigned(3, 0x400123)
    file.message(4, () => file.unsigned(1, 7))
  })
  for (const row of values)
    file.message(2, () => {
      file.packed(1, [5])
      file.packed(2, row)
    })
  parts.write?.(file, string)
  for (const text of strings) file.text(6, text)
  return file.finish()
}
const refusal = (bytes: Uint8Array, options = {}) => {
  const result = decodePprof(bytes, { limits: LIMITS, labels: [], ...options })
  return result.ok ? 'taken' : result.error.message
}

describe('decode(encode(x)) = x', () => {
  it('up to numbering, CPU samples as CPU time', () => {
    fc.assert(
      fc.property(arbPprofProfile, (profile) => {
        const { profiles, warnings, cut } = decode(encodePprof(profile))
        expect([profiles.length, warnings, cut]).toEqual([1, [], []])
        expect(meaningOf(profiles[0]!)).toEqual(meaningOf(profile))
        expect([profiles[0]!.timeMs, profiles[0]!.durationMs]).toEqual([1_700_000_000_000, 30_000])
      }),
      { numRuns: 300 },
    )
  })

  it('as the same tree, up to kinds that no sample named', () => {
    fc.assert(
      fc.property(arbProfile(), (profile) => {
        const counted = { ...profile, type: MEMORY }
        const [again] = decode(encodePprof(counted), { sampleLabels: false }).profiles
        expect(withoutKinds(again!)).toEqual(withoutKinds(counted))
      }),
    )
  })

  it('encodes the same bytes again', () => {
    fc.assert(
      fc.property(arbPprofProfile, (profile) => {
        const bytes = encodePprof(decode(encodePprof(profile)).profiles[0]!)
        expect(encodePprof(decode(bytes).profiles[0]!)).toEqual(bytes)
      }),
    )
  })
})

describe('encodePprof', () => {
  it('counts CPU time in samples and in nanoseconds, from either', () => {
    const samples = profileFromText('main', { period: 1_000 })
    const time = profileFromText('main\n1000', { type: CPU, period: 1_000 })
    expect(encodePprof(samples)).toEqual(encodePprof(time))
    expect(new TextDecoder().decode(encodePprof(time))).toMatch(/samples.*count.*cpu.*nanoseconds/s)
  })

  it('takes a time and a length of the caller, beyond 2^53 ns', () => {
    const bytes = encodePprof(profileFromText('main'), { timeMs: 4_000_000_000_123, durationMs: 1e10 })
    expect(decode(bytes).profiles[0]).toMatchObject({ timeMs: 4_000_000_000_123, durationMs: 1e10 })
  })

  it('adds up equal stacks of one label set, and leaves out what is zero', () => {
    const profile = profileFromText(`
      a a b
      2 3 0
    `)
    const { samples } = decode(encodePprof({ ...profile, type: MEMORY })).profiles[0]!
    expect([...samples.value]).toEqual([5])
  })
})

describe('decodePprof', () => {
  it('makes one profile of each sample type, over shared tables', () => {
    const types = [
      ['alloc_objects', 'count'],
      ['alloc_space', 'bytes'],
      ['inuse_objects', 'count'],
      ['inuse_space', 'bytes'],
    ] as const
    const bytes = fileWith({
      types,
      periodType: ['space', 'bytes'],
      period: 524_288,
      values: [
        [2, 64, 0, 0],
        [1, 32, 1, 32],
      ],
    })
    const { profiles } = decode(bytes)
    expect(profiles.map(({ type, samples }) => [printProfileType(type), ...samples.value])).toEqual([
      ['alloc_objects:alloc_objects:count:space:bytes', 2, 1],
      ['alloc_space:alloc_space:bytes:space:bytes', 64, 32],
      ['inuse_objects:inuse_objects:count:space:bytes', 1],
      ['inuse_space:inuse_space:bytes:space:bytes', 32],
    ])
    expect(new Set(profiles.map(({ strings }) => strings)).size).toBe(1)
    expect(profiles[3]!.period).toBe(524_288)
    const [named] = decode(bytes, { name: 'memory' }).profiles
    expect(printProfileType(named!.type)).toBe('memory:alloc_objects:count:space:bytes')
  })

  it('takes the nanoseconds of CPU time, not the samples beside them', () => {
    const types = [
      ['samples', 'count'],
      ['cpu', 'nanoseconds'],
    ] as const
    const cpu = { types, periodType: ['cpu', 'nanoseconds'], period: 10, values: [[3, 31]] } as const
    const { profiles, warnings } = decode(fileWith(cpu))
    expect(profiles.map(({ type, samples }) => [type, ...samples.value])).toEqual([[CPU, 31]])
    expect(warnings).toEqual([])
    const [alone] = decode(fileWith({ ...cpu, types: [['samples', 'count']], values: [[3]] })).profiles
    expect([alone!.type, alone!.period, ...alone!.samples.value]).toEqual([CPU, 10, 30])
  })

  it('finds addresses in their file, and keeps names, lines and callers that were inlined', () => {
    const [profile] = decode(fileWith({})).profiles
    expect(profile!.locations.addressLow[0]).toBe(0x1123)
    expect(drawn(profile!)).toBe('m!f 1')
    const inlined = profileFromText(`
      main           libc.so!+0x1f [truncated]
      outer>inner@a.c              main
    `)
    const bytes = encodePprof({ ...inlined, type: MEMORY })
    expect(drawn(decode(bytes).profiles[0]!)).toBe(
      outdent(`
        [truncated] 1  libc.so!libc.so+0x1f 1  main 1
        main 1                                 outer 1
                                               inner@a.c 1
      `),
    )
  })

  it('knows callers that could not be seen by their name when another tool wrote the file', () => {
    const bytes = fileWith({
      write: (file, string) => {
        const name = string('[truncated]')
        file.message(5, () => {
          file.unsigned(1, 8)
          file.unsigned(2, name)
        })
        file.message(4, () => {
          file.unsigned(1, 6)
          file.message(4, () => file.unsigned(1, 8))
        })
        file.message(2, () => {
          file.packed(1, [5, 6])
          file.packed(2, [4])
        })
      },
    })
    const [profile] = decode(bytes).profiles
    expect(profile!.strings[profile!.locations.kind[1]!]).toBe(TRUNCATED_KIND)
  })

  it('gives the labels it is told to, and the samples own only when asked', () => {
    const bytes = encodePprof(
      profileFromText('main', {
        labels: [
          ['host', 'h1'],
          ['thread', 'worker'],
        ],
      }),
    )
    const labels = [
      ['host', 'h2'],
      ['service_name', 'api'],
    ] as const
    const plain = decode(bytes, { labels, sampleLabels: false })
    expect([plain.profiles[0]!.labelSets, plain.cut]).toEqual([
      [labels],
      [{ reason: 'sample_labels', count: 2 }],
    ])
    const asked = decode(bytes, { labels })
    expect(asked.profiles[0]!.labelSets).toEqual([[labels[0], labels[1], ['thread', 'worker']]])
    const few = decode(bytes, { labels, limits: { ...LIMITS, labelNames: 2 } })
    expect([few.profiles[0]!.labelSets, few.cut]).toEqual([[labels], [{ reason: 'label_names', count: 1 }]])
  })

  it('takes the time of the caller, else of the file, else of receipt with a warning', () => {
    const timeOf = (timeNs: bigint, options = {}) => {
      const { profiles, warnings } = decode(fileWith({ timeNs }), options)
      return [profiles[0]!.timeMs, profiles[0]!.samples.timeMs[0], warnings.length]
    }
    expect(timeOf(1_700_000_000_123_456_789n)).toEqual([1_700_000_000_123, 1_700_000_000_123, 0])
    expect(timeOf(1_700_000_000_123_456_789n, { timeMs: 5 })).toEqual([5, 5, 0])
    expect(timeOf(86_400_000_000_000n, { receivedMs: 1_800_000_000_000 })).toEqual([1.8e12, 1.8e12, 1])
    expect(timeOf(0n)).toEqual([0, 0, 1])
  })

  it('cuts a stack that is too deep in the middle', () => {
    const deep = profileFromText(Array.from({ length: 20 }, (_, i) => `f${i}`).join('\n'))
    const { profiles, cut } = decode(encodePprof(deep), { limits: { ...LIMITS, stackDepth: 5 } })
    expect(drawn(profiles[0]!).replaceAll(/ \d+$/gm, '')).toBe('f0\nf1\n[16 frames cut]\nf18\nf19')
    expect(cut).toEqual([{ reason: 'stack_depth', count: 1 }])
  })

  it('leaves out the type with a value it cannot keep, and says so', () => {
    const minus = (file: ProtoWriter) =>
      file.message(2, () => {
        file.packed(1, [5])
        file.message(2, () => {})
      })
    expect(refusal(fileWith({ write: minus }))).toMatch('sample 2 has 0 values, the profile 1 sample types')
    const types = [
      ['delay', 'nanoseconds'],
      ['contentions', 'count'],
    ] as const
    const { profiles, warnings } = decode(fileWith({ types, values: [[2 ** 53, 1]] }))
    expect(profiles.map(({ type }) => type.name)).toEqual(['contentions'])
    expect(warnings).toEqual([
      'delay/nanoseconds is left out: sample 1 has the value 9007199254740992; allowed are 0 to 2^53',
    ])
    const twice = decode(fileWith({ types: [types[0], types[0]], values: [[1, 2]] }))
    expect([twice.profiles.length, twice.warnings]).toEqual([
      1,
      ['delay/nanoseconds stands there twice; the first is taken'],
    ])
  })
})

describe('isGzip', () => {
  it('looks at the first two bytes', () => {
    expect(isGzip(Uint8Array.of(0x1f, 0x8b, 8))).toBe(true)
    expect(isGzip(encodePprof(profileFromText('main')))).toBe(false)
    expect(isGzip(new Uint8Array(0))).toBe(false)
  })
})

import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { labelsOf } from '#profile/model/labels'
import { assertProfile, type Profile } from '#profile/model/profile'
import { CPU_SAMPLES } from '#profile/model/profile-type'
import { arbProfile } from '#profile/testing/arbitrary'
import { drawTree, profileFromText } from '#profile/testing/draw'
import { buildTreeOfProfile } from '#profile/tree/build'
import { encodeOtlpProfiles } from '#profile/wire/otlp-profiles'
import { encodePprof } from '#profile/wire/pprof'
import { treeToJson } from '#profile/wire/tree-answer'
import { limitsOf } from '../backend/limits.ts'
import { type FileOptions, movedTo, readProfileFile } from './profile-file.ts'
import { sampledProfile } from './sampled-profile.ts'

const TIME = 1_700_000_000_000
const options: FileOptions = {
  limits: limitsOf(),
  timeMs: TIME,
  labels: [],
  serviceName: 'cpu',
  frequencyHz: 19,
}
const DRAWN = profileFromText('main main\nread work\n3    1', { period: 10_000_000 })
const utf8 = (text: string) => new TextEncoder().encode(text)
const JSON_META = {
  type: 'process_cpu:cpu:nanoseconds:cpu:nanoseconds',
  unit: 'nanoseconds',
  fromMs: TIME,
  toMs: TIME + 10_000,
  samples: 4,
  endEarly: 0,
  unnamed: 0,
  nodes: { sent: 4, folded: 0 },
  sampleProfile: false,
  coverage: { unreadable: [] },
  tookMs: 1,
}

function read(bytes: Uint8Array, changes: Partial<FileOptions> = {}) {
  const file = readProfileFile(bytes, { ...options, ...changes })
  if (!file.ok) throw new Error(file.error.message)
  return file.value
}
const refusal = (bytes: Uint8Array, changes: Partial<FileOptions> = {}) => {
  const file = readProfileFile(bytes, { ...options, ...changes })
  return file.ok ? `taken as ${file.value.format}` : file.error.message
}

describe('readProfileFile', () => {
  const answer = treeToJson(sampledProfile(DRAWN).tree, JSON_META)
  const files = {
    pprof: encodePprof(DRAWN),
    OTLP: encodeOtlpProfiles({ profiles: [DRAWN] }),
    folded: utf8('main;read 3\nmain;work 1\n'),
    JSON: utf8(JSON.stringify(answer)),
  }
  it.each(Object.entries(files))('tells %s apart by content, gzipped or plain', (format, bytes) => {
    for (const one of [bytes, new Uint8Array(gzipSync(bytes))]) {
      const file = read(one, { frequencyHz: 100 })
      expect(file).toMatchObject({ format, warnings: [] })
      const [profile] = file.profiles
      assertProfile(profile!)
      const { tree, samples } = sampledProfile(profile!)
      expect(samples).toBe(4)
      expect(drawTree(tree)).toBe(drawTree(sampledProfile(DRAWN).tree))
      expect(profile!.labelSets).toEqual([[['service_name', 'cpu']]])
      expect(profile!.timeMs).toBe(TIME)
    }
  })

  it('puts the labels of the flags over those of the file, and keeps a service that is named', () => {
    const named = {
      ...DRAWN,
      labelSets: [
        labelsOf([
          ['service_name', 'api'],
          ['zone', 'a'],
        ]),
      ],
    }
    const bytes = encodeOtlpProfiles({ profiles: [named] })
    expect(read(bytes).profiles[0]!.labelSets).toEqual([
      [
        ['service_name', 'api'],
        ['zone', 'a'],
      ],
    ])
    expect(read(bytes, { labels: [['zone', 'b']] }).profiles[0]!.labelSets).toEqual([
      [
        ['service_name', 'api'],
        ['zone', 'b'],
      ],
    ])
  })

  it('reads any profile that our encoders write', () => {
    fc.assert(
      fc.property(arbProfile(), (profile) => {
        fc.pre(profile.samples.value.some((value) => value > 0))
        const same = (file: { readonly profiles: readonly Profile[] }) =>
          expect([...sampledProfile(file.profiles[0]!).tree.total]).toEqual([
            ...sampledProfile(profile).tree.total,
          ])
        same(read(encodePprof(profile)))
        same(read(encodeOtlpProfiles({ profiles: [profile] })))
      }),
      { numRuns: 50 },
    )
  })

  it.each([
    ['nothing', new Uint8Array(), 'it is empty'],
    ['noise', Uint8Array.of(0xff, 0, 1, 2, 3), 'it is none of pprof, OTLP profiles, folded lines'],
    ['an ELF file', utf8('\x7fELF\x02\x01\x01\0\0\0'), 'it is none of pprof'],
    ['prose', utf8('Dear reader,\n'), 'line 1: "Dear reader," must end in a space and a number'],
    ['broken JSON', utf8('{"kind":'), 'it is no JSON: '],
    ['other JSON', utf8('{"a": 1}'), 'not a Flametrail tree answer: its kind is undefined'],
    ['a diff', utf8('{"kind":"diff"}'), 'not a Flametrail tree answer: its kind is "diff"'],
    ['an iceberg', utf8(JSON.stringify({ ...answer, view: 'iceberg' })), 'it holds an iceberg'],
    ['half a gzip', new Uint8Array(gzipSync(files.pprof)).subarray(0, 30), 'its gzip is damaged: '],
  ])('refuses %s with a sentence', (_, bytes, sentence) => {
    expect(refusal(bytes)).toContain(sentence)
  })

  it('refuses what inflates beyond the bound', () => {
    const bomb = new Uint8Array(gzipSync(new Uint8Array(100_000)))
    const limits = { ...limitsOf(), exportBytes: 50_000 }
    expect(refusal(bomb, { limits })).toContain('inflates to more than 50000 bytes')
  })

  it('never throws, whatever the bytes', () => {
    const cut = fc.tuple(fc.constantFrom(...Object.values(files)), fc.nat(), fc.uint8Array({ maxLength: 8 }))
    fc.assert(
      fc.property(cut, ([bytes, at, noise]) => {
        const changed = new Uint8Array(bytes)
        changed.set(noise.subarray(0, changed.length), at % Math.max(1, changed.length - noise.length))
        refusal(changed)
        refusal(changed.subarray(0, at % changed.length))
      }),
    )
  })
})

describe('movedTo', () => {
  it('moves all profiles by one distance', () => {
    const later = { ...DRAWN, timeMs: TIME + 5_000 }
    const moved = movedTo([later, profileFromText('a', { timeMs: TIME, type: CPU_SAMPLES })], 1_000)
    expect(moved.map(({ timeMs }) => timeMs)).toEqual([6_000, 1_000])
    expect([...moved[1]!.samples.timeMs]).toEqual([1_000])
    expect(drawTree(buildTreeOfProfile(moved[1]!))).toBe('a 1')
  })
})

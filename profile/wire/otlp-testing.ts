// How do the tests of this folder read a Profile? As lists of frames and sums by a key: nothing of the columns' numbering.
// For tests only.
import { fromJson, type JsonValue, toBinary } from '@bufbuild/protobuf'
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import type { Profile } from '../model/profile.ts'
import { ExportProfilesServiceRequestSchema } from './gen/otlp_profiles_pb.ts'
import type { WireLimits } from './wire-limits.ts'

/** The backend's defaults. */
export const LIMITS: WireLimits = {
  profilesPerRequest: 10_000,
  samplesMax: 250_000,
  tableEntries: 4_000_000,
  stackDepth: 1_000,
  stringBytes: 8_192,
  labelNames: 64,
  labelNameBytes: 1_024,
  labelValueBytes: 2_048,
}
export const RECEIVED_MS = Date.UTC(2026, 10, 24, 10)

/** Sums of the samples' values by a key of their row. */
export function sumOf(
  profiles: readonly Profile[],
  key: (profile: Profile, row: number) => string,
): Map<string, number> {
  const sums = new Map<string, number>()
  for (const profile of profiles)
    for (let row = 0; row < profile.samples.stack.length; row++) {
      const text = key(profile, row)
      sums.set(text, (sums.get(text) ?? 0) + profile.samples.value[row]!)
    }
  return sums
}

/** The locations of a stack, leaf first: "inlined|caller kind address". */
export function framesOfStack(profile: Profile, stack: number): string[] {
  const { stacks, locations, lines, functions, strings } = profile
  const frames: string[] = []
  for (let node = stack; node !== 0; node = stacks.parent[node]!) {
    const row = stacks.location[node]!
    const names: string[] = []
    for (let i = locations.lineStart[row]!; i < locations.lineStart[row + 1]!; i++)
      names.push(strings[functions.name[lines.function[i]!]!]!)
    const address = BigInt(locations.addressHigh[row]!) * 2n ** 32n + BigInt(locations.addressLow[row]!)
    frames.push(`${names.join('|')} ${strings[locations.kind[row]!]} ${address}`)
  }
  return frames
}

/** A sample as a test draws it. */
export interface SampleSketch {
  readonly stack: number
  readonly attributes?: readonly number[]
  readonly link?: number
  readonly values?: readonly (number | bigint)[]
  readonly timestamps?: readonly bigint[]
}
/** A request as a test draws it: one resource, one profile of CPU samples, tables in index order from 1. */
export interface RequestSketch {
  readonly layout?: '1.9' | '1.10'
  readonly samples?: readonly SampleSketch[]
  readonly resource?: Readonly<Record<string, string | number>>
  /** Dictionary rows in protobuf's JSON; row 0 is added. Strings are `STRINGS` first, then these. */
  readonly strings?: readonly string[]
  readonly functions?: readonly object[]
  readonly mappings?: readonly object[]
  readonly locations?: readonly object[]
  readonly stacks?: readonly (readonly number[])[]
  readonly attributes?: readonly (readonly [key: string, value: string | number])[]
  readonly profile?: object
}
/** Indexes 1 to 4 of every sketch's string table. */
export const STRINGS = ['', 'samples', 'count', 'cpu', 'nanoseconds']

/** Writes a sketch with the kept library's generated messages, so that no code under test writes what it reads. */
export function requestBytes(sketch: RequestSketch): Uint8Array {
  const strings = [...STRINGS, ...(sketch.strings ?? [])]
  const attributeTable = (sketch.attributes ?? []).map(([key, value]) => ({
    keyStrindex: strings.push(key) - 1,
    value: typeof value === 'string' ? { stringValue: value } : { doubleValue: value },
  }))
  const json = {
    resourceProfiles: [
      {
        resource: {
          attributes: Object.entries(sketch.resource ?? {}).map(([key, value]) => ({
            key,
            value: typeof value === 'string' ? { stringValue: value } : { doubleValue: value },
          })),
        },
        scopeProfiles: [
          {
            profiles: [
              {
                sampleType: { typeStrindex: 1, unitStrindex: 2 },
                periodType: { typeStrindex: 3, unitStrindex: 4 },
                period: '10000000',
                timeUnixNano: String(BigInt(RECEIVED_MS) * 1_000_000n),
                durationNano: '10000000000',
                ...sketch.profile,
              },
            ],
          },
        ],
      },
    ],
    dictionary: {
      stringTable: strings,
      functionTable: [{}, ...(sketch.functions ?? [])],
      mappingTable: [{}, ...(sketch.mappings ?? [])],
      locationTable: [{}, ...(sketch.locations ?? [])],
      attributeTable: [{}, ...attributeTable],
      stackTable: [{}, ...(sketch.stacks ?? []).map((locationIndices) => ({ locationIndices }))],
    },
  }
  const request = fromJson(ExportProfilesServiceRequestSchema, json as unknown as JsonValue)
  const profile = request.resourceProfiles[0]!.scopeProfiles[0]!.profiles[0]!
  // Samples are unknown fields here, so that both layouts can be written: 2 is `samples`.
  profile.$unknown = (sketch.samples ?? []).map((sample) => ({
    no: 2,
    wireType: WireType.LengthDelimited,
    data: new BinaryWriter().bytes(sampleBytes(sample, sketch.layout ?? '1.10')).finish(),
  }))
  return toBinary(ExportProfilesServiceRequestSchema, request)
}

function sampleBytes(sample: SampleSketch, layout: '1.9' | '1.10'): Uint8Array {
  const [attributes, link, values] = layout === '1.10' ? [2, 3, 4] : [3, 4, 2]
  const writer = new BinaryWriter().tag(1, WireType.Varint).int32(sample.stack)
  const packed = (field: number, list: readonly (number | bigint)[] | undefined) => {
    if (list === undefined || list.length === 0) return
    writer.tag(field, WireType.LengthDelimited).fork()
    for (const value of list) writer.int64(value)
    writer.join()
  }
  packed(attributes, sample.attributes)
  if (sample.link) writer.tag(link, WireType.Varint).int32(sample.link)
  packed(values, sample.values)
  if (sample.timestamps !== undefined) {
    writer.tag(5, WireType.LengthDelimited).fork()
    for (const timestamp of sample.timestamps) writer.fixed64(timestamp)
    writer.join()
  }
  return writer.finish()
}

// Requests of opentelemetry-ebpf-profiler, as they came: the decoder against a naive walk over the tags.
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { labelValue } from '../model/labels.ts'
import { assertProfile, type Profile } from '../model/profile.ts'
import { CPU_SAMPLES } from '../model/profile-type.ts'
import { decodeOtlpProfiles, encodeOtlpProfiles, type OtlpRequest } from './otlp-profiles.ts'
import { framesOfStack, LIMITS, RECEIVED_MS, sumOf } from './otlp-testing.ts'

const FOLDER = fileURLToPath(new URL('../../tests/fixtures/otlp/', import.meta.url))
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith('.pb.gz'))

describe.each(FILES)('%s', (file) => {
  const bytes = gunzipSync(readFileSync(FOLDER + file))
  const naive = walkNaively(bytes)

  it('gives as many samples as timestamps were sent, per service and window', () => {
    const request = decoded(bytes)
    expect(request.rejected).toEqual([])
    expect(request.cut).toEqual([])
    expect(request.warnings).toEqual([])
    for (const profile of request.profiles) {
      assertProfile(profile)
      expect(profile.type).toEqual(CPU_SAMPLES)
      expect(profile.period).toBe(file.includes('busy19') ? 52_631_578 : 10_309_278)
    }
    expect(sumOf(request.profiles, () => 'all')).toEqual(new Map([['all', naive.timestamps]]))
    const byService = sumOf(
      request.profiles,
      (profile, row) =>
        `${labelValue(profile.labelSets[profile.samples.labelSet[row]!]!, 'service_name')} ${profile.samples.timeMs[row]}`,
    )
    expect(byService).toEqual(naive.byServiceAndWindow)
  })

  it('gives the stacks that were sent, leaf first', () => {
    const request = decoded(bytes)
    expect(stackSums(request.profiles)).toEqual(naive.byStack)
  })

  it('keeps addresses and build IDs for those who name later', () => {
    const [profile] = decoded(bytes).profiles
    const { mappings, strings, locations } = profile!
    const buildIds = Array.from(mappings.buildId, (id) => strings[id]!).filter((id) => id !== '')
    expect(buildIds.length).toBeGreaterThan(0)
    for (const id of buildIds) expect(id).toMatch(/^[0-9a-f]{16,}$/)
    const kinds = new Set(Array.from(locations.kind, (id) => strings[id]!))
    expect(kinds).toContain('native')
    expect(kinds).toContain('kernel')
  })

  it('comes back the same after our own encoder', () => {
    const request = decoded(bytes)
    const again = decoded(encodeOtlpProfiles({ profiles: request.profiles }))
    expect(again.rejected).toEqual([])
    expect(stackSums(again.profiles)).toEqual(stackSums(request.profiles))
  })
})

function decoded(bytes: Uint8Array): OtlpRequest {
  const result = decodeOtlpProfiles(bytes, { limits: LIMITS, receivedMs: RECEIVED_MS })
  if (!result.ok) throw new Error(result.error.message)
  return result.value
}

function stackSums(profiles: readonly Profile[]): Map<string, number> {
  return sumOf(profiles, (profile, row) => framesOfStack(profile, profile.samples.stack[row]!).join(' < '))
}

/** What was sent, without any of the code under test: maps of lists of lists, as a reader of the .proto file would do. */
function walkNaively(bytes: Uint8Array) {
  type Field = { readonly field: number; readonly value: bigint | Uint8Array }
  const fieldsOf = (message: Uint8Array): Field[] => {
    const fields: Field[] = []
    let at = 0
    const varint = (): bigint => {
      let value = 0n
      for (let shift = 0n; ; shift += 7n) {
        const byte = BigInt(message[at++]!)
        value |= (byte & 127n) << shift
        if (byte < 128n) return value
      }
    }
    while (at < message.length) {
      const tag = Number(varint())
      const [field, wire] = [tag >> 3, tag & 7]
      if (wire === 0) fields.push({ field, value: varint() })
      else {
        const length = wire === 1 ? 8 : Number(varint())
        fields.push({ field, value: message.subarray(at, at + length) })
        at += length
      }
    }
    return fields
  }
  const all = (message: Uint8Array, field: number) =>
    fieldsOf(message).flatMap((one) => (one.field === field ? [one.value as Uint8Array] : []))
  const one = (message: Uint8Array, field: number) =>
    Number(fieldsOf(message).find((other) => other.field === field)?.value ?? 0n)
  const packed = (message: Uint8Array, field: number) =>
    all(message, field).flatMap((list) => {
      const values: number[] = []
      let value = 0
      let factor = 1
      for (const byte of list) {
        value += (byte & 127) * factor
        factor *= 128
        if (byte < 128) {
          values.push(value)
          value = 0
          factor = 1
        }
      }
      return values
    })
  const text = (message: Uint8Array) => new TextDecoder().decode(message)

  const dictionary = all(bytes, 2)[0]!
  const [locations, functions, attributes, stacks] = [2, 3, 6, 7].map((field) => all(dictionary, field)) as [
    Uint8Array[],
    Uint8Array[],
    Uint8Array[],
    Uint8Array[],
  ]
  const strings = all(dictionary, 5).map(text)
  const frame = (index: number) => {
    const location = locations[index]!
    const kind = packed(location, 4)
      .map((row) => attributes[row]!)
      .filter((row) => strings[one(row, 1)] === 'profile.frame.type')
      .map((row) => text(all(all(row, 2)[0]!, 1)[0]!))[0]
    const names = all(location, 3).map((line) => strings[one(functions[one(line, 1)]!, 1)])
    const address = fieldsOf(location).find(({ field }) => field === 2)?.value ?? 0n
    return `${names.join('|')} ${kind ?? ''} ${address}`
  }
  const byServiceAndWindow = new Map<string, number>()
  const byStack = new Map<string, number>()
  let timestamps = 0
  for (const resource of all(bytes, 1)) {
    const names = all(all(resource, 1)[0]!, 1).map((pair): [string, Uint8Array] => [
      text(all(pair, 1)[0]!),
      all(pair, 2)[0]!,
    ])
    const executable = names.find(([key]) => key === 'process.executable.name')?.[1]
    const service = executable === undefined ? '[kernel]' : text(all(executable, 1)[0]!)
    for (const profile of all(resource, 2).flatMap((scope) => all(scope, 2)))
      for (const sample of all(profile, 2)) {
        const stack = packed(stacks[one(sample, 1)]!, 1).map(frame).join(' < ')
        for (const list of all(sample, 5))
          for (let i = 0; i < list.length; i += 8) {
            const ns = new DataView(list.buffer, list.byteOffset + i, 8).getBigUint64(0, true)
            const key = `${service} ${(ns / 10_000_000_000n) * 10_000n}`
            byServiceAndWindow.set(key, (byServiceAndWindow.get(key) ?? 0) + 1)
            byStack.set(stack, (byStack.get(stack) ?? 0) + 1)
            timestamps++
          }
      }
  }
  return { timestamps, byServiceAndWindow, byStack }
}

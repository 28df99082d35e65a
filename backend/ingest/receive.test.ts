import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { ProfileBuilder } from '#profile/model/builder'
import { asId, type StackId } from '#profile/model/ids'
import { CPU_SAMPLES } from '#profile/model/profile-type'
import { encodeOtlpProfiles } from '#profile/wire/otlp-profiles'
import { limitsOf } from '../limits.ts'
import { MemoryStore } from '../store/memory.ts'
import type { Store } from '../store/store.ts'
import { type PushRequest, receive, requestKey } from './receive.ts'

const NOW_MS = Date.parse('2026-11-24T12:00:00Z')
const limits = limitsOf()
const newStore = () => new MemoryStore({ ageMs: 14 * 86_400_000 })

/** `count` samples of main ─ work in service "a", at a distance from now. */
function body(count: number, distanceMs = 0): Uint8Array {
  const builder = new ProfileBuilder()
  const location = builder.location({
    mapping: builder.mapping({ file: 'program' }),
    addressHigh: 0,
    addressLow: 4096,
    kind: 'native',
    lines: [{ function: builder.function({ name: 'main' }), line: 0 }],
  })
  const labelSet = builder.labelSet([['service_name', 'a']])
  builder.sample({
    stack: builder.stack(asId<StackId>(0), location),
    labelSet,
    value: count,
    timeMs: NOW_MS + distanceMs,
  })
  return encodeOtlpProfiles({
    profiles: [
      builder.build({ type: CPU_SAMPLES, period: 1e7, timeMs: NOW_MS + distanceMs, durationMs: 10_000 }),
    ],
  })
}
const request = (bytes: Uint8Array, more: Partial<PushRequest> = {}): PushRequest => ({
  route: '/v1development/profiles',
  body: bytes,
  format: 'protobuf',
  receivedMs: NOW_MS,
  sentMs: undefined,
  ...more,
})

async function stored(store: Store): Promise<number> {
  const type = {
    name: 'process_cpu',
    sampleType: 'cpu',
    sampleUnit: 'nanoseconds',
    periodType: 'cpu',
    periodUnit: 'nanoseconds',
  }
  const { value } = await store.stackSums({ type, matchers: [], fromMs: 0, toMs: 1e14, groupBy: [] })
  return value.flatMap(({ groups }) => groups).reduce((sum, { samples }) => sum + samples, 0)
}

describe('receive', () => {
  it('stores a request and says how much', async () => {
    const store = newStore()
    const result = await receive({ ...request(body(7)), store, limits })
    expect(result).toMatchObject({ stored: true, duplicate: false, samples: 7, discarded: [], warnings: [] })
    expect(await stored(store)).toBe(7)
  })

  it('stores the same bytes once: repeated later, and while the first is under way', async () => {
    const store = newStore()
    const ask = { ...request(body(7)), store, limits }
    const results = await Promise.all([receive(ask), receive(ask), receive(ask)])
    const again = await receive({ ...ask, receivedMs: NOW_MS + 60_000 })
    expect([...results, again].map((result) => [result.stored, result.duplicate, result.samples])).toEqual([
      [true, false, 7],
      [false, true, 0],
      [false, true, 0],
      [false, true, 0],
    ])
    expect(await stored(store)).toBe(7)
  })

  it('lets those who wait hear the failure of the first, and takes the request when it comes again', async () => {
    const inner = newStore()
    let failures = 1
    const store: Store = Object.create(inner, {
      append: {
        value: async (batch: Parameters<Store['append']>[0]) => {
          if (failures-- > 0) throw new Error('disk')
          return inner.append(batch)
        },
      },
    })
    const ask = { ...request(body(3)), store, limits }
    const outcomes = await Promise.allSettled([receive(ask), receive(ask)])
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect((await receive(ask)).samples).toBe(3)
  })

  it('refuses samples far ahead by name, and stores nothing of them', async () => {
    const store = newStore()
    const result = await receive({ ...request(body(5, 3_600_000)), store, limits })
    expect(result).toMatchObject({ stored: false, samples: 0, rejectedProfiles: 1 })
    expect(result.discarded).toEqual([
      {
        reason: 'samples_ahead',
        count: 5,
        message:
          "5 samples refused: up to 60 min ahead of the backend's clock, allowed 10 min (limits.ingest.maxAhead); set the sender's clock or let it send a Date header",
      },
    ])
    expect(await stored(store)).toBe(0)
  })

  it('shifts the times of a sender whose Date is an hour ahead', async () => {
    const store = newStore()
    const sentMs = NOW_MS + 3_600_000
    const result = await receive({ ...request(body(5, 3_600_000), { sentMs }), store, limits })
    expect(result).toMatchObject({ stored: true, samples: 5, clockOffsetMs: -3_600_000 })
    expect(result.warnings).toEqual([
      "the sender's clock is 60 min ahead of the backend's; all times were shifted by that",
    ])
    const { value } = await store.series({
      type: undefined,
      matchers: [],
      fromMs: NOW_MS - 60_000,
      toMs: NOW_MS + 60_000,
    })
    expect(value).toHaveLength(1)
  })

  it('stores old samples and says that they are old', async () => {
    const store = newStore()
    const result = await receive({ ...request(body(5, -40 * 86_400_000)), store, limits })
    expect(result.samples).toBe(5)
    expect(result.warnings).toEqual([
      expect.stringContaining('5 samples are up to 960 h old; they are stored'),
    ])
  })

  it('takes an agent’s report without profiles', async () => {
    const report = {
      host: 'h',
      agentId: 'id',
      version: '0.1.0',
      startedMs: NOW_MS - 60_000,
      reportedMs: NOW_MS,
      frequencyHz: 19,
      cpus: 2,
      expected: 100,
      idle: 50,
      received: 49,
      dropped: new Map([['ring_full', 1]]),
      stops: new Map([['root', 40]]),
    }
    const bytes = encodeOtlpProfiles({ profiles: [], report })
    const result = await receive({ ...request(bytes), store: newStore(), limits })
    expect(result.agents).toEqual([report])
    expect(result).toMatchObject({ stored: false, discarded: [] })
  })

  it.each([
    ['half a request', body(7).subarray(0, 60), 'protobuf'],
    ['bytes that are no protobuf', new Uint8Array(500).fill(0xff), 'protobuf'],
    ['protobuf as JSON', body(7), 'json'],
    ['JSON that is no request', new TextEncoder().encode('[1, 2]'), 'json'],
    ['a wrong JSON type', new TextEncoder().encode('{"resourceProfiles": 7}'), 'json'],
  ] as const)('refuses %s as invalid, and stores nothing', async (_, bytes, format) => {
    const store = newStore()
    await expect(receive({ ...request(bytes, { format }), store, limits })).rejects.toMatchObject({
      code: 'invalid',
    })
    expect((await store.stats()).rows).toBe(0)
  })

  it('takes an empty request as a success that stores nothing', async () => {
    for (const format of ['protobuf', 'json'] as const) {
      const bytes = format === 'json' ? new TextEncoder().encode('{}') : new Uint8Array()
      const result = await receive({ ...request(bytes, { format }), store: newStore(), limits })
      expect(result).toMatchObject({ stored: false, duplicate: false, rejectedProfiles: 0, discarded: [] })
    }
  })

  it('stores what another profiler sent, sample for timestamp, on any day', async () => {
    const directory = path.join(import.meta.dirname, '../../tests/fixtures/otlp')
    const store = newStore()
    let samples = 0
    for (const file of readdirSync(directory).filter((name) => name.endsWith('.pb.gz'))) {
      const bytes = new Uint8Array(gunzipSync(new Uint8Array(readFileSync(path.join(directory, file)))))
      const result = await receive({
        ...request(bytes, { receivedMs: Date.parse('2031-01-01') }),
        store,
        limits,
      })
      expect(result).toMatchObject({ stored: true, discarded: [] })
      samples += result.samples
    }
    expect(samples).toBe(4_991) // counted by a walk over the fields of the files, apart from any decoder
    expect(await stored(store)).toBe(samples)
  })
})

it('knows a request by its route and its bytes', () => {
  const bytes = new Uint8Array([1, 2, 3])
  expect(requestKey('/a', bytes)).toMatch(/^[0-9a-f]{32}$/)
  expect(requestKey('/a', bytes)).not.toBe(requestKey('/b', bytes))
  expect(requestKey('/a', bytes)).not.toBe(requestKey('/a', bytes.subarray(1)))
})

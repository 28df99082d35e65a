// The one port as strangers meet it: real HTTP, a real store in memory, queries that record what they are asked.
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import * as zlib from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { ProfileBuilder } from '#profile/model/builder'
import { asId, type StackId } from '#profile/model/ids'
import { CPU_SAMPLES } from '#profile/model/profile-type'
import { encodeOtlpProfiles } from '#profile/wire/otlp-profiles'
import { type RunningBackend, startBackend } from '../backend.ts'
import { ServiceError } from '../errors.ts'
import { receive } from '../ingest/receive.ts'
import { type Limits, limitsOf } from '../limits.ts'
import type { Service } from '../service.ts'
import { MemoryStore } from '../store/memory.ts'
import { createToken } from './tokens.ts'

const NOW_MS = Date.parse('2026-11-24T12:00:00Z')
const ROUTE = '/v1development/profiles'
const MiB = 2 ** 20

interface Bed {
  readonly backend: RunningBackend
  readonly store: MemoryStore
  /** Requests as the query service got them: [method, request, label name]. */
  readonly asked: unknown[][]
  readonly logged: string[]
  readonly viewer: string
  fail: ServiceError | Error | undefined
  nowMs: number
  /** Sends one request; the body may be anything, headers are exactly these. */
  ask(method: string, target: string, options?: AskOptions): Promise<Reply>
}
interface AskOptions {
  readonly headers?: Record<string, string>
  readonly body?: Uint8Array | string
}
interface Reply {
  readonly status: number
  readonly headers: Record<string, string | string[] | undefined>
  readonly bytes: Uint8Array
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly json: any
}

const beds: Bed[] = []
afterEach(async () => {
  for (const bed of beds.splice(0)) await bed.backend.close()
})

async function open(
  settings: Record<string, unknown> = {},
  limits: Limits = limitsOf(),
  change: (service: Service) => Service = (service) => service,
  held: Promise<void> = Promise.resolve(),
): Promise<Bed> {
  const directory = mkdtempSync(path.join(tmpdir(), 'flametrail-app-'))
  const viewer = path.join(directory, 'viewer')
  const store = new MemoryStore({ ageMs: 14 * 86_400_000 })
  const bed = {
    store,
    asked: [] as unknown[][],
    logged: [] as string[],
    viewer,
    nowMs: NOW_MS,
  } as unknown as Bed
  const record =
    (name: string) =>
    async (...request: unknown[]) => {
      if (bed.fail !== undefined) throw bed.fail
      bed.asked.push([name, ...request])
      return { kind: name, filler: 'x'.repeat(2_000) }
    }
  const service = {
    receive: (request: Parameters<Service['receive']>[0]) => receive({ ...request, store, limits }),
    ...Object.fromEntries(
      ['series', 'flame', 'iceberg', 'diff', 'top', 'quality', 'labels', 'labelValues', 'profileTypes'].map(
        (name) => [name, record(name)],
      ),
    ),
    storeStatus: async () => ({
      files: 1,
      bytes: 10,
      oldestMs: null,
      newestMs: null,
      series: 0,
      services: 0,
      hosts: 0,
      retention: { ageMs: 1, bytes: 1 },
      quarantined: [],
    }),
    close: async () => {},
  } as unknown as Service
  const backend = await startBackend(
    {
      listen: '127.0.0.1:0',
      'data-directory': directory,
      'retention-age': 1,
      'retention-size': 1,
      'token-file': '',
      'insecure-no-auth': false,
      'server-hosts': [],
      'viewer-directory': '',
      ...settings,
      limits,
    },
    {
      openService: async () => {
        await held
        return change(service)
      },
      version: '9.8.7',
      viewerDirectory: viewer,
      log: (line) => bed.logged.push(line),
      clock: () => bed.nowMs,
      random: () => 0,
    },
  )
  Object.assign(bed, {
    backend,
    ask: (method: string, target: string, options: AskOptions = {}) =>
      ask(backend.url, method, target, options),
  })
  beds.push(bed)
  return bed
}

/** Without fetch, which forbids Host and Origin and decodes paths. */
function ask(
  base: string,
  method: string,
  target: string,
  { headers = {}, body }: AskOptions,
): Promise<Reply> {
  const { hostname, port } = new URL(base)
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      { hostname, port, method, path: target, headers: { connection: 'close', ...headers } },
      (incoming) => {
        const pieces: Uint8Array[] = []
        incoming.on('data', (piece: Uint8Array) => pieces.push(new Uint8Array(piece)))
        incoming.on('end', () => {
          const raw = Uint8Array.from(pieces.flatMap((piece) => [...piece]))
          const bytes =
            incoming.headers['content-encoding'] === 'gzip' ? new Uint8Array(zlib.gunzipSync(raw)) : raw
          const text = new TextDecoder().decode(bytes)
          const isJson = (incoming.headers['content-type'] ?? '').startsWith('application/json')
          resolve({
            status: incoming.statusCode!,
            headers: incoming.headers,
            bytes,
            text,
            json: isJson && text !== '' ? JSON.parse(text) : undefined,
          })
        })
        incoming.on('error', reject)
      },
    )
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

const gzip = (body: Uint8Array) => new Uint8Array(zlib.gzipSync(body))
const PROTOBUF = { 'content-type': 'application/x-protobuf' }
const rows = async (bed: Bed) => (await bed.store.stats()).rows

/** `count` samples of service "a" at a distance from now. */
function profile(count: number, distanceMs = 0): Uint8Array {
  const builder = new ProfileBuilder()
  const location = builder.location({
    mapping: builder.mapping({ file: 'program' }),
    addressHigh: 0,
    addressLow: 4096,
    kind: 'native',
    lines: [{ function: builder.function({ name: 'main' }), line: 0 }],
  })
  const timeMs = NOW_MS + distanceMs
  builder.sample({
    stack: builder.stack(asId<StackId>(0), location),
    labelSet: builder.labelSet([['service_name', 'a']]),
    value: count,
    timeMs,
  })
  return encodeOtlpProfiles({
    profiles: [builder.build({ type: CPU_SAMPLES, period: 1e7, timeMs, durationMs: 10_000 })],
  })
}

describe('pushing OTLP profiles', () => {
  it('answers 200 when they are committed, on both paths, in the encoding of the request', async () => {
    const bed = await open()
    const plain = await bed.ask('POST', ROUTE, { headers: PROTOBUF, body: profile(1) })
    expect(plain).toMatchObject({ status: 200, text: '' })
    expect(plain.headers['content-type']).toBe('application/x-protobuf')
    expect(plain.headers['x-flametrail-version']).toBe('9.8.7')
    const packed = await bed.ask('POST', '/v1/profiles', {
      headers: { 'content-type': 'application/protobuf', 'content-encoding': 'gzip' },
      body: gzip(profile(2)),
    })
    expect(packed.status).toBe(200)
    const json = await bed.ask('POST', ROUTE, {
      headers: { 'content-type': 'application/json; charset=utf-8' },
      body: '{}',
    })
    expect(json).toMatchObject({ status: 200, text: '{}' })
    expect(await rows(bed)).toBe(2)
    const { json: status } = await bed.ask('GET', '/api/v1/status')
    expect(status.ingest).toEqual({ requests: 3, samples: 3, duplicates: 0, discarded: {} })
  })

  it('stores a repeat once, also under the other path', async () => {
    const bed = await open()
    for (const target of [ROUTE, '/v1/profiles', ROUTE])
      expect((await bed.ask('POST', target, { headers: PROTOBUF, body: profile(5) })).status).toBe(200)
    const { json } = await bed.ask('GET', '/api/v1/status')
    expect(json.ingest).toMatchObject({ requests: 3, samples: 5, duplicates: 2 })
  })

  it('says in part what it did not take, and 400 where it took nothing', async () => {
    const bed = await open()
    const refused = await bed.ask('POST', ROUTE, { headers: PROTOBUF, body: profile(4, 3_600_000) })
    expect(refused.status).toBe(400)
    expect(refused.text).toContain('4 samples refused: up to 60 min ahead')
    expect(await rows(bed)).toBe(0)
    const old = await bed.ask('POST', ROUTE, { headers: PROTOBUF, body: profile(4, -30 * 86_400_000) })
    expect(old.status).toBe(200)
    expect(old.text).toContain('they are stored')
    const { json } = await bed.ask('GET', '/api/v1/status')
    expect(json.ingest).toMatchObject({ requests: 2, samples: 4, discarded: { samples_ahead: 4 } })
  })

  it('shows what an agent says of itself, the newest word of each', async () => {
    const bed = await open()
    const report = (reportedMs: number, received: number) =>
      encodeOtlpProfiles({
        profiles: [],
        report: {
          host: 'h',
          agentId: 'id',
          version: '0.1.0',
          startedMs: NOW_MS - 60_000,
          reportedMs,
          frequencyHz: 19,
          cpus: 2,
          expected: 1_000,
          idle: 500,
          received,
          dropped: new Map([['ring_full', 30]]),
          stops: new Map([['root', 7]]),
        },
      })
    await bed.ask('POST', ROUTE, { headers: PROTOBUF, body: report(NOW_MS, 450) })
    await bed.ask('POST', ROUTE, { headers: PROTOBUF, body: report(NOW_MS - 10_000, 200) })
    const { json } = await bed.ask('GET', '/api/v1/status')
    expect(json.agents).toEqual([
      {
        host: 'h',
        agentId: 'id',
        version: '0.1.0',
        startedMs: NOW_MS - 60_000,
        lastSeenMs: NOW_MS,
        reportedMs: NOW_MS,
        frequencyHz: 19,
        cpus: 2,
        expected: 1_000,
        idle: 500,
        received: 450,
        dropped: { ring_full: 30 },
        stops: { root: 7 },
        unaccounted: 0.02,
      },
    ])
  })

  const zeros = gzip(new Uint8Array(64 * MiB))
  it.each([
    ['nothing that is gzip', PROTOBUF, 'gzip', new Uint8Array(100), 400, 'gzip'],
    ['half a gzip', PROTOBUF, 'gzip', gzip(profile(1)).subarray(0, 60), 400, 'gzip'],
    ['bytes behind a gzip', PROTOBUF, 'gzip', Uint8Array.from([...gzip(profile(1)), 1, 2, 3]), 400, 'gzip'],
    ['half a protobuf', PROTOBUF, '', profile(1).subarray(0, 50), 400, ''],
    ['no protobuf', PROTOBUF, '', new Uint8Array(2_000).fill(0xff), 400, ''],
    ['a gzip bomb', PROTOBUF, 'gzip', zeros, 413, 'limits.compressionRatio'],
    ['a body above the limit', PROTOBUF, '', new Uint8Array(5 * MiB), 413, 'limits.bodyBytes'],
    ['a gzip in a gzip', PROTOBUF, 'gzip', gzip(gzip(profile(1))), 415, 'compress it once'],
    ['two encodings', PROTOBUF, 'gzip, gzip', gzip(gzip(profile(1))), 415, 'stacks encodings'],
    ['brotli', PROTOBUF, 'br', profile(1), 415, 'br'],
    ['zstd', PROTOBUF, 'zstd', profile(1), 415, 'zstd'],
    ['another content type', { 'content-type': 'text/plain' }, '', profile(1), 415, 'text/plain'],
    ['no content type', {}, '', profile(1), 415, 'application/x-protobuf'],
    ['no JSON', { 'content-type': 'application/json' }, '', '{"a":', 400, 'JSON'],
  ] as const)('refuses %s, and stores nothing', async (_, headers, encoding, body, status, words) => {
    const bed = await open({}, limitsOf({ bodyBytes: 4 * MiB }))
    const reply = await bed.ask('POST', ROUTE, {
      headers: { ...headers, ...(encoding === '' ? {} : { 'content-encoding': encoding }) },
      body,
    })
    expect(reply.status).toBe(status)
    expect(reply.text).toContain(words)
    expect(reply.headers['accept-encoding']).toBe(status === 415 ? 'gzip, deflate' : undefined)
    expect(reply.headers['retry-after']).toBeUndefined()
    expect(await rows(bed)).toBe(0)
    const { json } = await bed.ask('GET', '/api/v1/status')
    expect(json.ingest.samples).toBe(0)
    expect(Object.keys(json.ingest.discarded)).toHaveLength(1)
    expect(bed.logged).toEqual([])
  })

  it('tells a full disk as retryable, readiness for writes with it, and nobody the words of a bug', async () => {
    let thrown: Error = new ServiceError('storage_full', 'the disk has 3 MB left', {
      key: 'limits.store.minFree',
    })
    const bed = await open({}, limitsOf(), (service) => ({
      ...service,
      receive: () => Promise.reject(thrown),
    }))
    const full = await bed.ask('POST', ROUTE, { headers: PROTOBUF, body: profile(1) })
    expect(full.status).toBe(503)
    expect(full.headers['retry-after']).toBe('5')
    expect((await bed.ask('GET', '/readyz')).status).toBe(200)
    expect(await bed.ask('GET', '/readyz?for=write')).toMatchObject({ status: 503, text: 'storage_full\n' })
    bed.nowMs += 31_000
    expect((await bed.ask('GET', '/readyz?for=write')).status).toBe(200)
    thrown = new Error('SELECT secret FROM /var/lib')
    const bug = await bed.ask('POST', ROUTE, { headers: { 'content-type': 'application/json' }, body: '{}' })
    expect(bug).toMatchObject({ status: 500, json: { code: 13 } })
    expect(bug.text).not.toContain('secret')
    expect(bed.logged.join()).toContain('SELECT secret')
  })

  it('lets go of what a client began and left, without a word in the log', async () => {
    const bed = await open()
    const socket = connect(Number(new URL(bed.backend.url).port), '127.0.0.1')
    socket.write(
      `POST ${ROUTE} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{`,
    )
    const metrics = async () => (await bed.ask('GET', '/metrics')).text
    await expect.poll(metrics).toContain('requests_inflight 1')
    socket.destroy()
    await expect.poll(metrics).toContain('requests_inflight 0')
    expect(await metrics()).toContain('ingest_requests_total{protocol="otlp",code="canceled"} 1')
    expect(bed.logged).toEqual([])
  })

  it('refuses more at once than it holds, as something time will cure', async () => {
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const bed = await open({}, limitsOf({ ingestInflight: 2 }), (service) => ({
      ...service,
      receive: async (request) => {
        await held
        return service.receive(request)
      },
    }))
    const first = [1, 2].map((count) => bed.ask('POST', ROUTE, { headers: PROTOBUF, body: profile(count) }))
    const inflight = async () => /requests_inflight (\d+)/.exec((await bed.ask('GET', '/metrics')).text)?.[1]
    await expect.poll(inflight).toBe('2')
    const third = await bed.ask('POST', ROUTE, { headers: PROTOBUF, body: profile(3) })
    expect(third.status).toBe(429)
    expect(Number(third.headers['retry-after'])).toBeGreaterThan(0)
    expect(third.text).toContain('limits.ingestInflight')
    release()
    expect((await Promise.all(first)).map(({ status }) => status)).toEqual([200, 200])
  })
})

describe('asking', () => {
  it('takes GET with repeated parameters and POST with JSON as the same request', async () => {
    const bed = await open()
    const get = await bed.ask(
      'GET',
      '/api/v1/flame?query=%7Ba%3D%22b%22%7D&maxNodes=7&path=main&path=a%3Bb&groupBy=host&from=1&to=now',
    )
    const post = await bed.ask('POST', '/api/v1/flame', {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        query: '{a="b"}',
        maxNodes: 7,
        path: ['main', 'a;b'],
        groupBy: ['host'],
        from: '1',
        to: 'now',
      }),
    })
    expect([get.status, post.status]).toEqual([200, 200])
    expect(bed.asked).toEqual(
      Array(2).fill([
        'flame',
        {
          type: 'cpu',
          query: '{a="b"}',
          from: '1',
          to: 'now',
          maxNodes: 7,
          path: ['main', 'a;b'],
          groupBy: ['host'],
        },
      ]),
    )
  })

  it('nests the sides of a diff by dots', async () => {
    const bed = await open()
    await bed.ask('GET', '/api/v1/diff?baseline.query=%7Ba%3D%221%22%7D&comparison.from=now-5m&view=iceberg')
    expect(bed.asked[0]![1]).toMatchObject({
      baseline: { query: '{a="1"}', from: 'now-1h' },
      comparison: { query: '{}', from: 'now-5m' },
      view: 'iceberg',
    })
  })

  it('reaches every query there is', async () => {
    const bed = await open()
    for (const target of [
      'series?group=host',
      'iceberg',
      'top?sort=total',
      'quality?group=host',
      'labels?prefix=a',
      'labels/k8s.pod%2Fname/values',
      'profile-types',
    ])
      expect((await bed.ask('GET', `/api/v1/${target}`)).status).toBe(200)
    expect(bed.asked.map(([name]) => name)).toEqual([
      'series',
      'iceberg',
      'top',
      'quality',
      'labels',
      'labelValues',
      'profileTypes',
    ])
    expect(bed.asked[5]![1]).toBe('k8s.pod/name')
  })

  it.each([
    [
      'flame?focus=x',
      400,
      'unknown field "focus"; /api/v1/flame takes type, query, from, to, maxNodes, path, groupBy',
    ],
    [
      'diff?baseline.x=1&comparison.query=%7B%7D',
      400,
      'unknown field "baseline.x"; /api/v1/diff takes type, query, from, to',
    ],
    ['diff', 400, 'baseline'],
    ['flame?query=a&query=b', 400, 'parameter query is given 2 times; give it once'],
    ['flame?maxNodes=many', 400, 'field maxNodes'],
    ['flame?maxNodes=0', 400, 'field maxNodes'],
    ['flame?maxNodes=1000000000', 422, 'limits.maxNodes'],
    ['series?step=0', 400, 'field step'],
    ['series?step=-1', 400, 'field step'],
    ['series?step=NaN', 400, 'field step'],
    ['top?sort=name', 400, 'field sort'],
    [`flame?query=${'x'.repeat(8_193)}`, 400, 'field query'],
    ['flame?__proto__=1', 400, 'unknown field "__proto__"'],
    ['flame?constructor=1', 400, 'unknown field "constructor"'],
    ['status?verbose=1', 400, 'unknown field "verbose"; /api/v1/status takes no fields'],
    ['labels//values', 400, 'a label name has'],
    ['labels/%E0%A4%A/values', 404, 'nothing is served at'],
  ])('refuses GET %s with %i', async (target, status, words) => {
    const bed = await open()
    const reply = await bed.ask('GET', `/api/v1/${target}`)
    expect(reply.status).toBe(status)
    expect(reply.json.error.message).toContain(words)
    expect(bed.asked).toEqual([])
  })

  it.each([
    ['[]', 'application/json', 400, 'the body must be an object of fields'],
    ['7', 'application/json', 400, 'the body must be an object of fields'],
    ['{"query": 7}', 'application/json', 400, 'field query'],
    ['{"query": "{}", "x": {}}', 'application/json', 400, 'unknown field "x"'],
    ['{"__proto__": {"query": "{}"}}', 'application/json', 400, 'unknown field "__proto__"'],
    ['{"path": "main"}', 'application/json', 400, 'field path'],
    ['{', 'application/json', 400, 'the body is no JSON'],
    ['\u0000', 'application/json', 400, 'the body is no JSON'],
    ['query=x', 'application/x-www-form-urlencoded', 415, 'application/json'],
  ])('refuses POST %s as %s', async (body, type, status, words) => {
    const bed = await open()
    const reply = await bed.ask('POST', '/api/v1/flame', { headers: { 'content-type': type }, body })
    expect(reply.status).toBe(status)
    expect(reply.json.error.message).toContain(words)
    expect(bed.asked).toEqual([])
  })

  it.each([
    [new ServiceError('invalid', 'unclosed string at 14', { position: 14 }), 400],
    [new ServiceError('limit', 'too many points', { key: 'limits.seriesPoints' }), 422],
    [new ServiceError('not_found', 'no such path'), 404],
    [new ServiceError('deadline', 'after 25 s'), 504],
    [new ServiceError('queue_full', 'later', { retryAfterS: 7 }), 429],
  ])('passes on %s', async (error, status) => {
    const bed = await open()
    bed.fail = error
    const reply = await bed.ask('GET', '/api/v1/top')
    expect(reply.status).toBe(status)
    expect(reply.json).toEqual(error.toAnswer())
    expect(reply.headers['retry-after']).toBe(status === 429 ? '7' : status === 504 ? '5' : undefined)
  })

  it('refuses a query of a megabyte and what waits beyond the queue', async () => {
    const bed = await open({}, limitsOf({ queriesRunning: 1, 'query.queue': 1 }), (service) => ({
      ...service,
      top: () => held.then(() => ({}) as never),
    }))
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const large = JSON.stringify({ query: 'x'.repeat(MiB) })
    const headers = { 'content-type': 'application/json' }
    expect((await bed.ask('POST', '/api/v1/top', { headers, body: large })).json.error.message).toContain(
      'at most 1048576 bytes',
    )
    const two = [1, 2].map(() => bed.ask('GET', '/api/v1/top'))
    await expect.poll(async () => (await bed.ask('GET', '/metrics')).text).toContain('query_waiting 2')
    const third = await bed.ask('GET', '/api/v1/flame')
    expect(third).toMatchObject({
      status: 429,
      json: { error: { code: 'queue_full', key: 'limits.query.queue' } },
    })
    release()
    await Promise.all(two)
  })

  it('keeps the names of its metrics', async () => {
    const bed = await open()
    await bed.ask('POST', ROUTE, { headers: PROTOBUF, body: profile(1) })
    const { text } = await bed.ask('GET', '/metrics')
    const names = text.split('\n').filter((line) => line.startsWith('# TYPE flametrail_backend_'))
    expect(names.map((line) => line.slice('# TYPE flametrail_backend_'.length))).toEqual([
      'build_info gauge',
      'insecure gauge',
      'event_loop_lag_seconds gauge',
      'auth_failures_total counter',
      'ingest_requests_total counter',
      'ingest_samples_total counter',
      'duplicates_total counter',
      'discarded_total counter',
      'cut_total counter',
      'ack_seconds histogram',
      'requests_inflight gauge',
      'senders gauge',
      'clock_offset_seconds_max gauge',
      'query_total counter',
      'query_seconds histogram',
      'query_waiting gauge',
      'store_bytes gauge',
      'store_files gauge',
      'store_oldest_seconds gauge',
      'store_writable gauge',
      'series_active gauge',
      'quarantined_total counter',
    ])
    // Every line is a comment, nothing, or a name with labels and a number.
    const line = /^(#.*|[a-z_]+(\{[a-z]+="[^"\n]*"(,[a-z]+="[^"\n]*")*\})? (NaN|[0-9.e+-]+))?$/
    for (const one of text.split('\n')) expect(one).toMatch(line)
  })

  it('compresses from 1 KiB when asked to, and never when refused', async () => {
    const bed = await open()
    const encoding = async (accept: string, target = '/api/v1/top') =>
      (await bed.ask('GET', target, { headers: { 'accept-encoding': accept } })).headers['content-encoding']
    expect(await encoding('br, gzip')).toBe('gzip')
    expect(await encoding('*')).toBe('gzip')
    expect(await encoding('gzip;q=0')).toBeUndefined()
    expect(await encoding('br')).toBeUndefined()
    expect(await encoding('gzip', '/healthz')).toBeUndefined()
  })

  it('knows paths from methods', async () => {
    const bed = await open()
    const wrong = await bed.ask('GET', ROUTE)
    expect(wrong.status).toBe(405)
    expect(wrong.headers.allow).toBe('POST')
    expect((await bed.ask('DELETE', '/api/v1/flame')).headers.allow).toBe('GET, POST')
    expect((await bed.ask('OPTIONS', '/api/v1/flame')).status).toBe(405)
    expect((await bed.ask('GET', '/api/v1/nothing')).status).toBe(404)
    expect((await bed.ask('GET', '/api/v2/flame')).status).toBe(404)
    expect(await bed.ask('HEAD', '/healthz')).toMatchObject({ status: 200, text: '' })
  })
})

describe('without tokens, on loopback', () => {
  it.each([
    [{ host: 'evil.example' }, 'evil.example'],
    [{ host: 'evil.example:4040' }, '--server-hosts evil.example'],
    [{ origin: 'http://evil.example' }, 'another origin'],
    [{ origin: 'null' }, 'another origin'],
    [{ 'sec-fetch-site': 'cross-site' }, 'another site'],
    [{ 'x-scope-orgid': '../../x' }, 'X-Scope-OrgID'],
  ])('refuses a request with %j everywhere but at health, and stores nothing', async (headers, words) => {
    const bed = await open()
    const pushed = await bed.ask('POST', ROUTE, {
      headers: { 'content-type': 'application/json', ...headers },
      body: '{}',
    })
    expect(pushed.status).toBe(403)
    expect(pushed.json).toMatchObject({ code: 7, message: expect.stringContaining(words) })
    for (const route of bed.backend.app.routes) {
      if (route.scope === 'none') continue
      const target = route.path.replace('{name}', 'x').replace('*', 'x.js')
      expect((await bed.ask(route.method, target, { headers })).status).toBe(403)
    }
    expect(await rows(bed)).toBe(0)
    expect(bed.asked).toEqual([])
  })

  it('takes a name that the operator added', async () => {
    const bed = await open({ 'server-hosts': ['profiles.example.net'] })
    const reply = await bed.ask('GET', '/api/v1/top', { headers: { host: 'profiles.example.net' } })
    expect(reply.status).toBe(200)
  })

  it.each(['0.0.0.0:0', '[::]:0', ':0'])('does not listen on %s', async (listen) => {
    await expect(open({ listen })).rejects.toThrow(/token create.*--insecure-no-auth/)
  })

  it('listens off loopback on the operator’s word, and says so in log and metric', async () => {
    const bed = await open({ listen: '0.0.0.0:0', 'insecure-no-auth': true })
    expect(bed.logged.join()).toContain('--insecure-no-auth')
    const metrics = await ask(bed.backend.url.replace('0.0.0.0', '127.0.0.1'), 'GET', '/metrics', {
      headers: { host: 'anything' },
    })
    expect(metrics.text).toContain('flametrail_backend_insecure 1')
  })
})

describe('with tokens', () => {
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'flametrail-app-')), 'tokens')
  const tokens = new Map(
    ['read', 'write', 'metrics', 'admin'].map((scope) => [
      scope,
      createToken({ file, scopes: [scope] }).token,
    ]),
  )
  const bearer = (scope: string) => ({ authorization: `Bearer ${tokens.get(scope)}` })
  const guarded = () => open({ 'token-file': file })

  it('asks for one on every route but health, and tells strangers no version', async () => {
    const bed = await guarded()
    expect(bed.backend.app.routes.length).toBeGreaterThan(25)
    for (const route of bed.backend.app.routes) {
      const target = route.path.replace('{name}', 'x').replace('*', 'x.js')
      const reply = await bed.ask(route.method, target)
      expect([target, reply.status]).toEqual([target, route.scope === 'none' ? 200 : 401])
      expect(reply.headers['x-flametrail-version']).toBe('flametrail')
      if (route.scope === 'none') expect(reply.text).toBe('ok\n')
    }
    expect((await bed.ask('GET', '/api/v1/nothing')).status).toBe(401)
    expect(await rows(bed)).toBe(0)
  })

  it('lets each scope do its own and nothing else', async () => {
    const bed = await guarded()
    const status = async (scope: string, method: string, target: string, body?: Uint8Array) =>
      (await bed.ask(method, target, { headers: { ...bearer(scope), ...PROTOBUF }, ...(body && { body }) }))
        .status
    for (const scope of tokens.keys()) {
      expect(await status(scope, 'GET', '/api/v1/top')).toBe(scope === 'read' ? 200 : 403)
      expect(await status(scope, 'POST', ROUTE, profile(1))).toBe(scope === 'write' ? 200 : 403)
      expect(await status(scope, 'GET', '/metrics')).toBe(scope === 'metrics' ? 200 : 403)
      expect(await status(scope, 'GET', '/api/v1/nothing')).toBe(404)
    }
    const refused = await bed.ask('GET', '/api/v1/top', { headers: bearer('write') })
    expect(refused.json.error.message).toMatch(/has scope write; this route wants scope read/)
    expect(refused.headers['x-flametrail-version']).toBe('flametrail')
  })

  it('gives a browser a page to sign in, and a cookie that only its own pages send', async () => {
    const bed = await guarded()
    const page = await bed.ask('GET', '/', { headers: { accept: 'text/html,*/*' } })
    expect(page.status).toBe(401)
    expect(page.text).toContain('action="/api/v1/login"')
    const signIn = (token: string, more = {}) =>
      bed.ask('POST', '/api/v1/login', {
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...more },
        body: new URLSearchParams({ token }).toString(),
      })
    const wrong = await signIn(`flt_aaaaaaaaaaaa_${'w'.repeat(43)}`)
    expect(wrong.status).toBe(401)
    expect(wrong.text).toContain('not valid')
    expect(wrong.headers['set-cookie']).toBeUndefined()
    expect((await signIn(tokens.get('read')!, { origin: 'http://evil.example' })).status).toBe(403)
    expect((await signIn('a; Domain=evil.example')).status).toBe(401)
    const right = await signIn(tokens.get('read')!)
    expect(right).toMatchObject({ status: 303, headers: { location: '/' } })
    const [cookie] = right.headers['set-cookie'] as string[]
    expect(cookie).toMatch(/; HttpOnly; SameSite=Strict/)
    const headers = { cookie: cookie!.split(';')[0]! }
    expect((await bed.ask('GET', '/api/v1/top', { headers })).status).toBe(200)
    expect(
      (await bed.ask('GET', '/api/v1/top', { headers: { ...headers, 'sec-fetch-site': 'cross-site' } }))
        .status,
    ).toBe(403)
  })

  it('counts wrong tokens, and never repeats a secret in answers, metrics or log', async () => {
    const bed = await guarded()
    const secret = 's'.repeat(43)
    const statuses: number[] = []
    let said = ''
    for (let i = 0; i < 12; i++) {
      const reply = await bed.ask('GET', '/api/v1/top', {
        headers: { authorization: `Bearer flt_aaaaaaaaaaaa_${secret}` },
      })
      statuses.push(reply.status)
      said += reply.text
    }
    expect(statuses).toEqual([...Array(10).fill(401), 429, 429])
    expect((await bed.ask('GET', '/api/v1/top', { headers: bearer('read') })).status).toBe(200)
    const metrics = await bed.ask('GET', '/metrics', { headers: bearer('metrics') })
    expect(metrics.text).toContain('flametrail_backend_auth_failures_total 12')
    const everything = said + metrics.text + bed.logged.join()
    expect(everything).not.toContain(secret)
    expect(bed.logged.length).toBe(10)
    expect(bed.logged[0]).toBe('audit: refused a token (aaaaaaaaaaaa) from 127.0.0.1')
    for (const token of tokens.values()) expect(everything).not.toContain(token.slice(17))
  })

  it('does not start with a file that is missing or that others can read', async () => {
    await expect(open({ 'token-file': `${file}x` })).rejects.toThrow(/does not exist; make one with/)
  })
})

describe('the viewer', () => {
  const built = async () => {
    const bed = await open()
    mkdirSync(path.join(bed.viewer, 'assets'), { recursive: true })
    const write = (name: string, text: string | Uint8Array) =>
      writeFileSync(path.join(bed.viewer, name), text)
    write('index.html', '<!doctype html><p>viewer</p>')
    write('assets/app.0123abcd.js', 'plain()')
    write('assets/app.0123abcd.js.gz', gzip(new TextEncoder().encode('packed()')))
    write('data.bin', 'of no known type')
    writeFileSync(path.join(bed.viewer, '..', 'secret.txt'), 'secret')
    symlinkSync(path.join(bed.viewer, '..', 'secret.txt'), path.join(bed.viewer, 'link.txt'))
    return bed
  }

  it('says in a sentence that it is not built yet, and looks again', async () => {
    const bed = await open()
    const reply = await bed.ask('GET', '/')
    expect(reply.status).toBe(503)
    expect(reply.text).toContain('npm run build')
    expect(reply.text).toContain('http-equiv="refresh"')
  })

  it('serves its files with type, tag and lasting names, packed where there is a packed one', async () => {
    const bed = await built()
    const page = await bed.ask('GET', '/')
    expect(page.text).toContain('viewer')
    expect(page.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
    })
    const again = await bed.ask('GET', '/', { headers: { 'if-none-match': String(page.headers.etag) } })
    expect(again).toMatchObject({ status: 304, text: '' })
    const script = await bed.ask('GET', '/assets/app.0123abcd.js')
    expect(script.text).toBe('plain()')
    expect(script.headers['cache-control']).toContain('immutable')
    const packed = await bed.ask('GET', '/assets/app.0123abcd.js', { headers: { 'accept-encoding': 'gzip' } })
    expect(packed.text).toBe('packed()')
    expect(packed.headers['content-type']).toBe('text/javascript; charset=utf-8')
  })

  it.each([
    ['/../secret.txt', 400],
    ['/assets/../../secret.txt', 400],
    ['/%2e%2e/secret.txt', 400],
    ['/..%2fsecret.txt', 400],
    ['/%252e%252e/secret.txt', 400],
    ['/assets/..\\..\\secret.txt', 400],
    ['/assets%00.js', 400],
    ['//etc/passwd', 400],
    ['/.hidden', 400],
    ['/assets/', 400],
    ['/link.txt', 404],
    ['/assets', 404],
    ['/data.bin', 404],
    ['/nothing.js', 404],
  ])('does not leave its directory for %s', async (target, status) => {
    const bed = await built()
    const reply = await bed.ask('GET', target)
    expect(reply.status).toBe(status)
    expect(reply.text).not.toContain('secret\n')
    expect(reply.text).not.toBe('secret')
  })
})

describe('its life', () => {
  it('answers as starting until the store is open', async () => {
    const port = await freePort()
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const opening = open({ listen: `127.0.0.1:${port}` }, limitsOf(), (service) => service, held)
    const early = (method: string, target: string) => ask(`http://127.0.0.1:${port}`, method, target, {})
    await expect
      .poll(() =>
        early('GET', '/readyz').then(
          ({ status }) => status,
          () => 0,
        ),
      )
      .toBe(503)
    expect((await early('GET', '/readyz')).text).toBe('starting\n')
    expect((await early('GET', '/healthz')).status).toBe(200)
    const top = await early('GET', '/api/v1/top')
    expect(top).toMatchObject({ status: 503, json: { error: { code: 'starting' } } })
    expect(top.headers['retry-after']).toBe('1')
    release()
    const bed = await opening
    expect((await bed.ask('GET', '/readyz')).text).toBe('ok\n')
  })

  it('finishes what it has begun when told to stop, then closes its store', async () => {
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const order: string[] = []
    const bed = await open({}, limitsOf(), (service) => ({
      ...service,
      receive: async (request) => {
        order.push('begun')
        await held
        return service.receive(request)
      },
      close: async () => {
        order.push('closed')
      },
    }))
    const pushing = bed.ask('POST', ROUTE, { headers: PROTOBUF, body: profile(1) })
    await expect.poll(() => order.length).toBe(1)
    const closing = bed.backend.close()
    await expect(bed.ask('GET', '/healthz')).rejects.toThrow('ECONNREFUSED')
    release()
    expect((await pushing).status).toBe(200)
    await closing
    expect(order).toEqual(['begun', 'closed'])
  })

  it('names a port that is taken, and how to choose another', async () => {
    const bed = await open()
    const { port } = new URL(bed.backend.url)
    await expect(open({ listen: `127.0.0.1:${port}` })).rejects.toThrow(
      `port ${port} on 127.0.0.1 is taken by another program; choose another with --listen`,
    )
  })

  it('closes what never becomes a request', async () => {
    const bed = await open({}, limitsOf({ headerTimeout: 300 }))
    const said = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(new URL(bed.backend.url).port), '127.0.0.1')
      let text = ''
      socket.on('data', (piece) => {
        text += piece
      })
      socket.on('close', () => resolve(text))
      socket.on('error', reject)
      socket.write('POST /v1/profiles HTTP/1.1\r\nHost: local')
    })
    expect(said).toContain('408')
    expect(said).toContain('limits.headerTimeout')
  })
})

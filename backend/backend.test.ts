// The whole backend in one process, over a store in memory: from the bytes of another profiler to answers.
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LabelsAnswer, SERVER_HEADER, type TopAnswer, type TreeAnswer } from '#profile/wire/query-api'
import { type RunningBackend, startBackend } from './backend.ts'
import { receive } from './ingest/receive.ts'
import { limitsOf } from './limits.ts'
import { createQueryService } from './query/service.ts'
import { MemoryStore } from './store/memory.ts'

const fixtures = path.join(import.meta.dirname, '../tests/fixtures/otlp')
const RECORDED = { from: '2026-11-24T00:00:00Z', to: '2026-11-25T00:00:00Z' }
const retention = { ageMs: 14 * 86_400_000, bytes: 2 ** 30 }
let backend: RunningBackend

beforeAll(async () => {
  const store = new MemoryStore(retention)
  const limits = limitsOf()
  backend = await startBackend(
    {
      listen: '127.0.0.1:0',
      'data-directory': '',
      'retention-age': retention.ageMs,
      'retention-size': retention.bytes,
      'token-file': '',
      'insecure-no-auth': false,
      'server-hosts': [],
      'viewer-directory': '',
      limits,
    },
    {
      openService: async () => ({
        ...createQueryService({ store, limits, retention, clock: Date.now }),
        receive: (request) => receive({ ...request, store, limits }),
        close: () => store.close(),
      }),
      version: '0.1.0',
      viewerDirectory: mkdtempSync(path.join(tmpdir(), 'flametrail-backend-')),
      log: (line) => {
        throw new Error(line)
      },
    },
  )
})
afterAll(() => backend.close())

const query = async <T>(route: string, fields: object) => {
  const response = await fetch(`${backend.url}/api/v1/${route}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...RECORDED, ...fields }),
  })
  expect(response.headers.get(SERVER_HEADER)).toBe('0.1.0')
  return { status: response.status, answer: (await response.json()) as T }
}

describe('another profiler’s requests', () => {
  it('are stored sample for timestamp, once, and named from the executable', async () => {
    const files = readdirSync(fixtures).filter((name) => name.endsWith('.pb.gz'))
    for (const file of [...files, ...files]) {
      const response = await fetch(`${backend.url}/v1development/profiles`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'gzip' },
        body: new Uint8Array(readFileSync(path.join(fixtures, file))),
      })
      expect(response.status).toBe(200)
    }
    const top = await query<TopAnswer>('top', { limit: 10_000 })
    expect(top.answer.meta.samples).toBe(4_991)
    const services = await query<LabelsAnswer>('labels/service_name/values', {})
    expect(services.answer.names).toEqual(expect.arrayContaining(['node', 'python3.11']))
  })

  it('show their stacks', async () => {
    const { answer } = await query<TreeAnswer>('flame', { query: '{service_name="node"}', maxNodes: 50_000 })
    expect(answer.meta.samples).toBeGreaterThan(0)
    expect(answer.total[0]).toBeGreaterThan(answer.meta.samples)
    expect(answer.frames.name.length).toBeGreaterThan(50)
  })
})

describe('selectors', () => {
  it('are refused at the place of their error', async () => {
    const { status, answer } = await query<{ error: unknown }>('flame', { query: '{service_name="api}' })
    expect(status).toBe(400)
    expect(answer.error).toMatchObject({ code: 'invalid', position: 14 })
  })

  it.each([
    ['a regex that backtracks elsewhere', '{service_name=~"(a+)+$"}', 200],
    ['a regex for everything', '{service_name=~".*"}', 200],
    ['a regex of a million states', '{service_name=~"(x{1000}){1000}"}', 400],
    ['a regex that is too long', `{service_name=~"${'x'.repeat(5_000)}"}`, 400],
    ['a look-ahead', '{service_name=~"(?=x)"}', 400],
    ['SQL in a value', String.raw`{service_name="\"; DROP TABLE samples; --"}`, 200],
    ['SQL around a value', `{service_name='x' OR 1=1}`, 400],
    ['a NUL byte in a value', '{service_name="a\u0000b"}', 200],
    ['names of object properties', '{__proto__="x",constructor="y",toString=""}', 200],
    ['many matchers', `{${Array(65).fill('a="b"').join(',')}}`, 400],
  ])('%s', async (_, selector, status) => {
    const { status: got, answer } = await query<TreeAnswer>('flame', { query: selector })
    expect([got, got === 200 ? '' : (answer as unknown as { error: { code: string } }).error.code]).toEqual([
      status,
      status === 200 ? '' : 'invalid',
    ])
  })

  it.each([
    ['series', { step: 0.001 }, 400],
    ['series', { from: 0, step: 1 }, 422],
    ['flame', { from: 'soon' }, 400],
    ['flame', { type: 'cpu:cpu' }, 400],
    ['flame', { from: 'now', to: 'now-1h' }, 400],
  ])('%s with %j', async (route, fields, status) => {
    expect((await query(route, fields)).status).toBe(status)
  })
})

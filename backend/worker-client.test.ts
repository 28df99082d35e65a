// The store's thread and process as they are in the product: bundled, spoken to by messages, killed.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { CPU } from '#profile/model/profile-type'
import { encodeOtlpProfiles } from '#profile/wire/otlp-profiles'
import { LabelsRequest, TreeRequest } from '#profile/wire/query-api'
import { limitsOf } from './limits.ts'
import { openDuckDbStore } from './store/duckdb/duckdb-store.ts'
import { bundle } from './testing/bundle.ts'
import { profileOfRequest } from './testing/numbered-request.ts'
import { createStoreClient } from './worker-client.ts'

let programs: Awaited<ReturnType<typeof bundle>>
beforeAll(async () => {
  programs = await bundle({
    worker: './backend/testing/mortal-worker.ts',
    'append-loop': './backend/testing/append-loop.ts',
  })
})
afterAll(() => programs.remove())

let directory: string
let lines: string[]
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'flametrail-worker-'))
  lines = []
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const openClient = (overrides: Record<string, number> = {}) =>
  createStoreClient({
    workerUrl: programs.urls.worker!,
    dataDirectory: directory,
    limits: limitsOf({ 'store.minFree': 1, ...overrides }),
    retention: { ageMs: 1e12, bytes: 2 ** 40 },
    log: (line) => lines.push(line),
  })
const push = (i: number) => ({
  route: '/v1development/profiles',
  body: encodeOtlpProfiles({ profiles: [profileOfRequest(i, Date.now())] }),
  format: 'protobuf' as const,
  receivedMs: Date.now(),
  sentMs: undefined,
})
const everything = TreeRequest.parse({ from: 'now-10m', to: 'now+10m' })

describe('the client of the worker', () => {
  it('takes requests in, answers questions and lets go at the end', async () => {
    const client = await openClient()
    expect(await client.receive(push(1))).toMatchObject({ stored: true })
    const answer = await client.flame(everything)
    expect(answer.frames.name).toContain('f1')
    expect(answer.total[0]).toBe(2)
    expect(await client.storeStatus()).toMatchObject({ files: 1, series: 1 })
    await client.close()
    await client.close()
    await expect(client.flame(everything)).rejects.toMatchObject({ code: 'stopping' })
    const again = await openClient()
    expect((await again.flame(everything)).total[0]).toBe(2)
    await again.close()
  })

  it('moves bodies and leaves a pool that others use alone', async () => {
    const client = await openClient()
    const { body, ...rest } = push(1)
    const pool = Buffer.alloc(body.length + 20, 7)
    pool.set(body, 10)
    expect(await client.receive({ ...rest, body: pool.subarray(10, 10 + body.length) })).toMatchObject({
      stored: true,
    })
    expect(pool[0]).toBe(7)
    await client.close()
  })

  it('brings refusals across as they were', async () => {
    const client = await openClient()
    const refused = client.flame(TreeRequest.parse({ query: '{a="b" c' }))
    await expect(refused).rejects.toMatchObject({ code: 'invalid', detail: { position: 7, key: 'query' } })
    await expect(client.receive({ ...push(1), body: Buffer.from('nonsense') })).rejects.toMatchObject({
      code: 'invalid',
    })
    await client.close()
  })

  it('refuses a directory that is not ours with its sentence', async () => {
    writeFileSync(path.join(directory, 'thesis.tex'), '')
    await expect(openClient()).rejects.toThrow('holds "thesis.tex" and is not a Flametrail data directory')
  })

  it('tells whoever waits when the thread dies, and opens the store again', async () => {
    const client = await openClient()
    await client.receive(push(1))
    const dying = client.labelValues('die', LabelsRequest.parse({}))
    const beside = client.receive(push(2))
    await expect(dying).rejects.toMatchObject({ code: 'internal' })
    await expect(beside).rejects.toMatchObject({ code: 'starting', isRetryable: true })
    await expect(client.flame(everything)).rejects.toMatchObject({ code: 'starting' })
    await until(() => lines.includes('the store is open again'))
    expect(lines.join('\n')).toContain('ended with code 7')
    await client.receive(push(3))
    const answer = await client.flame(everything)
    expect(answer.frames.name).toEqual(expect.arrayContaining(['f1', 'f3']))
    await client.close()
  })
})

describe('kill -9', () => {
  it('loses nothing that was acknowledged and stores nothing twice', async () => {
    const acknowledged = new Set<number>()
    for (let round = 0; round < 4; round++) {
      const first = round * 1_000_000
      const child = spawn(process.execPath, [
        fileURLToPath(programs.urls['append-loop']!),
        directory,
        String(first),
      ])
      let text = ''
      child.stdout.on('data', (bytes: Buffer) => {
        text += bytes.toString()
      })
      let talk = ''
      child.stderr.on('data', (bytes: Buffer) => {
        talk += bytes.toString()
      })
      const gone = new Promise((resolve) => child.on('close', resolve))
      const enough = 1 + Math.floor(Math.random() * 60)
      await until(() => text.split('\n').length > enough)
      child.kill('SIGKILL')
      await gone
      expect(talk).toBe('')
      const heard = text.split('\n').slice(0, -1).map(Number)
      for (const i of heard) acknowledged.add(i)

      const stored = await storedValues()
      for (const i of acknowledged) expect(stored.get(`f${i}`)).toBe(i + 1)
      // What was under way may be there too, whole, and at most the four that ran at once.
      const extra = [...stored.keys()]
        .map((name) => Number(name.slice(1)))
        .filter((i) => !acknowledged.has(i))
      expect(extra.length).toBeLessThanOrEqual(4 * (round + 1))
      for (const i of extra) expect(stored.get(`f${i}`)).toBe(i + 1)
      for (const i of extra) acknowledged.add(i)
    }
  }, 60_000)
})

/** Function → value of all that is stored; every request is then sent again, and none is stored twice. */
async function storedValues(): Promise<Map<string, number>> {
  const store = await openDuckDbStore({
    directory,
    limits: limitsOf({ 'store.minFree': 1 }),
    retention: { ageMs: 1e12, bytes: 2 ** 40 },
    nowMs: Date.now(),
    report: (line) => expect.fail(line),
  })
  const ask = async () => {
    const range = { fromMs: 0, toMs: Date.now() + 1e6 }
    const { value, unreadable } = await store.stackSums({ type: CPU, matchers: [], ...range, groupBy: [] })
    expect(unreadable).toEqual([])
    const values = new Map<string, number>()
    for (const { trie, groups } of value)
      for (const { node, sum } of groups)
        node.forEach((id, i) => {
          const name = trie.frames.name[trie.frame[id]!]!
          values.set(name, (values.get(name) ?? 0) + sum[i]!)
        })
    return values
  }
  const values = await ask()
  for (const name of values.keys()) {
    const i = Number(name.slice(1))
    const key = i.toString(16).padStart(32, '0')
    const receivedMs = Date.now()
    const again = await store.append({ key, profiles: [profileOfRequest(i, receivedMs)], receivedMs })
    expect(again.stored).toBe(false)
  }
  expect(await ask()).toEqual(values)
  await store.close()
  return values
}

async function until(condition: () => boolean): Promise<void> {
  for (let waited = 0; !condition(); waited += 10) {
    if (waited > 20_000) throw new Error('waited 20 s in vain')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

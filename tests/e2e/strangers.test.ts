// Another profiler's own bytes, as they came over its wire: accepted as they are.
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import type { LabelsAnswer, TopAnswer, TreeAnswer } from '#profile/wire/query-api'
import { root, startStream } from './stream.ts'

const directory = path.join(root, 'tests/fixtures/otlp')
const RECORDED_FROM = '2026-11-01T00:00:00Z'
const files = readdirSync(directory).filter((name) => name.endsWith('.pb.gz'))

it('stores every sample of the recorded requests, names services by executable, and shows their stacks', async () => {
  expect(files).toHaveLength(8)
  await using stream = await startStream()
  for (const file of files) {
    const response = await fetch(`${stream.url}/v1development/profiles`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'gzip' },
      body: readFileSync(path.join(directory, file)) as Uint8Array<ArrayBuffer>,
    })
    expect(response.status, await response.text()).toBe(200)
  }
  const range = { from: RECORDED_FROM, to: 'now', type: 'cpu' }
  const top = await stream.query<TopAnswer>('top', { ...range, limit: 1000 })
  const status = await stream.status()
  expect(status.ingest.samples).toBeGreaterThan(0)
  expect(top.meta.samples).toBe(status.ingest.samples)
  const services = (await (
    await fetch(`${stream.url}/api/v1/labels/service_name/values?from=${RECORDED_FROM}&to=now`)
  ).json()) as LabelsAnswer
  expect(services.names).toContain('node')
  const flame = await stream.query<TreeAnswer>('flame', {
    ...range,
    query: '{service_name="node"}',
    maxNodes: 100_000,
  })
  expect(flame.meta.samples).toBeGreaterThan(0)
  expect(flame.frames.name.length).toBeGreaterThan(10)
})

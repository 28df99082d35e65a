import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { labelsOf } from '#profile/model/labels'
import type { Profile } from '#profile/model/profile'
import { CPU_SAMPLES } from '#profile/model/profile-type'
import type { Result } from '#profile/model/result'
import { arbProfile } from '#profile/testing/arbitrary'
import { drawDiff, drawTree, profileFromText } from '#profile/testing/draw'
import { naiveFrame, stacksOfTree, tidy } from '#profile/testing/naive'
import { buildTreeOfProfile, emptyTree } from '#profile/tree/build'
import type { CallTree } from '#profile/tree/call-tree'
import { parseFolded } from '#profile/wire/folded'
import { decodeOtlpProfiles } from '#profile/wire/otlp-profiles'
import { decodePprof } from '#profile/wire/pprof'
import * as api from '#profile/wire/query-api'
import { diffFromJson, treeFromJson } from '#profile/wire/tree-answer'
import { limitsOf } from '../limits.ts'
import { MemoryStore } from '../store/memory.ts'
import type { DrawPicture, PictureOf } from './query-service.ts'
import { createQueryService } from './service.ts'

const START = 1_700_000_000_000
const NOW = START + 600_000
const PERIOD = 52_631_579
const retention = { ageMs: 86_400_000, bytes: 2 ** 40 }
const limits = limitsOf()
const RANGE = { from: START, to: START + 30_000 }

async function serviceOver(
  profiles: readonly Profile[],
  overrides: Record<string, number> = {},
  drawPicture?: DrawPicture,
) {
  const store = new MemoryStore(retention)
  for (const [i, profile] of profiles.entries())
    await store.append({ key: i.toString(16).padStart(32, '0'), profiles: [profile], receivedMs: NOW })
  return createQueryService({
    store,
    limits: limitsOf(overrides),
    retention,
    clock: () => NOW,
    ...(drawPicture && { drawPicture }),
  })
}
const request = (fields: Omit<api.ExportRequest, 'from' | 'to'>) =>
  api.ExportRequest.parse({ ...RANGE, ...fields })
const text = (body: Uint8Array) => new TextDecoder().decode(body)
function sure<T>(result: Result<T>): T {
  if (result.ok) return result.value
  throw new Error(result.error.message)
}

/** At most one profile comes back; without samples there is none. */
const treeOf = ([profile]: readonly Profile[]) =>
  profile === undefined ? emptyTree() : buildTreeOfProfile(profile)
const withoutKind = (tree: CallTree): CallTree => ({
  ...tree,
  frames: { ...tree.frames, kind: tree.frames.kind.map(() => '') },
})

const SHOP = profileFromText('main main\nread work\n3    1', {
  labels: labelsOf([['service_name', 'api']]),
})
const LATER = profileFromText('main main\nread work\n2    2', {
  labels: labelsOf([['service_name', 'api']]),
  timeMs: START + 10_000,
})
const sides = {
  baseline: { from: START, to: START + 10_000 },
  comparison: { from: START + 10_000, to: START + 20_000 },
}

describe('exportFile', () => {
  it('gives any query back through every lossless format', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(arbProfile(), { minLength: 1, maxLength: 3 }), async (profiles) => {
        const service = await serviceOver(profiles)
        const flame = await service.flame(api.TreeRequest.parse({ ...RANGE, maxNodes: 1_000_000 }))
        const { tree, meta } = sure(treeFromJson(flame))

        const json = await service.exportFile(request({ format: 'json' }))
        expect(sure(treeFromJson(JSON.parse(text(json.body)))).tree).toEqual(tree)

        const otlp = await service.exportFile(request({ format: 'otlp' }))
        const decoded = sure(decodeOtlpProfiles(otlp.body, { limits, receivedMs: NOW }))
        expect(treeOf(decoded.profiles)).toEqual(tree)

        const pprof = await service.exportFile(request({ format: 'pprof' }))
        const read = sure(decodePprof(new Uint8Array(gunzipSync(pprof.body)), { limits, labels: [] }))
        // Of frames without a kind the reader of pprof guesses one; it is no part of what a function is.
        expect(withoutKind(treeOf(read.profiles))).toEqual(withoutKind(tree))

        // Folded lines hold names and counts of samples, nothing else.
        const folded = await service.exportFile(request({ format: 'folded' }))
        const head = { type: CPU_SAMPLES, period: PERIOD, timeMs: START, durationMs: 30_000 }
        const counts = sure(parseFolded(text(folded.body), { head, labels: [], limits }))
        const names = stacksOfTree(tree).map(({ path, value }) => ({
          path:
            path.length === 0
              ? [naiveFrame('[no stack]')]
              : path.map((frame) => naiveFrame(frame.split('\0')[0]!)),
          value: Math.round(value / PERIOD),
        }))
        expect(tidy(stacksOfTree(buildTreeOfProfile(counts)))).toEqual(tidy(names))
        expect(counts.samples.value.reduce((sum, value) => sum + value, 0)).toBe(meta.samples)
      }),
      { numRuns: 50 },
    )
  })

  it('writes icebergs and diffs as folded lines and as JSON', async () => {
    const service = await serviceOver([SHOP, LATER])
    const iceberg = await service.exportFile(request({ format: 'folded', view: 'iceberg' }))
    expect(text(iceberg.body)).toBe('read;main 5\nwork;main 3\n')
    const diff = await service.exportFile(request({ format: 'folded', ...sides }))
    expect(text(diff.body)).toBe('main;read 3 2\nmain;work 1 2\n')
    const json = await service.exportFile(request({ format: 'json', ...sides, view: 'iceberg' }))
    const { tree } = sure(diffFromJson(JSON.parse(text(json.body))))
    expect(drawDiff(tree)).toContain('read 157894737→105263158')
  })

  it('takes the selection itself as the comparison when only a baseline is given', async () => {
    const service = await serviceOver([SHOP, LATER])
    const file = await service.exportFile(
      api.ExportRequest.parse({
        format: 'folded',
        from: START + 10_000,
        to: START + 20_000,
        baseline: sides.baseline,
      }),
    )
    expect(text(file.body)).toBe('main;read 3 2\nmain;work 1 2\n')
  })

  it('keeps what the selector demands as labels, and names the file safely', async () => {
    const service = await serviceOver([SHOP])
    const file = await service.exportFile(
      request({ format: 'otlp', query: '{service_name="api",host!="x"}' }),
    )
    expect(file).toMatchObject({
      name: 'flametrail-flame-api-20231114T221320Z.otlp',
      contentType: 'application/octet-stream',
    })
    const { profiles } = sure(decodeOtlpProfiles(file.body, { limits, receivedMs: NOW }))
    expect(profiles[0]!.labelSets).toEqual([[['service_name', 'api']]])
    expect(profiles[0]!.period).toBe(PERIOD)
    expect(drawTree(buildTreeOfProfile(profiles[0]!))).toContain('read 157894737')
    const hostile = await service.exportFile(
      request({ format: 'json', query: '{service_name="../../etc/\\"; x=\u202e<b>"}' }),
    )
    expect(hostile.name).toBe('flametrail-flame-.._.._etc_x_b_-20231114T221320Z.json')
  })

  it('hands trees and diffs to whoever draws, with the facts of both sides', async () => {
    const pictures: PictureOf[] = []
    const service = await serviceOver([SHOP, LATER], {}, (picture) => {
      pictures.push(picture)
      return '<svg/>'
    })
    const svg = await service.exportFile(
      request({ format: 'svg', view: 'iceberg', query: '{service_name="api"}' }),
    )
    expect(svg).toMatchObject({
      name: 'flametrail-iceberg-api-20231114T221320Z.svg',
      contentType: 'image/svg+xml',
    })
    expect(text(svg.body)).toBe('<svg/>')
    await service.exportFile(request({ format: 'html', ...sides }))
    const [tree, diff] = pictures
    expect(tree).toMatchObject({ format: 'svg', view: 'iceberg', query: '{service_name="api"}' })
    expect(tree!.meta.samples).toBe(8)
    expect(diff).toMatchObject({ format: 'html', view: 'flame', query: '{}', baseline: { query: '{}' } })
    expect([diff!.baseline!.meta.fromMs, diff!.meta.fromMs]).toEqual([START, START + 10_000])
    await expect((await serviceOver([])).exportFile(request({ format: 'svg' }))).rejects.toMatchObject({
      code: 'unimplemented',
    })
  })

  it.each([
    { format: 'pprof', view: 'iceberg' },
    { format: 'pprof', comparison: {} },
    { format: 'otlp', view: 'iceberg' },
    { format: 'otlp', baseline: {} },
  ] as const)('refuses %j, which the format cannot hold', async (fields) => {
    const service = await serviceOver([SHOP])
    await expect(service.exportFile(request(fields))).rejects.toMatchObject({
      code: 'invalid',
      detail: { key: 'format' },
    })
  })

  it('refuses a file beyond limits.exportBytes, naming the key', async () => {
    const service = await serviceOver([SHOP], { exportBytes: 20 })
    await expect(service.exportFile(request({ format: 'folded' }))).rejects.toMatchObject({
      code: 'limit',
      message:
        'the file has more than 20 bytes (limits.exportBytes); ask for fewer with maxNodes, or narrow query or range',
    })
  })

  it('refuses a selector and a path as every query does', async () => {
    const service = await serviceOver([SHOP])
    await expect(service.exportFile(request({ format: 'json', query: '{' }))).rejects.toMatchObject({
      code: 'invalid',
    })
    await expect(service.exportFile(request({ format: 'folded', path: ['nobody'] }))).rejects.toMatchObject({
      code: 'not_found',
    })
  })
})

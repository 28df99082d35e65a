import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findLabel } from '#profile/labels/lookup'
import { type Matcher, matchesLabels } from '#profile/labels/matcher'
import { printSelector } from '#profile/labels/selector'
import { labelsOf, labelsText } from '#profile/model/labels'
import type { Profile } from '#profile/model/profile'
import { arbMatcher, arbProfile } from '#profile/testing/arbitrary'
import { drawDiff, drawTree, profileFromText, treeFromDrawing } from '#profile/testing/draw'
import {
  type NaiveStack,
  naiveFrame,
  naiveFunctions,
  naiveInvert,
  naivePrune,
  naiveSubtree,
  stacksOfDiff,
  stacksOfProfile,
  stacksOfTree,
  tidy,
} from '#profile/testing/naive'
import * as api from '#profile/wire/query-api'
import { diffFromJson, treeFromJson } from '#profile/wire/tree-answer'
import { limitsOf } from '../limits.ts'
import { openDuckDbStore } from '../store/duckdb/duckdb-store.ts'
import { MemoryStore } from '../store/memory.ts'
import type { Store } from '../store/store.ts'
import { createQueryService, createTurns } from './service.ts'

const START = 1_700_000_000_000 // the arbitrary profiles' first window; a multiple of ten seconds
const NOW = START + 600_000
const PERIOD = 52_631_579
const retention = { ageMs: 86_400_000, bytes: 2 ** 40 }
const RANGE = { from: START, to: START + 30_000 }

const serviceOf = (store: Store, overrides: Record<string, number> = {}) =>
  createQueryService({ store, limits: limitsOf(overrides), retention, clock: () => NOW })

async function filled(
  profiles: readonly Profile[],
  store: Store = new MemoryStore(retention),
): Promise<Store> {
  for (const [i, profile] of profiles.entries())
    await store.append({ key: i.toString(16).padStart(32, '0'), profiles: [profile], receivedMs: NOW })
  return store
}

interface Row extends NaiveStack {
  readonly labels: Profile['labelSets'][number]
  readonly timeMs: number
}
const rowsOf = (profiles: readonly Profile[]): Row[] =>
  profiles.flatMap((profile) =>
    stacksOfProfile(profile).map(({ path, value }, i) => ({
      path,
      value: value * PERIOD,
      labels: profile.labelSets[profile.samples.labelSet[i]!]!,
      timeMs: profile.samples.timeMs[i]!,
    })),
  )

function treeOf(answer: api.TreeAnswer) {
  const read = treeFromJson(JSON.parse(JSON.stringify(answer)))
  if (!read.ok) throw new Error(read.error.message)
  return read.value.tree
}
function diffOf(answer: api.DiffAnswer) {
  const read = diffFromJson(JSON.parse(JSON.stringify(answer)))
  if (!read.ok) throw new Error(read.error.message)
  return read.value.tree
}
const tree = (fields: Record<string, unknown>) =>
  api.TreeRequest.parse({ ...RANGE, maxNodes: 100_000, ...fields })

const asked = fc.record({
  profiles: fc.array(arbProfile(), { minLength: 1, maxLength: 4 }),
  matchers: fc.array(arbMatcher, { maxLength: 1 }),
  windows: fc.tuple(fc.nat(2), fc.integer({ min: 1, max: 3 })),
  maxNodes: fc.integer({ min: 1, max: 20 }),
})

/** Every answer of a store against loops over the raw rows. */
async function expectBruteForce(
  store: Store,
  drawn: { profiles: Profile[]; matchers: Matcher[]; windows: [number, number]; maxNodes: number },
) {
  const { profiles, matchers, windows, maxNodes } = drawn
  const service = serviceOf(await filled(profiles, store))
  const selection = {
    query: printSelector({ matchers }),
    from: START + windows[0] * 10_000,
    to: START + (windows[0] + windows[1]) * 10_000,
  }
  const inRange = rowsOf(profiles).filter((row) => row.timeMs >= selection.from && row.timeMs < selection.to)
  const rows = inRange.filter((row) => matchesLabels(matchers, row.labels))

  const flame = await service.flame(tree(selection))
  expect(tidy(stacksOfTree(treeOf(flame)))).toEqual(tidy(rows))
  expect(flame.meta.samples).toBe(Math.round(rows.reduce((sum, { value }) => sum + value / PERIOD, 0)))
  const early = rows.filter((row) => row.path[0] === naiveFrame('[truncated]'))
  const sumOf = (some: readonly Row[]) => some.reduce((sum, { value }) => sum + value, 0)
  expect(flame.meta.endEarly).toBeCloseTo(sumOf(rows) === 0 ? 0 : sumOf(early) / sumOf(rows), 9)
  const isFrame = (name: string) => name !== naiveFrame('[truncated]')
  const isAddress = (name: string) => /^([^\0]*\+)?0x[0-9a-f]+\0/.test(name)
  const framesOf = (is: (name: string) => boolean) =>
    rows.reduce((sum, { path, value }) => sum + value * path.filter(is).length, 0)
  const framesAll = framesOf(isFrame)
  expect(flame.meta.unnamed).toBeCloseTo(framesAll === 0 ? 0 : framesOf(isAddress) / framesAll, 9)

  const pruned = await service.flame(tree({ ...selection, maxNodes }))
  expect(tidy(stacksOfTree(treeOf(pruned)))).toEqual(naivePrune(tidy(rows), maxNodes))

  const iceberg = await service.iceberg(tree(selection))
  expect(tidy(stacksOfTree(treeOf(iceberg)))).toEqual(naiveInvert(rows))

  const grouped = await service.flame(tree({ ...selection, groupBy: ['service_name'] }))
  const under = rows.map(({ path, value, labels }) => ({
    path: [naiveFrame(findLabel(labels, 'service_name') || '(no service_name)'), ...path],
    value,
  }))
  expect(tidy(stacksOfTree(treeOf(grouped)))).toEqual(tidy(under))

  const some = tidy(rows).find(({ path }) => path.length > 1)
  if (some !== undefined) {
    const names = some.path.slice(0, 2).map((frame) => frame.split('\0')[0]!)
    const cut = await service.flame(tree({ ...selection, path: names }))
    expect(tidy(stacksOfTree(treeOf(cut)))).toEqual(tidy(naiveSubtree(tidy(rows), names)))
    const reversed = some.path.toReversed().map((frame) => frame.split('\0')[0]!)
    const callers = await service.iceberg(tree({ ...selection, path: reversed }))
    expect(tidy(stacksOfTree(treeOf(callers)))).toEqual(tidy(naiveSubtree(naiveInvert(rows), reversed)))
  }

  const top = await service.top(api.TopRequest.parse({ ...selection, limit: 10_000 }))
  const functions = naiveFunctions(rows)
  expect(top.functions).toBe(functions.size)
  top.name.forEach((name, i) => {
    const expected = functions.get(naiveFrame(name, top.file[i], top.mapping[i]))
    expect({ self: top.self[i], total: top.totals[i] }).toEqual(expected)
  })

  const diff = await service.diff(
    api.DiffRequest.parse({ baseline: RANGE, comparison: selection, maxNodes: 100_000 }),
  )
  const sides = stacksOfDiff(diffOf(diff))
  expect(tidy(sides.baseline)).toEqual(tidy(rowsOf(profiles)))
  expect(tidy(sides.comparison)).toEqual(tidy(rows))
  const mirrored = await service.diff(
    api.DiffRequest.parse({ baseline: RANGE, comparison: selection, maxNodes: 100_000, view: 'iceberg' }),
  )
  expect(tidy(stacksOfDiff(diffOf(mirrored)).comparison)).toEqual(naiveInvert(rows))

  const series = await service.series(
    api.SeriesRequest.parse({ ...selection, step: 10, group: ['service_name'], limit: 1_000 }),
  )
  series.labels.forEach((labels, i) => {
    series.t.forEach((t, step) => {
      const there = inRange.filter((row) => row.timeMs === t)
      const own = there.filter(
        (row) => rows.includes(row) && findLabel(row.labels, 'service_name') === labels.service_name,
      )
      expect(series.v[i]![step]).toBe(there.length === 0 ? null : sumOf(own) / 1e9 / 10)
    })
  })
  const services = new Set(rows.map((row) => findLabel(row.labels, 'service_name')))
  expect(new Set(series.labels.map((labels) => labels.service_name))).toEqual(services)

  const seriesSeen = [...new Map(rows.map((row) => [labelsText(row.labels), row.labels])).values()]
  const names = await service.labels(api.LabelsRequest.parse({ ...selection, limit: 10_000 }))
  names.names.forEach((name, i) => {
    expect(names.series[i]).toBe(
      seriesSeen.filter((labels) => labels.some(([other]) => other === name)).length,
    )
  })
  expect(new Set(names.names)).toEqual(new Set(seriesSeen.flatMap((labels) => labels.map(([name]) => name))))
  const values = await service.labelValues(
    'service_name',
    api.LabelsRequest.parse({ ...selection, limit: 10_000 }),
  )
  expect(values.names).toEqual([...services].filter((name) => name !== '').sort())
}

describe('queries', () => {
  it('equal loops over the raw rows', async () => {
    await fc.assert(
      fc.asyncProperty(asked, (drawn) => expectBruteForce(new MemoryStore(retention), drawn)),
      { numRuns: 60 },
    )
  })

  it('equal loops over the raw rows from DuckDB too', async () => {
    await fc.assert(
      fc.asyncProperty(asked, async (drawn) => {
        const directory = mkdtempSync(path.join(tmpdir(), 'flametrail-query-'))
        const limits = limitsOf({ 'store.minFree': 1 })
        const report = (line: string) => expect.fail(line)
        const store = await openDuckDbStore({ directory, limits, retention, nowMs: NOW, report })
        try {
          await expectBruteForce(store, drawn)
        } finally {
          await store.close()
          rmSync(directory, { recursive: true })
        }
      }),
      { numRuns: 15, endOnFailure: true },
    )
  })
})

const BUSY = `
  main  main  main
  read  read  work
  disk
  3     2     5`
const busy = () => filled([profileFromText(BUSY, { labels: labelsOf([['service_name', 'api']]), period: 1 })])

describe('flame', () => {
  it('merges the stacks of a selection into one tree', async () => {
    const answer = await serviceOf(await busy()).flame(tree({ to: 'now', query: 'cpu{service_name="api"}' }))
    expect(drawTree(treeOf(answer))).toBe(
      drawTree(
        treeFromDrawing(`
          main 10
          read 5   work 5
          disk 3`),
      ),
    )
    expect(answer.meta).toMatchObject({ samples: 10, unit: 'nanoseconds', endEarly: 0, sampleProfile: false })
    expect(treeOf(answer).total[0]).toBe(10)
  })

  it('is a lone root when nothing matches', async () => {
    const answer = await serviceOf(await busy()).flame(tree({ query: '{service_name="nobody"}' }))
    expect(answer.total).toEqual([0])
    expect(answer.meta).toMatchObject({ samples: 0, endEarly: 0 })
  })

  it('says how many samples end early', async () => {
    const store = await filled([profileFromText('[truncated]  main\n3            1', { period: 1 })])
    expect((await serviceOf(store).flame(tree({}))).meta.endEarly).toBe(0.75)
  })

  it('says when samples come from the sample profile', async () => {
    const labels = labelsOf([['flametrail_sample_profile', 'true']])
    const store = await filled([profileFromText('main', { labels }), profileFromText('work')])
    const sampleProfile = async (query: string) =>
      (await serviceOf(store).flame(tree({ query }))).meta.sampleProfile
    expect(await sampleProfile('{}')).toBe(true)
    expect(await sampleProfile('{flametrail_sample_profile=""}')).toBe(false)
  })

  it('answers a path that is not there with not_found', async () => {
    const missing = serviceOf(await busy()).flame(tree({ path: ['main', 'nothing'] }))
    await expect(missing).rejects.toMatchObject({ code: 'not_found', detail: { key: 'path' } })
  })

  it.each([
    [{ query: '{service_name="api' }, 'query', /14|unclosed/],
    [{ query: '{pod=~"("}' }, 'query', /RE2/],
    [{ type: 'cpus' }, 'type', /cpus.*no profile type/],
    [{ from: 'yesterday' }, 'from', /yesterday/],
    [{ from: 'now', to: 'now-1h' }, 'from', /range is empty/],
  ])('refuses %j as invalid', async (fields, key, words) => {
    const error = await serviceOf(await busy())
      .flame(tree(fields))
      .catch((thrown) => thrown)
    expect(error).toMatchObject({ code: 'invalid', detail: { key } })
    expect(error.message).toMatch(words)
  })

  it('names the position of a selector error', async () => {
    const error = await serviceOf(await busy())
      .flame(tree({ query: '{a="b" c' }))
      .catch((thrown) => thrown)
    expect(error.toAnswer().error.position).toBe(7)
  })

  it('refuses more nodes than the limit', async () => {
    const refused = serviceOf(await busy(), { maxNodes: 10 }).flame(tree({ maxNodes: 11 }))
    await expect(refused).rejects.toMatchObject({
      code: 'limit',
      detail: { key: 'limits.maxNodes', got: 11 },
    })
  })
})

describe('diff', () => {
  it('puts baseline before comparison, in absolute values', async () => {
    const one = profileFromText('main  main\nread  work\n3     1', { timeMs: START, period: 1 })
    const other = profileFromText('main  main\nread  more\n1     2', { timeMs: START + 10_000, period: 1 })
    const request = api.DiffRequest.parse({
      baseline: { from: START, to: START + 10_000 },
      comparison: { from: START + 10_000, to: START + 20_000 },
    })
    const answer = await serviceOf(await filled([one, other])).diff(request)
    expect(drawDiff(diffOf(answer))).toContain('main 4→3')
    expect(drawDiff(diffOf(answer))).toContain('more 0→2')
    expect([answer.baseline.samples, answer.comparison.samples]).toEqual([4, 3])
  })

  it('refuses to compare two types', async () => {
    const request = api.DiffRequest.parse({
      baseline: { type: 'cpu' },
      comparison: { type: 'memory:alloc:bytes::' },
    })
    await expect(serviceOf(await busy()).diff(request)).rejects.toMatchObject({ code: 'invalid' })
  })
})

describe('series', () => {
  const cores = (timeMs: number) => profileFromText('main\n1', { timeMs, period: 5e9 })

  it('gives cores, null where nobody reported and 0 where others did', async () => {
    const store = await filled([
      cores(START),
      profileFromText('main', { timeMs: START + 20_000, labels: labelsOf([['pod', 'other']]) }),
    ])
    const request = api.SeriesRequest.parse({ query: '{pod=""}', from: START, to: START + 30_000, step: 10 })
    const answer = await serviceOf(store).series(request)
    expect(answer).toMatchObject({ valueUnit: 'cores', stepS: 10, labels: [{}], v: [[0.5, null, 0]] })
    expect(answer.t).toEqual([START, START + 10_000, START + 20_000])
  })

  it('does not fall towards now because now is in the middle of a step', async () => {
    const minute = Math.ceil(START / 60_000) * 60_000
    // One window of the second minute has been reported, 20 s into it; the rate is that of the 30 s up to its end.
    const store = await filled([cores(minute), cores(minute + 10_000), cores(minute + 80_000)])
    const request = api.SeriesRequest.parse({ from: minute + 1, to: minute + 115_000, step: 60 })
    const answer = await serviceOf(store).series(request)
    expect(answer.t).toEqual([minute, minute + 60_000])
    expect(answer.v).toEqual([[10 / 60, 5 / 30]])
  })

  it('keeps the heaviest series and says how many it left out', async () => {
    const of = (pod: string, value: number) =>
      profileFromText(`main\n${value}`, { labels: labelsOf([['pod', pod]]) })
    const store = await filled([of('a', 1), of('b', 3), of('c', 2)])
    const request = api.SeriesRequest.parse({ ...RANGE, group: ['pod'], limit: 2 })
    const answer = await serviceOf(store).series(request)
    expect(answer.labels).toEqual([{ pod: 'b' }, { pod: 'c' }])
    expect(answer.meta.nodes).toEqual({ sent: 2, folded: 1 })
  })

  it('refuses more points than the limit and names the cure', async () => {
    const request = api.SeriesRequest.parse({ from: START - 86_400_000, to: START, step: 1 })
    const refused = serviceOf(await busy()).series(request)
    await expect(refused).rejects.toThrow('Take a longer step or a shorter range')
  })

  it('takes about two hundred points of whole windows when no step is given', async () => {
    for (const hours of [0.1, 1, 24, 24 * 30]) {
      const request = api.SeriesRequest.parse({ from: NOW - hours * 3_600_000, to: NOW })
      const { t, stepS } = await serviceOf(await busy()).series(request)
      expect(t.length).toBeLessThanOrEqual(202)
      expect(stepS % 10).toBe(0)
    }
  })
})

describe('quality', () => {
  const profiles = [
    profileFromText(
      `
        main  main  [truncated]
        work  work  lib!+0x10
      `,
      { labels: labelsOf([['service_name', 'api']]) },
    ),
    profileFromText(
      `
        main
      `,
      { labels: labelsOf([['service_name', 'web']]) },
    ),
  ]

  it('stands by group, most samples first, and says how many it left out', async () => {
    const service = serviceOf(await filled(profiles))
    const asked = { type: 'cpu', query: '{}', ...RANGE, group: ['service_name'] }
    expect(await service.quality({ ...asked, limit: 20 })).toMatchObject({
      kind: 'quality',
      labels: [{ service_name: 'api' }, { service_name: 'web' }],
      samples: [3, 1],
      endEarly: [1 / 3, 0],
      unnamed: [1 / 5, 0],
      meta: { samples: 4, endEarly: 1 / 4, unnamed: 1 / 6, nodes: { sent: 2, folded: 0 } },
    })
    expect(await service.quality({ ...asked, limit: 1 })).toMatchObject({
      samples: [3],
      meta: { nodes: { sent: 1, folded: 1 } },
    })
  })

  it('is in the answer of every kind of query, the same in each', async () => {
    const service = serviceOf(await filled(profiles))
    const asked = { type: 'cpu', query: '{}', ...RANGE }
    const tree = { ...asked, maxNodes: 100, path: [], groupBy: [] }
    const metas = [
      (await service.flame(tree)).meta,
      (await service.iceberg(tree)).meta,
      (await service.top({ ...asked, sort: 'self', limit: 10 })).meta,
      (await service.series({ ...asked, group: [], limit: 10, step: 10 })).meta,
      (await service.quality({ ...asked, group: [], limit: 10 })).meta,
    ]
    for (const { endEarly, unnamed, samples } of metas)
      expect({ endEarly, unnamed, samples }).toEqual({ endEarly: 1 / 4, unnamed: 1 / 6, samples: 4 })
  })

  it('is of nothing when nothing matches', async () => {
    const service = serviceOf(await filled(profiles))
    const asked = {
      type: 'cpu',
      query: '{service_name="none"}',
      ...RANGE,
      group: ['service_name'],
      limit: 20,
    }
    expect(await service.quality(asked)).toMatchObject({ labels: [], meta: { endEarly: 0, unnamed: 0 } })
  })
})

describe('labels', () => {
  it('finds values by prefix and by alias, with the series behind each', async () => {
    const of = (host: string, pod: string) =>
      profileFromText('main', {
        labels: labelsOf([
          ['host.name', host],
          ['pod', pod],
        ]),
      })
    const service = serviceOf(await filled([of('web-1', 'a'), of('web-1', 'b'), of('db-1', 'c')]))
    const request = (fields: object) => api.LabelsRequest.parse({ ...RANGE, ...fields })
    expect(await service.labelValues('host_name', request({ prefix: 'w' }))).toEqual({
      kind: 'labels',
      names: ['web-1'],
      series: [2],
    })
    expect((await service.labels(request({ limit: 1 }))).names).toEqual(['host.name'])
    expect(await service.labelValues('absent', request({}))).toMatchObject({ names: [], series: [] })
  })
})

describe('status', () => {
  it('counts what was seen in the last hour', async () => {
    const store = await filled([
      profileFromText('main', {
        timeMs: NOW - 10_000,
        labels: labelsOf([
          ['service_name', 'api'],
          ['host', 'one'],
        ]),
      }),
      profileFromText('main', { timeMs: NOW - 7_200_000, labels: labelsOf([['service_name', 'old']]) }),
    ])
    expect(await serviceOf(store).storeStatus()).toMatchObject({
      series: 1,
      services: 1,
      hosts: 1,
      retention,
    })
  })
})

describe('turns', () => {
  it('runs so many, lets so many wait, refuses the rest, and goes on after a failure', async () => {
    const turn = createTurns({ running: 1, waiting: 1 })
    const order: string[] = []
    let release = () => {}
    const first = turn(async () => {
      await new Promise<void>((resolve) => {
        release = resolve
      })
      order.push('first')
    })
    const second = turn(async () => {
      order.push('second')
      throw new Error('of its own')
    })
    await expect(turn(async () => {})).rejects.toMatchObject({ code: 'queue_full' })
    release()
    await first
    await expect(second).rejects.toThrow('of its own')
    await turn(async () => order.push('third'))
    expect(order).toEqual(['first', 'second', 'third'])
  })

  it('answers at the deadline whatever the store does', async () => {
    const stuck: Store = new MemoryStore(retention)
    stuck.stackSums = () => new Promise(() => {})
    const late = serviceOf(stuck, { queryDeadline: 20 }).flame(tree({}))
    await expect(late).rejects.toMatchObject({ code: 'deadline', detail: { key: 'limits.queryDeadline' } })
  })
})

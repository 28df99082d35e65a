// What must hold for every Store? One suite, run against each implementation; and, by drawn histories of appends, repeats,
// restarts and retention, equality with the one made of arrays and loops.
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Matcher } from '#profile/labels/matcher'
import { ProfileBuilder } from '#profile/model/builder'
import { asId, NONE, type StackId } from '#profile/model/ids'
import { labelsOf, labelsText } from '#profile/model/labels'
import { type Profile, TRUNCATED_NAME } from '#profile/model/profile'
import { CPU, CPU_SAMPLES, type ProfileType, printProfileType } from '#profile/model/profile-type'
import { HOUR_MS } from './hours.ts'
import { MemoryStore } from './memory.ts'
import type { Account, SeriesQuery, StackQuery, Store } from './store.ts'

export interface Harness {
  store: Store
  /** Closes the store and opens it again on what it has kept. */
  reopen(nowMs?: number): Promise<void>
  dispose(): Promise<void>
}

export const NOW = Date.UTC(2026, 10, 24, 11, 20)
export const AGE_MS = 3 * HOUR_MS
const PERIOD = 50_000_000
export const HEAP: ProfileType = {
  name: 'memory',
  sampleType: 'alloc_space',
  sampleUnit: 'bytes',
  periodType: 'space',
  periodUnit: 'bytes',
}
const ALL = { fromMs: 0, toMs: NOW * 2 }

/** A request key of a number. */
export const keyOf = (i: number): string => i.toString(16).padStart(32, '0')

export interface RowSketch {
  /** Frames root first, joined by ";". "f@lib" stands in a mapping, "@lib+16" has no name, "f+g" is f with g inlined. */
  readonly stack: string
  readonly labels?: Readonly<Record<string, string>>
  readonly value?: number
  readonly timeMs?: number
}

/** A profile drawn as rows of text. */
export function profileOf(
  rows: readonly RowSketch[],
  head: { readonly type?: ProfileType; readonly period?: number } = {},
): Profile {
  const builder = new ProfileBuilder()
  const location = (frame: string) => {
    const [before = '', after] = frame.split('@')
    const [library = '', address] = (after ?? '').split('+')
    const functions = before === '' ? [] : before.split('+').reverse()
    return builder.location({
      mapping: library === '' ? NONE : builder.mapping({ file: `/usr/lib/${library}`, buildId: 'cafe' }),
      addressHigh: 0,
      addressLow: Number(address ?? 0),
      kind: 'native',
      lines: functions.map((name) => ({ function: builder.function({ name }), line: 1 })),
    })
  }
  for (const row of rows) {
    let stack: StackId = asId(0)
    for (const frame of row.stack.split(';').filter((text) => text !== ''))
      stack = builder.stack(stack, location(frame))
    builder.sample({
      stack,
      labelSet: builder.labelSet(labelsOf(Object.entries(row.labels ?? { service_name: 'api' }))),
      value: row.value ?? 1,
      timeMs: row.timeMs ?? NOW,
    })
  }
  const { type = CPU_SAMPLES, period = PERIOD } = head
  return builder.build({ type, period, timeMs: NOW, durationMs: 10_000 })
}

export function storeContract(name: string, open: () => Promise<Harness>): void {
  describe(`${name} as a store`, () => {
    let harness: Harness
    beforeEach(async () => {
      harness = await open()
    })
    afterEach(() => harness.dispose())
    const append = (i: number, profiles: readonly Profile[], receivedMs = NOW) =>
      harness.store.append({ key: keyOf(i), profiles, receivedMs })

    it('gives back what was appended, in the unit of the stored type', async () => {
      await append(1, [profileOf([{ stack: 'main;work', value: 3 }, { stack: 'main;read' }])])
      expect(await pathsOf(harness.store)).toEqual({ 'main;work': 3 * PERIOD, 'main;read': PERIOD })
    })

    it('stores the same request once, now and after a restart', async () => {
      const profiles = [profileOf([{ stack: 'main', value: 2 }])]
      expect(await append(1, profiles)).toEqual({ stored: true, samples: 2 })
      expect(await append(1, profiles)).toEqual({ stored: false, samples: 2 })
      await harness.reopen()
      expect(await append(1, profiles)).toEqual({ stored: false, samples: 2 })
      expect(await pathsOf(harness.store)).toEqual({ main: 2 * PERIOD })
    })

    it('stores the same request once when it comes twice at the same time', async () => {
      const profiles = [profileOf([{ stack: 'main' }])]
      const answers = await Promise.all([append(1, profiles), append(1, profiles), append(2, profiles)])
      expect(answers.map((answer) => answer.stored)).toEqual([true, false, true])
      expect(await pathsOf(harness.store)).toEqual({ main: 2 * PERIOD })
    })

    it('remembers a request for a day and no longer than it must', async () => {
      const profiles = [profileOf([{ stack: 'main' }])]
      await append(1, profiles)
      expect((await append(1, profiles, NOW + 26 * HOUR_MS)).stored).toBe(false)
      expect((await append(1, profiles, NOW + 28 * HOUR_MS)).stored).toBe(true)
    })

    it('adds up call sites, hours and periods of one function', async () => {
      await append(1, [profileOf([{ stack: 'main@a+1;work@a+2' }])])
      await append(2, [profileOf([{ stack: 'main@a+1;work@a+9' }], { period: 2 * PERIOD })], NOW + HOUR_MS)
      await append(3, [profileOf([{ stack: 'main@a+1;work@a+2', value: 7 }], { type: CPU, period: PERIOD })])
      expect(await pathsOf(harness.store)).toEqual({ 'main@a;work@a': 3 * PERIOD + 7 })
    })

    it('expands inlined functions and names what has no name by its address', async () => {
      await append(1, [profileOf([{ stack: 'main+inner;@libc.so+4096' }, { stack: '@+16' }])])
      expect(await pathsOf(harness.store)).toEqual({
        'main;inner;libc.so+0x1000@libc.so': PERIOD,
        '0x10': PERIOD,
      })
    })

    it('never adds values of two types', async () => {
      await append(1, [
        profileOf([{ stack: 'main' }]),
        profileOf([{ stack: 'main', value: 4_096 }], { type: HEAP, period: 0 }),
      ])
      expect(await pathsOf(harness.store)).toEqual({ main: PERIOD })
      expect(await pathsOf(harness.store, { type: HEAP })).toEqual({ main: 4_096 })
    })

    it('answers for matchers, with a missing label equal to the empty one', async () => {
      await append(1, [
        profileOf([
          { stack: 'one', labels: { service_name: 'api', pod: 'a-1' } },
          { stack: 'two', labels: { service_name: 'api', pod: 'b-1' } },
          { stack: 'three', labels: { service_name: 'web' } },
        ]),
      ])
      const paths = async (...matchers: Matcher[]) =>
        Object.keys(await pathsOf(harness.store, { matchers })).sort()
      expect(await paths({ name: 'pod', operator: '=~', value: '[ab]-.' })).toEqual(['one', 'two'])
      expect(await paths({ name: 'pod', operator: '=', value: '' })).toEqual(['three'])
      expect(await paths({ name: 'pod', operator: '!~', value: 'a.*' })).toEqual(['three', 'two'])
      const both: Matcher[] = [
        { name: 'service_name', operator: '=', value: 'api' },
        { name: 'pod', operator: '!=', value: 'a-1' },
      ]
      expect(await paths(...both)).toEqual(['two'])
      expect(await paths({ name: 'service_name', operator: '=', value: 'nobody' })).toEqual([])
    })

    it('refuses a regular expression that does not compile', async () => {
      await append(1, [profileOf([{ stack: 'main' }])])
      const matchers: Matcher[] = [{ name: 'pod', operator: '=~', value: '(?=a)' }]
      await expect(pathsOf(harness.store, { matchers })).rejects.toMatchObject({ code: 'invalid' })
    })

    it('splits by labels', async () => {
      await append(1, [
        profileOf([
          { stack: 'main', labels: { service_name: 'api', pod: 'a' } },
          { stack: 'main', labels: { service_name: 'web' }, value: 2 },
        ]),
      ])
      const { value } = await harness.store.stackSums({ ...question(), groupBy: ['service_name', 'pod'] })
      expect(foldParts(value)).toEqual(
        new Map([
          ['["api","a"] main', PERIOD],
          ['["web",""] main', 2 * PERIOD],
        ]),
      )
    })

    it('takes the start of the range in and leaves its end out', async () => {
      await append(1, [
        profileOf([
          { stack: 'before', timeMs: NOW - 1 },
          { stack: 'first', timeMs: NOW },
          { stack: 'last', timeMs: NOW + 9_999 },
          { stack: 'after', timeMs: NOW + 10_000 },
        ]),
      ])
      const paths = await pathsOf(harness.store, { fromMs: NOW, toMs: NOW + 10_000 })
      expect(Object.keys(paths).sort()).toEqual(['first', 'last'])
    })

    it('says per step who reported and how much', async () => {
      await append(1, [
        profileOf([
          { stack: 'main', labels: { service_name: 'api' }, value: 5, timeMs: NOW },
          { stack: 'work', labels: { service_name: 'api' }, value: 1, timeMs: NOW + 10_000 },
          { stack: 'main', labels: { service_name: 'web' }, value: 2, timeMs: NOW + 30_000 },
        ]),
      ])
      const { value } = await harness.store.seriesSums({
        ...question(),
        fromMs: NOW,
        toMs: NOW + 50_000,
        stepMs: 20_000,
        groupBy: ['service_name'],
        matchers: [{ name: 'service_name', operator: '=', value: 'api' }],
      })
      expect(cellsOf(value)).toEqual(new Map([['["api"] 0', 6 * PERIOD]]))
      expect([...value.reported]).toEqual([1, 1, 0])
      expect(value.samples).toBe(6)
    })

    it('keeps how whole and how named the stacks of each group are', async () => {
      const api = { service_name: 'api' }
      const web = { service_name: 'web' }
      await append(1, [
        profileOf([
          { stack: 'main;work@lib+16;@lib+17', labels: api, value: 3 },
          { stack: `${TRUNCATED_NAME};@lib+16`, labels: api, value: 1 },
          { stack: 'main', labels: web, value: 5 },
        ]),
      ])
      await append(2, [profileOf([{ stack: 'main;@+9', labels: api, timeMs: NOW + 40_000 }])])
      await harness.reopen()
      const { value } = await harness.store.seriesSums({
        ...question(),
        ...{ fromMs: NOW, toMs: NOW + 50_000, stepMs: 10_000, groupBy: ['service_name'] },
      })
      const of = (service: string) => value.quality[value.values.findIndex(([name]) => name === service)]
      expect(of('web')).toEqual({ all: 5 * PERIOD, early: 0, frames: 5 * PERIOD, unnamed: 0, samples: 5 })
      expect(of('api')).toEqual({
        all: 5 * PERIOD,
        early: PERIOD,
        frames: (3 * 3 + 1 + 2) * PERIOD,
        unnamed: (3 + 1 + 1) * PERIOD,
        samples: 5,
      })
    })

    it('keeps what agents had counted, once a request, and gives back those of a range', async () => {
      const account = (reportedMs: number): Account => ({
        ...{ host: 'box', agentId: 'id', startedMs: NOW - 5_000, reportedMs },
        ...{ expected: 100.5, idle: 40, received: 50, filtered: 6, lost: 4 },
      })
      const request = {
        ...{ key: keyOf(1), profiles: [profileOf([{ stack: 'main' }])], receivedMs: NOW },
        accounts: [account(NOW), account(NOW + 10_000)],
      }
      await harness.store.append(request)
      await harness.store.append(request)
      await append(2, [profileOf([{ stack: 'main' }])])
      await harness.reopen()
      const range = { fromMs: NOW, toMs: NOW + 10_000 }
      expect(await harness.store.accounts(range)).toEqual({ value: [account(NOW)], unreadable: [] })
      expect((await harness.store.accounts(ALL)).value).toHaveLength(2)
      expect(
        (await harness.store.accounts({ fromMs: NOW + HOUR_MS, toMs: NOW + 2 * HOUR_MS })).value,
      ).toEqual([])
    })

    it('lists the series seen in a range, once each', async () => {
      await append(1, [
        profileOf([
          { stack: 'a', timeMs: NOW },
          { stack: 'b', timeMs: NOW + 20_000 },
        ]),
      ])
      await append(2, [profileOf([{ stack: 'a', timeMs: NOW + HOUR_MS }])], NOW + HOUR_MS)
      const series = async (range: { fromMs: number; toMs: number }) =>
        (await harness.store.series({ type: CPU, matchers: [], ...range })).value
      expect(await series(ALL)).toEqual([
        { type: CPU, labels: [['service_name', 'api']], firstMs: NOW, lastMs: NOW + HOUR_MS },
      ])
      expect(await series({ fromMs: NOW + 1, toMs: NOW + HOUR_MS })).toMatchObject([
        { firstMs: NOW + 20_000, lastMs: NOW + 20_000 },
      ])
      expect(await series({ fromMs: NOW + 1, toMs: NOW + 20_000 })).toEqual([])
    })

    it('keeps strange names as they are', async () => {
      const strange = ['__proto__', "Robert'); DROP TABLE sample;--", 'nul\0byte', '🔥', 'constructor', ' ']
      const rows = strange.map((name) => ({
        stack: name.replaceAll(';', ','),
        labels: { service_name: name },
      }))
      await append(1, [profileOf(rows)])
      await harness.reopen()
      const { value } = await harness.store.series({ type: undefined, matchers: [], ...ALL })
      expect(value.map(({ labels }) => labels[0]![1]).sort()).toEqual([...strange].sort())
      const { value: parts } = await harness.store.stackSums({ ...question(), groupBy: ['service_name'] })
      expect([...foldParts(parts).keys()].sort()).toEqual(
        strange.map((name) => `${JSON.stringify([name])} ${name.replaceAll(';', ',')}`).sort(),
      )
    })

    it('counts rows of a type without a period as samples', async () => {
      await append(1, [
        profileOf(
          [
            { stack: 'a', value: 4_096 },
            { stack: 'b', value: 8 },
          ],
          { type: HEAP, period: 0 },
        ),
      ])
      const { value } = await harness.store.stackSums({ ...question(), type: HEAP })
      expect(value.flatMap(({ groups }) => groups.map(({ samples }) => samples))).toEqual([2])
    })

    it('answers with nothing when it holds nothing', async () => {
      expect((await harness.store.stackSums(question())).value).toEqual([])
      const { value } = await harness.store.seriesSums({
        ...question(),
        ...{ fromMs: 0, toMs: 10 },
        stepMs: 10,
      })
      expect(value.sum.length).toBe(0)
      expect(await harness.store.stats()).toMatchObject({ files: 0, rows: 0, oldestMs: undefined })
    })

    it('takes in a request without samples and knows it again', async () => {
      expect(await append(1, [profileOf([])])).toEqual({ stored: true, samples: 0 })
      await harness.reopen()
      expect(await append(1, [profileOf([])])).toEqual({ stored: false, samples: 0 })
      await append(2, [profileOf([{ stack: 'main' }])])
      expect(await pathsOf(harness.store)).toEqual({ main: PERIOD })
    })

    it('refuses a broken profile and goes on', async () => {
      const whole = profileOf([{ stack: 'main' }])
      const broken = { ...whole, samples: { ...whole.samples, stack: Uint32Array.of(7) } }
      await expect(append(1, [broken])).rejects.toThrow('profile is broken')
      await expect(append(2, [whole, broken])).rejects.toThrow('profile is broken')
      await expect(harness.store.append({ key: 'KEY', profiles: [whole], receivedMs: NOW })).rejects.toThrow(
        'hex',
      )
      expect(await harness.store.stats()).toMatchObject({ rows: 0 })
      expect((await append(1, [whole])).stored).toBe(true)
    })

    it('lets go of what is older than the retention, by its newest sample', async () => {
      await append(1, [profileOf([{ stack: 'old', timeMs: NOW - 2 * HOUR_MS }])], NOW)
      await append(2, [profileOf([{ stack: 'new', timeMs: NOW + HOUR_MS }])], NOW + HOUR_MS)
      expect(await harness.store.retain(NOW)).toEqual([])
      expect(await harness.store.retain(NOW + AGE_MS)).toHaveLength(1)
      expect(await pathsOf(harness.store)).toEqual({ new: PERIOD })
      await harness.reopen()
      expect(await pathsOf(harness.store)).toEqual({ new: PERIOD })
    })

    it('equals arrays and loops after any history', async () => {
      await fc.assert(
        fc.asyncProperty(history, questions, async (steps, asked) => {
          await harness.dispose()
          harness = await open()
          const oracle = new MemoryStore({ ageMs: AGE_MS })
          let receivedMs = NOW
          for (const step of steps) {
            if (step.kind === 'append') {
              const requests = step.requests.map((request) => ({
                key: keyOf(request.key),
                profiles: request.profiles.map(({ rows, head }) => profileOf(rows, head)),
                receivedMs,
              }))
              const got = await Promise.all(requests.map((request) => harness.store.append(request)))
              const expected = await Promise.all(requests.map((request) => oracle.append(request)))
              expect(got).toEqual(expected)
            } else if (step.kind === 'wait') receivedMs += step.ms
            else if (step.kind === 'reopen') await harness.reopen(receivedMs)
            else {
              const removed = await harness.store.retain(receivedMs)
              expect(removed.length).toBe((await oracle.retain(receivedMs)).length)
            }
          }
          for (const query of asked) await expectEqualAnswers(harness.store, oracle, query)
        }),
        { numRuns: 25, endOnFailure: true },
      )
    })
  })
}

const question = (): StackQuery => ({ type: CPU, matchers: [], ...ALL, groupBy: [] })

async function pathsOf(store: Store, change: Partial<StackQuery> = {}): Promise<Record<string, number>> {
  const { value, unreadable } = await store.stackSums({ ...question(), ...change })
  expect(unreadable).toEqual([])
  return Object.fromEntries([...foldParts(value)].map(([path, sum]) => [path.slice(3), sum]))
}

/** `["group"] root;child` → sum, over all parts. */
export function foldParts(parts: Awaited<ReturnType<Store['stackSums']>>['value']): Map<string, number> {
  const sums = new Map<string, number>()
  for (const { trie, groups } of parts)
    for (const { values, node, sum } of groups) {
      expect([...node]).toEqual([...new Set(node)].sort((one, other) => one - other))
      node.forEach((leaf, i) => {
        const path: string[] = []
        for (let at = leaf; at !== 0; at = trie.parent[at]!)
          path.unshift(printFrame(trie.frames, trie.frame[at]!))
        const key = `${JSON.stringify(values)} ${path.join(';')}`
        sums.set(key, (sums.get(key) ?? 0) + sum[i]!)
      })
    }
  return sums
}

function printFrame(frames: { name: readonly string[]; mapping: readonly string[] }, id: number): string {
  const mapping = frames.mapping[id]!
  return mapping === '' ? frames.name[id]! : `${frames.name[id]!}@${mapping}`
}

function cellsOf(value: Awaited<ReturnType<Store['seriesSums']>>['value']): Map<string, number> {
  return new Map(
    Array.from(value.sum, (sum, i) => [
      `${JSON.stringify(value.values[value.group[i]!])} ${value.bucket[i]}`,
      sum,
    ]),
  )
}

/** Samples are quotients: the order of adding them up shows in the last digit. */
const qualityByGroup = (value: Awaited<ReturnType<Store['seriesSums']>>['value']): [string, string][] =>
  value.values.map((own, i) => {
    const { samples, ...sums } = value.quality[i]!
    return [JSON.stringify(own), JSON.stringify({ ...sums, samples: samples.toFixed(6) })]
  })

async function expectEqualAnswers(store: Store, oracle: Store, query: SeriesQuery): Promise<void> {
  const sorted = (entries: Iterable<[string, number | string]>) => [...entries].sort()
  const [got, expected] = await Promise.all([store.stackSums(query), oracle.stackSums(query)])
  expect(sorted(foldParts(got.value))).toEqual(sorted(foldParts(expected.value)))
  const samples = (parts: typeof got.value) =>
    parts.flatMap(({ groups }) => groups).reduce((sum, group) => sum + group.samples, 0)
  expect(samples(got.value)).toBeCloseTo(samples(expected.value), 6)

  const [steps, expectedSteps] = await Promise.all([store.seriesSums(query), oracle.seriesSums(query)])
  expect(sorted(cellsOf(steps.value))).toEqual(sorted(cellsOf(expectedSteps.value)))
  expect([...steps.value.reported]).toEqual([...expectedSteps.value.reported])
  expect(steps.value.samples).toBeCloseTo(expectedSteps.value.samples, 6)
  expect(sorted(qualityByGroup(steps.value))).toEqual(sorted(qualityByGroup(expectedSteps.value)))

  for (const type of [query.type, undefined]) {
    const [seen, expectedSeen] = await Promise.all([
      store.series({ ...query, type }),
      oracle.series({ ...query, type }),
    ])
    const lines = (answer: typeof seen) =>
      answer.value
        .map((one) => `${printProfileType(one.type)} ${labelsText(one.labels)} ${one.firstMs} ${one.lastMs}`)
        .sort()
    expect(lines(seen)).toEqual(lines(expectedSeen))
  }
  const { files, rows, oldestMs, newestMs } = await store.stats()
  expect({ rows, oldestMs, newestMs }).toEqual(
    (({ rows, oldestMs, newestMs }) => ({ rows, oldestMs, newestMs }))(await oracle.stats()),
  )
  expect(files).toBe((await oracle.stats()).files)
}

const frame = fc.constantFrom('main', 'work', 'read', 'work@lib', 'f+g', 'g', '@lib+16', '@lib+17', '@+9')
const labels = fc.record(
  {
    service_name: fc.constantFrom('api', 'web'),
    pod: fc.constantFrom('a-1', 'a-2', 'b-1'),
    'host.name': fc.constantFrom('one', 'two'),
  },
  { requiredKeys: ['service_name'] },
)
const WINDOW_MS = 10_000
const row = fc.record({
  stack: fc.array(frame, { maxLength: 5 }).map((frames) => frames.join(';')),
  labels,
  value: fc.integer({ min: 0, max: 9 }),
  timeMs: fc.integer({ min: -720, max: 30 }).map((window) => NOW + window * WINDOW_MS),
})
const head = fc.constantFrom(
  { type: CPU_SAMPLES, period: PERIOD },
  { type: CPU_SAMPLES, period: 2 * PERIOD },
  { type: CPU, period: PERIOD },
  { type: HEAP, period: 0 },
)
const request = fc.record({
  key: fc.integer({ min: 1, max: 12 }),
  profiles: fc.array(fc.record({ rows: fc.array(row, { maxLength: 6 }), head }), { maxLength: 3 }),
})
const history = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('append' as const),
        requests: fc.array(request, { minLength: 1, maxLength: 4 }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('wait' as const),
        ms: fc.integer({ min: 0, max: 2 * HOUR_MS }),
      }),
    },
    { weight: 1, arbitrary: fc.constant({ kind: 'reopen' as const }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'retain' as const }) },
  ),
  { maxLength: 10 },
)
const matcher: fc.Arbitrary<Matcher> = fc.record({
  name: fc.constantFrom('service_name', 'pod', 'host_name', 'absent'),
  operator: fc.constantFrom('=', '!=', '=~', '!~'),
  value: fc.constantFrom('', 'api', 'a-1', 'a-.', '.*', 'one|two'),
})
const questions = fc.array(
  fc
    .record({
      type: fc.constantFrom(CPU, HEAP),
      matchers: fc.array(matcher, { maxLength: 2 }),
      from: fc.integer({ min: -720, max: 30 }),
      windows: fc.integer({ min: 1, max: 800 }),
      step: fc.integer({ min: 1, max: 60 }),
      groupBy: fc.subarray(['service_name', 'pod', 'host_name']),
    })
    .map(({ from, windows, step, ...rest }) => ({
      ...rest,
      fromMs: NOW + from * WINDOW_MS,
      toMs: NOW + (from + windows) * WINDOW_MS,
      stepMs: step * WINDOW_MS,
    })),
  { minLength: 1, maxLength: 4 },
)

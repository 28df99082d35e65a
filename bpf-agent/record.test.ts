import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ProfileBuilder, type ProfileHead } from '#profile/model/builder'
import { asId, NONE } from '#profile/model/ids'
import type { Window } from './aggregate/window.ts'
import type { Family } from './host/family.ts'
import type { Sampler } from './kernel/sampler.ts'
import { drawBatch } from './kernel/testing.ts'
import { type RecordOptions, record } from './record.ts'
import { fakeUnwinder } from './unwind/testing.ts'
import type { RecordParts } from './watch.ts'

const FREQUENCY_HZ = 10

/** Parts in memory. Two CPUs; a sample's only frame is named by its process. */
function fakeParts() {
  const log: string[] = []
  const batches: string[] = []
  const events: ReturnType<Sampler['events']>[number][] = []
  const state = { drained: 0, deferrals: 0, startFails: false }
  const refused = new Map<string, number>()
  const startMs = Date.now()
  const elapsedMs = () => Date.now() - startMs
  const parts: RecordParts = {
    sampler: {
      stopNames: ['fp_zero'],
      start() {
        if (state.startFails) throw new Error('no CPU')
        log.push('start')
      },
      events: () => events.splice(0),
      next() {
        const batch = drawBatch(batches.shift() ?? '')
        state.drained += batch.count
        return batch
      },
      fill: () => 0,
      counters: () => ({
        ticks: (2 * elapsedMs() * FREQUENCY_HZ) / 1000,
        idle: (2 * elapsedMs() * FREQUENCY_HZ) / 1000 - state.drained,
        records: state.drained,
        dropped: new Map([
          ['ring_full', 0],
          ['filtered', 0],
        ]),
        stopped: new Map(),
        steps: new Map(),
        events: 0,
        eventsLost: 0,
        ownNs: 0,
        snapshots: 0,
        snapshotsLeftOut: 0,
      }),
      cpus: 2,
      cpuMs: () => 2 * elapsedMs(),
      followCpus: () => {},
      stop: () => log.push('stop'),
      close: () => log.push('close'),
    },
    processes: {
      onFork: (parent, child) => log.push(`fork ${parent} ${child}`),
      onExec: (tgid) => log.push(`exec ${tgid}`),
      onExit: (tgid) => log.push(`exit ${tgid}`),
      see: (tgid) => log.push(`see ${tgid}`),
      onProgram: () => {},
      onMap: () => undefined,
      onLost: () => {},
      generationAt: () => undefined,
      sweep: () => {},
      count: 0,
      misses: new Map(),
    },
    unwinder: fakeUnwinder([]),
    symbolizer: {
      profileOf(window, head) {
        log.push('name')
        if (state.deferrals-- > 0) refused.set('deferred', (refused.get('deferred') ?? 0) + 1)
        return profileByProcess(window, head)
      },
      refused,
      ready: Promise.resolve(),
      close: () => log.push('symbolizer closed'),
    },
    clock: { monotonicMs: () => 5_000 + elapsedMs(), wallMs: () => Date.now() },
    idleMs: () => 0,
  }
  return { parts, log, batches, events, state }
}

function profileByProcess(window: Window, head: ProfileHead) {
  const builder = new ProfileBuilder()
  for (let row = 0; row < window.count; row++) {
    const lines = [{ function: builder.function({ name: `of ${window.tgid[row]}` }), line: 0 }]
    const location = builder.location({ mapping: NONE, addressHigh: 0, addressLow: 0, kind: '', lines })
    builder.sample({
      stack: builder.stack(asId(0), location),
      labelSet: builder.labelSet([]),
      value: window.samples[row]!,
      timeMs: head.timeMs,
    })
  }
  return builder.build(head)
}

/** A family in memory. */
function familyOf(...tgids: number[]): Family {
  const members = new Set(tgids)
  const living = new Set(tgids)
  return {
    add: () => true,
    onFork: (parent, child) => {
      if (!living.has(parent)) return
      living.add(child)
      members.add(child)
    },
    onExit: (tgid) => living.delete(tgid),
    has: (tgid) => members.has(tgid),
    settle: () => {},
    get living() {
      return living.size
    },
  }
}

const never = new Promise<never>(() => {})
const options = (more: Partial<RecordOptions> = {}): RecordOptions => ({
  frequencyHz: FREQUENCY_HZ,
  durationMs: 2_000,
  stopped: never,
  ...more,
})

describe('a recording', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_800_000_000_000 })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('takes the samples of those who are meant, and of those they begin; the others are counted', async () => {
    const { parts, batches, events } = fakeParts()
    const recording = record(options({ family: familyOf(10) }), parts)
    batches.push('10 sh | 1\n11 sh | 1\n99 other | 1')
    events.push({ kind: 'fork', tgid: 11, parentTgid: 10, startTicks: 100, timeMs: 1 })
    events.push({ kind: 'fork', tgid: 98, parentTgid: 99, startTicks: 100, timeMs: 1 })
    await vi.advanceTimersByTimeAsync(300)
    batches.push('10 sh | 1\n98 other | 1')
    await vi.advanceTimersByTimeAsync(2_000)
    const { profile, ticks, living } = await recording
    expect(profile!.strings).toEqual(['', 'of 10', 'of 11'])
    expect([...profile!.samples.value]).toEqual([2, 1])
    expect([ticks.received, ticks.dropped.get('filtered'), living]).toEqual([3, 2, 2])
    expect(ticks.expected).toBe(ticks.received + ticks.idle + 2)
  })

  it('takes everyone when nobody is named', async () => {
    const { parts, batches } = fakeParts()
    batches.push('10 sh | 1\n99 other | 1')
    const recording = record(options(), parts)
    await vi.advanceTimersByTimeAsync(2_000)
    expect((await recording).profile!.strings).toEqual(['', 'of 10', 'of 99'])
  })

  it('takes the members of a cgroup', async () => {
    const { parts, batches } = fakeParts()
    batches.push('10 sh | 1\n99 other | 1')
    const cgroups = [{ has: () => false, refresh: () => {} }]
    const none = record(options({ cgroups }), parts)
    await vi.advanceTimersByTimeAsync(2_000)
    expect((await none).profile).toBeUndefined()
    const { parts: others, batches: more } = fakeParts()
    more.push('10 sh | 1')
    const all = record(
      options({ cgroups: [{ has: (high, low) => high === 0 && low === 1, refresh: () => {} }] }),
      others,
    )
    await vi.advanceTimersByTimeAsync(2_000)
    expect((await all).profile!.samples.value).toHaveLength(1)
  })

  it('merges the windows of a long one', async () => {
    const { parts, batches } = fakeParts()
    const recording = record(options({ durationMs: 25_000 }), parts)
    for (const atMs of [0, 9_000, 15_000, 24_000]) {
      batches.push('10 sh | 1')
      await vi.advanceTimersByTimeAsync(atMs === 24_000 ? 2_000 : 8_000)
    }
    const { profile, elapsedMs } = await recording
    expect(profile!.strings).toEqual(['', 'of 10'])
    expect(profile!.samples.value.reduce((sum, value) => sum + value, 0)).toBe(4)
    expect([elapsedMs, profile!.timeMs, profile!.durationMs]).toEqual([25_000, 1_800_000_000_000, 25_000])
  })

  it('ends when it is asked to, and when nobody is left', async () => {
    let stop = () => {}
    const stopped = new Promise<void>((resolve) => {
      stop = resolve
    })
    const first = fakeParts()
    const asked = record(options({ stopped }), first.parts)
    await vi.advanceTimersByTimeAsync(100)
    stop()
    expect((await asked).elapsedMs).toBe(100)

    const second = fakeParts()
    second.batches.push('10 sh | 1')
    second.events.push({ kind: 'exit', tgid: 10, parentTgid: 0, startTicks: 100, timeMs: 1 })
    const left = record(options({ family: familyOf(10), durationMs: Number.POSITIVE_INFINITY }), second.parts)
    await vi.advanceTimersByTimeAsync(250)
    const { profile, living, elapsedMs } = await left
    expect([profile!.samples.value.length, living, elapsedMs]).toEqual([1, 0, 250])
  })

  it('names again what was put off', async () => {
    const { parts, log, batches, state } = fakeParts()
    state.deferrals = 3
    batches.push('10 sh | 1')
    const recording = record(options(), parts)
    await vi.advanceTimersByTimeAsync(2_000)
    await recording
    expect(log.filter((line) => line === 'name')).toHaveLength(4)
  })

  it('begins when every CPU ticks, and gives everything back whatever happens', async () => {
    const { parts, log } = fakeParts()
    const broken = record(
      options({
        begin: () => {
          log.push('begin')
          throw new Error('no such command')
        },
      }),
      parts,
    )
    await expect(broken).rejects.toThrow('no such command')
    expect(log).toEqual(['start', 'begin', 'symbolizer closed', 'close'])
    const other = fakeParts()
    other.state.startFails = true
    await expect(record(options(), other.parts)).rejects.toThrow('no CPU')
    expect(other.log).toEqual(['symbolizer closed', 'close'])
  })
})

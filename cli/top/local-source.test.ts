import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ProfileBuilder, type ProfileHead } from '#profile/model/builder'
import { asId, NONE } from '#profile/model/ids'
import type { Window } from '../../bpf-agent/aggregate/window.ts'
import type { Sampler } from '../../bpf-agent/kernel/sampler.ts'
import { drawBatch } from '../../bpf-agent/kernel/testing.ts'
import { fakeUnwinder } from '../../bpf-agent/unwind/testing.ts'
import type { RecordParts } from '../../bpf-agent/watch.ts'
import type { Targets } from '../record/targets.ts'
import { lossNotes, openLocalSource } from './local-source.ts'

const FREQUENCY_HZ = 10
const EVERYONE: Targets = { family: undefined, cgroups: [], words: 'every process' }

/** Parts in memory: one batch a reading, two CPUs; a sample's only frame is named by its process. */
function fakeParts(batches: string[]) {
  const log: string[] = []
  const startMs = Date.now()
  const elapsedMs = () => Date.now() - startMs
  const events: ReturnType<Sampler['events']>[number][] = []
  let startFailure: Error | undefined
  const counters = {
    ...{
      ticks: 1000,
      idle: 0,
      records: 0,
      events: 0,
      eventsLost: 0,
      ownNs: 0,
      snapshots: 0,
      snapshotsLeftOut: 0,
    },
    ...{ dropped: new Map(), stopped: new Map(), steps: new Map() },
  }
  const parts: RecordParts = {
    sampler: {
      stopNames: ['fp_zero'],
      start() {
        if (startFailure !== undefined) throw startFailure
        log.push('start')
      },
      events: () => events.splice(0),
      next: () => drawBatch(batches.shift() ?? ''),
      fill: () => 0,
      counters: () => counters,
      cpus: 2,
      cpuMs: () => 2 * elapsedMs(),
      followCpus: () => {},
      stop: () => log.push('stop'),
      close: () => log.push('close'),
    },
    processes: {
      onFork: (_, child) => log.push(`fork ${child}`),
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
    unwinder: fakeUnwinder(log),
    symbolizer: {
      profileOf: profileByProcess,
      refused: new Map(),
      ready: Promise.resolve(),
      close: () => log.push('symbolizer closed'),
    },
    clock: { monotonicMs: () => 5_000 + elapsedMs(), wallMs: () => Date.now() },
    idleMs: () => 0,
  }
  const failToStart = (error: Error) => {
    startFailure = error
  }
  return { parts, log, events, failToStart, counters }
}

function profileByProcess(window: Window, head: ProfileHead) {
  const builder = new ProfileBuilder()
  for (let row = 0; row < window.count; row++) {
    const lines = [{ function: builder.function({ name: `f${window.tgid[row]}` }), line: 0 }]
    const location = builder.location({
      ...{ mapping: NONE, addressHigh: 0, addressLow: window.tgid[row]!, kind: 'native', lines },
    })
    builder.sample({
      stack: builder.stack(asId(0), location),
      labelSet: builder.labelSet([['service_name', window.comm[row]!]]),
      value: window.samples[row]!,
      timeMs: head.timeMs,
    })
  }
  return builder.build(head)
}

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

const options = { frequencyHz: FREQUENCY_HZ, targets: EVERYONE, spanMs: 2_000, intervalMs: 1_000 }
const ask = { sort: 'self', stopped: new Promise(() => {}) } as const

/** The next view, with time going by. */
async function nextView(source: ReturnType<typeof openLocalSource>, stopped: Promise<unknown> = ask.stopped) {
  const view = source.next({ sort: 'self', stopped })
  await vi.advanceTimersByTimeAsync(1_500)
  return view
}

describe('this machine', () => {
  it('is what it did in the last two seconds, second by second', async () => {
    // Four readings a second; each ends with an empty batch.
    const second = (first: string) => [first, '', '', '', '']
    const { parts } = fakeParts([
      ...second('1 api | 10\n1 api | 10'),
      ...second('2 job | 20'),
      ...second('2 job | 20'),
    ])
    const source = openLocalSource(options, parts)
    expect(source.words).toBe('every process, last 2 s at 10 Hz')
    expect((await nextView(source)).rows).toMatchObject({
      name: ['f1'],
      service: ['api'],
      self: Float64Array.of(2),
    })
    expect(await nextView(source)).toMatchObject({
      rows: { name: ['f1', 'f2'], self: Float64Array.of(2, 1) },
      ...{ samples: 3, perCoreSecond: FREQUENCY_HZ, cpus: 2 },
      services: new Map([
        ['api', 2],
        ['job', 1],
      ]),
    })
    expect((await nextView(source)).rows.name).toEqual(['f2'])
  })
  it('can be idle', async () => {
    const view = await nextView(openLocalSource(options, fakeParts([]).parts))
    expect(view).toMatchObject({ samples: 0, rows: { name: [] } })
    expect(view.seconds).toBeGreaterThanOrEqual(1)
  })
  it('tells at once when it is asked to stop', async () => {
    const source = openLocalSource(options, fakeParts(['1 api | 10']).parts)
    expect(await source.next({ sort: 'self', stopped: Promise.resolve() })).toMatchObject({ samples: 1 })
  })
  it('reads tables before it samples, and gives its parts back', async () => {
    const { parts, log } = fakeParts([])
    const source = openLocalSource(options, parts)
    await nextView(source)
    source.close()
    expect(log).toEqual(['scan', 'start', 'symbolizer closed', 'unwinder closed', 'close'])
  })
  it('says why it cannot begin', async () => {
    const { parts, failToStart } = fakeParts([])
    failToStart(new Error('no CPU'))
    await expect(openLocalSource(options, parts).next(ask)).rejects.toThrow('no CPU')
  })
})

describe('some processes', () => {
  it('are counted alone; who is left is told', async () => {
    const { parts, events, log } = fakeParts(['1 api | 10\n2 job | 20'])
    let living = 1
    const family = {
      add: () => true,
      onFork: (_: number, child: number) => log.push(`kin ${child}`),
      onExit: () => {
        living--
      },
      has: (tgid: number) => tgid === 2,
      settle: () => {},
      get living() {
        return living
      },
    }
    const source = openLocalSource({ ...options, targets: { family, cgroups: [], words: 'PID 2' } }, parts)
    const event = { startTicks: 1, parentTgid: 2, timeMs: 0 }
    events.push({ kind: 'fork', tgid: 3, ...event }, { kind: 'exec', tgid: 3, ...event })
    expect(await nextView(source)).toMatchObject({ rows: { name: ['f2'] }, samples: 1, notes: [] })
    expect(log.filter((line) => !line.startsWith('unwinder'))).toEqual([
      ...['scan', 'start', 'fork 3', 'kin 3', 'exec 3', 'see 2'],
    ])
    expect(source.isOver).toBe(false)
    events.push({ kind: 'exit', tgid: 2, ...event })
    expect((await nextView(source)).notes).toEqual(['no process of these is left'])
    expect(source.isOver).toBe(true)
  })
})

describe('what was lost', () => {
  const notes = (expected: number, dropped: Readonly<Record<string, number>>) =>
    lossNotes({ expected, dropped: new Map(Object.entries(dropped)) })
  it('is told by its reason', () => {
    expect(notes(1000, { ring_full: 3, no_scratch: 0, missed_tick: 40, filtered: 500 })).toEqual([
      'lost: ring_full 3, missed_tick 40',
    ])
  })
  it('is not told of ticks that two clocks round away, nor of those who were not meant', () => {
    expect(notes(1000, { missed_tick: 10, filtered: 9 })).toEqual([])
    expect(notes(100, { missed_tick: 10 })).toEqual([])
  })
})

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { AgentReport } from '#profile/model/accounting'
import { ProfileBuilder, type ProfileHead } from '#profile/model/builder'
import { type AgentParts, startAgent } from './agent.ts'
import type { Window } from './aggregate/window.ts'
import { CannotSample } from './kernel/load.ts'
import type { Sampler } from './kernel/sampler.ts'
import { drawBatch } from './kernel/testing.ts'
import type { AgentSettings } from './settings.ts'
import { fakeSnapshots, fakeUnwinder } from './unwind/testing.ts'

const SETTINGS: AgentSettings = {
  backend: '',
  'token-file': '',
  frequency: 10,
  window: 10_000,
  'buffer-size': 1,
  host: '',
  'exclude-cgroup': [],
  'table-cache': '',
  'metrics-listen': '',
}

/** Parts in memory that remember what they were told. Two CPUs; time moves with vitest's fake timers. */
function fakeParts() {
  const log: string[] = []
  const windows: Window[] = []
  const heads: ProfileHead[] = []
  const reports: AgentReport[] = []
  const sent: number[] = []
  const batches: string[] = []
  const events: ReturnType<Sampler['events']>[number][] = []
  const state = { fill: 0, ticks: 0, drained: 0, symbolizerBreaks: false, samplerBreaks: false, refused: 0 }
  const startMs = Date.now()
  const monotonicMs = () => 5_000 + Date.now() - startMs
  const cpuMs = () => 2 * (Date.now() - startMs)
  const sampler: Sampler = {
    stopNames: ['fp_zero'],
    start: () => log.push('start'),
    events: () => events.splice(0),
    next() {
      if (state.samplerBreaks) throw new Error('a record of 7 bytes')
      const batch = drawBatch(batches.shift() ?? '')
      state.drained += batch.count
      return batch
    },
    fill: () => state.fill,
    counters: () => ({
      ticks: (cpuMs() * 10) / 1000,
      idle: (cpuMs() * 10) / 1000 - state.drained,
      records: state.drained,
      dropped: new Map([['ring_full', 0]]),
      stopped: new Map([['fp_zero', state.drained]]),
      steps: new Map(),
      events: 0,
      eventsLost: 0,
      ownNs: 0,
      snapshots: 0,
      snapshotsLeftOut: 0,
    }),
    cpus: 2,
    cpuMs,
    followCpus: () => log.push('follow'),
    stop: () => log.push('stop'),
    close: () => log.push('close'),
  }
  const parts: AgentParts = {
    sampler,
    processes: {
      onFork: (parent, child) => log.push(`fork ${parent} ${child}`),
      onExec: (tgid) => log.push(`exec ${tgid}`),
      onExit: (tgid) => log.push(`exit ${tgid}`),
      see: (tgid) => log.push(`see ${tgid}`),
      onProgram: () => {},
      onMap: () => undefined,
      onLost: () => {},
      generationAt: () => undefined,
      sweep: () => log.push('sweep'),
      count: 0,
      misses: new Map(),
    },
    unwinder: fakeUnwinder(log),
    symbolizer: {
      profileOf(window, head) {
        if (state.symbolizerBreaks) throw new Error('no name for it')
        windows.push(window)
        heads.push(head)
        return new ProfileBuilder().build(head)
      },
      refused: new Map(),
      close: () => log.push('symbolizer closed'),
    },
    encode: ({ profiles, report }) => {
      reports.push(report)
      return new Uint8Array(profiles.length)
    },
    sender: {
      send: (_, samples) => sent.push(samples),
      dropped: () => new Map([['refused', state.refused]]),
      pending: () => ({ bytes: 0, samples: 0 }),
      close: async (deadlineMs) => {
        log.push(`sender closed within ${deadlineMs}`)
      },
    },
    clock: { monotonicMs, wallMs: () => Date.now() },
    idleMs: () => 0,
    identity: { host: 'h', agentId: 'a', version: '0' },
    metrics: undefined,
    log: (line) => log.push(line),
  }
  return { parts, log, windows, heads, reports, sent, batches, events, state }
}

const sum = (counts: ReadonlyMap<string, number>) =>
  [...counts.values()].reduce((total, one) => total + one, 0)

describe('the loop', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_800_000_000_000 })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('hears of processes before it meets their samples', async () => {
    const { parts, log, batches, events } = fakeParts()
    const agent = await startAgent(SETTINGS, parts)
    events.push({ kind: 'fork', tgid: 12, parentTgid: 10, startTicks: 1, timeMs: 1 })
    events.push({ kind: 'exec', tgid: 12, parentTgid: 0, startTicks: 1, timeMs: 2 })
    events.push({ kind: 'exit', tgid: 9, parentTgid: 0, startTicks: 1, timeMs: 3 })
    batches.push('12 sh | 10\n12 sh | 20', '13 sh | 10\n12 sh | 10')
    await vi.advanceTimersByTimeAsync(300)
    expect(log).toEqual([
      ...['scan', 'start', 'fork 10 12', 'unwinder fork 12', 'exec 12', 'unwinder exec 12'],
      ...['exit 9', 'unwinder exit 9', 'see 12', 'unwinder see 12', 'see 13', 'unwinder see 13'],
    ])
    await agent.stop()
  })

  it('sends the first window after five seconds and the next ones every ten', async () => {
    const { parts, windows, heads, sent, batches } = fakeParts()
    const agent = await startAgent(SETTINGS, parts)
    batches.push('1 a | 10\n1 a | 10')
    await vi.advanceTimersByTimeAsync(5_000)
    batches.push('1 a | 10')
    await vi.advanceTimersByTimeAsync(10_000)
    expect(sent).toEqual([2, 1])
    expect(windows.map((window) => window.durationMs)).toEqual([5_000, 10_000])
    expect(windows.map((window) => window.timeMs - 1_800_000_000_000)).toEqual([0, 5_000])
    expect(heads[0]).toMatchObject({
      period: 100_000_000,
      durationMs: 5_000,
      type: { sampleType: 'samples' },
    })
    await agent.stop()
  })

  it('counts a stack that waits for its tables once, whole, and in the window that it came in', async () => {
    const { parts, windows, reports, sent, batches } = fakeParts()
    const stopNames = ['fp_zero', 'unknown', 'root']
    const snapshots = fakeSnapshots(stopNames)
    const agent = await startAgent(SETTINGS, {
      ...parts,
      sampler: { ...parts.sampler, stopNames },
      snapshots,
    })
    batches.push('1 a | 10\n*1 a | 20\n1 a | 30')
    await vi.advanceTimersByTimeAsync(5_000) // nothing was ready when the window was due
    expect([sent, windows[0]!.addressLow.toSorted()]).toEqual([[3], Uint32Array.of(0x10, 0x30, 0x99)])
    batches.push('*1 a | 20\n*1 a | 20')
    await vi.advanceTimersByTimeAsync(1_000)
    snapshots.isReady = true
    await vi.advanceTimersByTimeAsync(9_000)
    expect([sent, [...windows[1]!.samples], windows[1]!.stop]).toEqual([[3, 2], [2], ['root']])
    const { received, stops, expected, idle, dropped } = reports[1]!
    expect([received, stops.get('root'), stops.get('unknown')]).toEqual([5, 3, -3]) // of none that the sampler counts here
    expect(expected).toBe(received + idle + sum(dropped))
    batches.push('*1 a | 20')
    await agent.stop()
    expect(sent).toEqual([3, 2, 1])
  })

  it('reports even when nothing ran', async () => {
    const { parts, sent, reports, windows } = fakeParts()
    const agent = await startAgent(SETTINGS, parts)
    await vi.advanceTimersByTimeAsync(5_000)
    expect([sent, windows.length]).toEqual([[0], 0])
    expect(reports[0]).toMatchObject({
      host: 'h',
      cpus: 2,
      frequencyHz: 10,
      expected: 100,
      idle: 100,
      received: 0,
    })
    await agent.stop()
  })

  it('looks every second, and four times as often while there is much to do', async () => {
    const { parts, state } = fakeParts()
    const looks = vi.spyOn(parts.sampler, 'next')
    const agent = await startAgent({ ...SETTINGS, window: 60_000 }, parts)
    await vi.advanceTimersByTimeAsync(250)
    looks.mockClear()
    await vi.advanceTimersByTimeAsync(4_000)
    expect(looks).toHaveBeenCalledTimes(4)
    state.fill = 0.5
    await vi.advanceTimersByTimeAsync(1_000)
    looks.mockClear()
    await vi.advanceTimersByTimeAsync(4_000)
    expect(looks.mock.calls.length).toBeGreaterThanOrEqual(15)
    state.fill = 0
    parts.unwinder.tick = () => true // tables are waiting to be compiled
    await vi.advanceTimersByTimeAsync(1_000)
    looks.mockClear()
    await vi.advanceTimersByTimeAsync(4_000)
    expect(looks.mock.calls.length).toBeGreaterThanOrEqual(15)
    await agent.stop()
  })

  it('follows the CPUs and forgets the dead every ten seconds', async () => {
    const { parts, log } = fakeParts()
    const agent = await startAgent(SETTINGS, parts)
    await vi.advanceTimersByTimeAsync(21_500)
    expect(log.filter((line) => line === 'follow' || line === 'sweep')).toEqual([
      'follow',
      'sweep',
      'follow',
      'sweep',
    ])
    await agent.stop()
  })

  it('goes on when one window cannot be named, counts it and says so', async () => {
    const { parts, log, sent, state, batches } = fakeParts()
    const agent = await startAgent(SETTINGS, parts)
    state.symbolizerBreaks = true
    batches.push('1 a | 10\n1 a | 20\n1 a | 10')
    await vi.advanceTimersByTimeAsync(5_000)
    state.symbolizerBreaks = false
    batches.push('1 a | 10')
    await vi.advanceTimersByTimeAsync(10_000)
    expect(sent).toEqual([1])
    expect(log.some((line) => line.startsWith('a window of 3 samples is lost: Error: no name for it'))).toBe(
      true,
    )
    const report = agent.report()
    expect([report.received, report.dropped.get('encode_failed')]).toEqual([1, 3])
    await agent.stop()
  })

  it('has a name for every expected tick, what the backend refused included', async () => {
    const { parts, state, batches } = fakeParts()
    const agent = await startAgent(SETTINGS, parts)
    batches.push('1 a | 10\n1 a | 20\n1 a | 10')
    await vi.advanceTimersByTimeAsync(6_000)
    state.refused = 2
    const { expected, received, idle, dropped } = agent.report()
    expect([received, dropped.get('refused')]).toEqual([1, 2])
    expect(received + idle + sum(dropped)).toBe(expected)
    await agent.stop()
  })

  it('sends what it has when it is stopped, once, and gives everything back', async () => {
    const { parts, log, sent, batches } = fakeParts()
    const agent = await startAgent(SETTINGS, parts)
    await vi.advanceTimersByTimeAsync(1_000)
    batches.push('1 a | 10')
    await agent.stop()
    await agent.stop()
    expect(sent).toEqual([1])
    expect(log.slice(-7)).toEqual([
      ...['stop', 'see 1', 'unwinder see 1'],
      ...['sender closed within 1500', 'symbolizer closed', 'unwinder closed', 'close'],
    ])
    await vi.advanceTimersByTimeAsync(60_000)
    expect(sent).toEqual([1])
  })

  it('tells whoever waits when sampling itself broke', async () => {
    const { parts, state } = fakeParts()
    const agent = await startAgent(SETTINGS, parts)
    state.samplerBreaks = true
    const told = expect(agent.failed).rejects.toThrow('a record of 7 bytes')
    await vi.advanceTimersByTimeAsync(1_000)
    await told
  })

  it('gives the kernel everything back when it cannot start', async () => {
    const { parts, log } = fakeParts()
    vi.spyOn(parts.sampler, 'start').mockImplementation(() => {
      throw new CannotSample('no CPU')
    })
    await expect(startAgent(SETTINGS, parts)).rejects.toThrow('no CPU')
    expect(log).toEqual(['scan', 'unwinder closed', 'close'])
  })
})

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { followProcesses } from './follow.ts'
import type { ProcessEvent } from './kernel/events.ts'
import type { MappingEvent, MappingEvents } from './kernel/mapping-events.ts'
import type { RawStacks } from './kernel/raw-stack.ts'
import { drawBatch } from './kernel/testing.ts'
import { fakeSnapshots, fakeUnwinder } from './unwind/testing.ts'

/** Mapping events by hand. */
function fakeMappingEvents() {
  let wake = () => {}
  const told: MappingEvent[] = []
  const state = { waits: 0, isClosed: false, lost: 0 }
  const events: MappingEvents = {
    take: () => told.splice(0),
    get lost() {
      return state.lost
    },
    wait: () => {
      state.waits++
      return new Promise<void>((resolve) => {
        wake = resolve
      })
    },
    close() {
      state.isClosed = true
      wake()
    },
  }
  return {
    events,
    state,
    map(tgid: number, timeMs = 0) {
      told.push({
        kind: 'map',
        tgid,
        timeMs,
        start: 0x1000,
        end: 0x2000,
        offset: 0,
        file: '1:2:3',
        path: '/a',
      })
      wake()
    },
    program(tgid: number, timeMs: number) {
      told.push({ kind: 'program', tgid, timeMs })
    },
  }
}

function draw(mappingEvents?: MappingEvents, snapshots?: ReturnType<typeof fakeSnapshots>) {
  const log: string[] = []
  const events: ProcessEvent[] = []
  const state = { eventsBreak: false, nowMs: 1000 }
  const following = followProcesses(
    {
      sampler: {
        stopNames: ['fp_zero', 'unknown', 'no_mapping'],
        events() {
          if (state.eventsBreak) throw new Error('an event of 7 bytes')
          return events.splice(0)
        },
      },
      processes: {
        onFork: (parent, child) => log.push(`fork ${parent} ${child}`),
        onExec: (tgid) => log.push(`exec ${tgid}`),
        onExit: (tgid) => log.push(`exit ${tgid}`),
        see: (tgid) => log.push(`see ${tgid}`),
        onProgram: (tgid) => log.push(`program ${tgid}`),
        onMap(tgid) {
          log.push(`map ${tgid}`)
          return tgid === 10 ? 77 : undefined
        },
        onLost: () => log.push('lost'),
        generationAt: () => undefined,
        sweep: () => {},
        count: 0,
        misses: new Map(),
      },
      unwinder: fakeUnwinder(log),
      mappingEvents,
      snapshots,
      clock: { monotonicMs: () => state.nowMs },
    },
    ({ kind, tgid }) => log.push(`told of ${kind} ${tgid}`),
  )
  return { following, log, events, state }
}

const event = (kind: ProcessEvent['kind'], tgid: number, timeMs = 0): ProcessEvent => ({
  ...{ kind, tgid, startTicks: 1, parentTgid: kind === 'fork' ? 1 : 0, timeMs },
})

describe('following processes', () => {
  it('keeps back the stacks that are walked later, after their process was seen', () => {
    const snapshots = fakeSnapshots(['fp_zero', 'unknown', 'root'])
    const { following, log } = draw(undefined, snapshots)
    const framesOf = (batches: readonly (RawStacks | undefined)[]) =>
      batches.flatMap((batch) =>
        batch ? [...batch.addressLow.subarray(0, batch.frameStart[batch.count])] : [],
      )
    expect(framesOf(following.meet(drawBatch('7 a | 10\n*8 b | 20\n9 c | 30')))).toEqual([0x10, 0x30])
    expect(log.filter((line) => line.startsWith('see'))).toEqual(['see 7', 'see 8', 'see 9'])
    expect(framesOf([following.resolve(false)])).toEqual([])
    snapshots.isReady = true
    expect(framesOf([following.resolve(false)])).toEqual([0x99])
    expect(following.resolve(true)).toBeUndefined()
    expect(framesOf(following.meet(drawBatch('7 a | 10\n9 c | 30')))).toEqual([0x10, 0x30])
  })

  it('tells the names side first, then the unwinder, then who else wants to hear', () => {
    const { following, log, events } = draw()
    events.push(event('fork', 12), event('exec', 12), event('exit', 12))
    expect(following.takeEvents()).toBe(3)
    expect(log).toEqual([
      ...['fork 1 12', 'unwinder fork 12', 'told of fork 12'],
      ...['exec 12', 'unwinder exec 12', 'told of exec 12'],
      ...['exit 12', 'unwinder exit 12', 'told of exit 12'],
    ])
  })

  it('tells what two rings hold in the order in which it happened', () => {
    const mapping = fakeMappingEvents()
    const { following, log, events } = draw(mapping.events)
    events.push(event('fork', 12, 1), event('exec', 12, 4))
    mapping.program(12, 2)
    mapping.map(12, 3)
    mapping.map(12, 5)
    expect(following.takeEvents()).toBe(2)
    const names = log.filter((line) => !/unwinder|told/.test(line))
    expect(names).toEqual(['fork 1 12', 'program 12', 'map 12', 'exec 12', 'map 12'])
    following.close()
  })

  it('lets wait what happens while the rings are read: the other one may hold what was before', () => {
    const mapping = fakeMappingEvents()
    const { following, log, events, state } = draw(mapping.events)
    mapping.map(12, 1001) // after the ring of forks was read
    following.takeEvents()
    expect(log).toEqual([])
    events.push(event('fork', 12, 1000.5))
    state.nowMs = 1002
    following.takeEvents()
    expect(log).toEqual(['fork 1 12', 'unwinder fork 12', 'told of fork 12', 'map 12'])
    following.close()
  })

  it('publishes the latest of those whose mappings have changed, none that has ended, and tells of losses once', () => {
    const mapping = fakeMappingEvents()
    const { following, log, events } = draw(mapping.events)
    mapping.map(10, 1)
    mapping.state.lost = 3
    following.takeEvents()
    following.publish()
    expect(log).toEqual(['lost', 'map 10', 'unwinder see 10'])
    mapping.map(10, 2)
    events.push(event('exit', 10, 3))
    following.takeEvents()
    following.publish()
    expect(log.slice(3)).toEqual(['map 10', 'exit 10', 'unwinder exit 10', 'told of exit 10'])
    following.close()
  })

  it('meets each process once between two publishings, and each miss of it once', () => {
    const { following, log } = draw()
    const batch = drawBatch('12 a | 10\n12 a | 20\n13 b | 10\n12 a | 10')
    batch.stop.set([0, 1, 2, 1])
    following.meet(batch)
    following.meet(batch)
    const once = ['see 12', 'unwinder see 12', 'unknown 12', 'see 13', 'unwinder see 13', 'no_mapping 13']
    expect(log).toEqual(once)
    following.publish()
    following.meet(batch)
    expect(log).toEqual([...once, ...once])
  })

  describe('between the ticks', () => {
    beforeEach(() => {
      vi.useFakeTimers({ now: 1_800_000_000_000 })
    })
    afterEach(() => {
      vi.useRealTimers()
    })

    it('hears of events and looks at who has mapped code, if anybody has asked for that process', async () => {
      const mapping = fakeMappingEvents()
      const { following, log, events } = draw(mapping.events)
      await vi.advanceTimersByTimeAsync(1000)
      expect(log).toEqual([])
      events.push(event('exec', 12))
      mapping.map(10)
      mapping.map(11)
      await vi.advanceTimersByTimeAsync(5)
      const told = ['exec 12', 'unwinder exec 12', 'told of exec 12', 'map 10', 'map 11']
      expect(log).toEqual([...told, 'unwinder see 10'])
      following.close()
    })

    it('wakes ten times a second at most when it goes on and on', async () => {
      const mapping = fakeMappingEvents()
      const { following } = draw(mapping.events)
      const looks = vi.spyOn(mapping.events, 'wait')
      const storm = setInterval(() => mapping.map(10), 1)
      await vi.advanceTimersByTimeAsync(5_000)
      looks.mockClear()
      await vi.advanceTimersByTimeAsync(10_000)
      clearInterval(storm)
      expect(looks.mock.calls.length).toBeGreaterThan(80)
      expect(looks.mock.calls.length).toBeLessThanOrEqual(101)
      following.close()
    })

    it('says at the next tick what broke', async () => {
      const mapping = fakeMappingEvents()
      const { following, state } = draw(mapping.events)
      state.eventsBreak = true
      mapping.map(10)
      await vi.advanceTimersByTimeAsync(5)
      expect(() => following.publish()).toThrow('an event of 7 bytes')
    })

    it('ends when it is closed', async () => {
      const mapping = fakeMappingEvents()
      const { following, log } = draw(mapping.events)
      following.close()
      mapping.map(10)
      await vi.advanceTimersByTimeAsync(1000)
      expect([log, mapping.state]).toEqual([[], { waits: 1, isClosed: true, lost: 0 }])
    })
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mappingAt, NO_MAPPINGS } from './mappings.ts'
import { drawTimeline as draw, library } from './testing.ts'
import {
  applyChanges,
  applyReading,
  type Change,
  generationAt,
  generationOf,
  type MappedRow,
  type Reading,
  type Timeline,
  trim,
} from './timeline.ts'

const nameOf = (path: string) => ({ executable: path, service: `${path} of us` })
const map = (timeMs: number, row: MappedRow): Change => ({ kind: 'map', timeMs, ...row })
const program = (timeMs: number): Change => ({ kind: 'program', timeMs })
const apply = (timeline: Timeline, ...changes: Change[]) => applyChanges(timeline, changes, nameOf)

/** What /proc says. */
function reading(executable: string, ...rows: readonly MappedRow[]): Reading {
  const sorted = [...rows].sort((one, other) => one.start - other.start)
  const column = (field: 'start' | 'end' | 'offset') => Float64Array.from(sorted, (row) => row[field])
  const mappings = {
    ...{ start: column('start'), end: column('end'), offset: column('offset') },
    ...{ file: sorted.map(({ file }) => file), path: sorted.map(({ path }) => path) },
  }
  return { mappings, executable, service: executable, isKernelThread: false }
}

const [APP, LIBC] = [library('app', 0x1000), library('libc', 0x5000)]
const running = () => apply([], program(10), map(11, APP), map(13, LIBC))

describe('a timeline of events', () => {
  it('is one generation while a program starts and loads libraries, named by its first file', () => {
    const timeline = apply(running(), map(20, library('alpha', 0x9000)))
    expect(draw(timeline)).toEqual(['1 since 10: app | 1000-2000 app | 5000-6000 libc | 9000-a000 alpha'])
    expect(timeline[0]).toMatchObject({ service: 'app of us', readMs: -Infinity })
  })

  it('begins another generation when a library takes the place of another', () => {
    const timeline = apply(
      running(),
      map(20, library('alpha', 0x9000)),
      map(30, library('beta', 0x9000)),
      map(40, library('alpha', 0x9000)),
    )
    const rest = '1000-2000 app | 5000-6000 libc'
    expect(draw(timeline)).toEqual([
      `3 since 40: app | ${rest} | 9000-a000 alpha`,
      `2 since 30: app | ${rest} | 9000-a000 beta`,
      `1 since 10: app | ${rest} | 9000-a000 alpha`,
    ])
    const at = (timeMs: number) => generationAt(timeline, timeMs)!.number
    expect([0, 10, 29.9, 30, 39, 40, 99].map(at)).toEqual([1, 1, 1, 2, 2, 3, 3])
  })

  it('cuts what is overlapped, and keeps its ends with their offsets', () => {
    const large = library('large', 0x10000, { end: 0x16000, offset: 0x100 })
    const timeline = apply([], program(1), map(2, large), map(3, library('small', 0x12000)))
    expect(draw(timeline)[0]).toBe(
      '2 since 3: large | 10000-12000 large+100 | 12000-13000 small | 13000-16000 large+3100',
    )
    const over = apply(timeline, map(4, library('over', 0x11000, { end: 0x20000 })))
    expect(draw(over)[0]).toBe('3 since 4: large | 10000-11000 large+100 | 11000-20000 over')
  })

  it('says nothing new when a file is mapped again in the same way, or a part of it is', () => {
    const timeline = running()
    expect(apply(timeline, map(20, LIBC))).toBe(timeline)
    expect(apply(timeline, map(20, { ...LIBC, start: 0x5800, end: 0x5900, offset: 0x800 }))).toBe(timeline)
    expect(apply(timeline)).toBe(timeline)
  })

  it('joins pieces of one file that lie as the file has them', () => {
    const piece = (start: number, end: number) => library('lib', start, { end, offset: start - 0x9000 })
    const timeline = apply(running(), map(20, piece(0x9000, 0xb000)), map(21, piece(0xa000, 0xd000)))
    expect(draw(timeline)).toEqual(['1 since 10: app | 1000-2000 app | 5000-6000 libc | 9000-d000 lib'])
    expect(draw(apply(timeline, map(22, { ...piece(0xa000, 0xb000), offset: 0 })))).toHaveLength(2)
  })

  it('begins with nothing when another program is executed', () => {
    const timeline = apply(running(), program(50), map(51, library('sh', 0x1000)))
    expect(draw(timeline)).toEqual([
      '2 since 50: sh | 1000-2000 sh',
      '1 since 10: app | 1000-2000 app | 5000-6000 libc',
    ])
  })

  it('knows nothing of a process that was there before us until it is read', () => {
    expect(apply([], map(11, APP))).toEqual([])
  })
})

describe('a timeline that is read', () => {
  it('begins as long ago as is known', () => {
    expect(draw(applyReading([], reading('app', APP), 100))).toEqual([
      '0 since -Infinity: app | 1000-2000 app',
    ])
  })

  it('takes up what no event has told, as if it had always been there', () => {
    const jit = { ...library('', 0x7000), file: '' }
    const timeline = applyReading(running(), reading('app', APP, LIBC, jit), 100)
    expect(draw(timeline)).toEqual(['1 since 10: app | 1000-2000 app | 5000-6000 libc | 7000-8000 '])
    expect(timeline[0]!.readMs).toBe(100)
  })

  it('begins another generation when something has gone, and the former one takes up what has come', () => {
    const timeline = applyReading(running(), reading('app', APP, library('new', 0x9000)), 100)
    expect(draw(timeline)).toEqual([
      '2 since 100: app | 1000-2000 app | 9000-a000 new',
      '1 since 10: app | 1000-2000 app | 5000-6000 libc | 9000-a000 new',
    ])
  })

  it('keeps the very same mappings when it says what was known', () => {
    const timeline = running()
    const path = { ...LIBC, path: 'libc (deleted)' }
    const again = applyReading(timeline, reading('app', APP, path), 100)
    expect(again[0]!.mappings).toBe(timeline[0]!.mappings)
    expect(again[0]).toMatchObject({ service: 'app', readMs: 100, number: 1 })
  })

  it('fills a generation of which nothing is known', () => {
    const timeline = applyReading(apply(running(), program(50)), reading('sh', LIBC), 100)
    expect(draw(timeline)[0]).toBe('2 since 50: sh | 5000-6000 libc')
  })

  it('sees that it is another program although no event has told', () => {
    const timeline = applyReading(applyReading([], reading('sh', LIBC), 5), reading('app', APP, LIBC), 100)
    expect(draw(timeline)).toEqual([
      '1 since 100: app | 1000-2000 app | 5000-6000 libc',
      '0 since -Infinity: sh | 5000-6000 libc',
    ])
  })

  it('corrects the name of a program whose first mapping was lost', () => {
    const timeline = apply([], program(10), map(11, LIBC))
    expect(draw(applyReading(timeline, reading('app', APP, LIBC), 100))).toEqual([
      '1 since 10: app | 1000-2000 app | 5000-6000 libc',
    ])
  })

  it('learns from late events since when its mappings were there', () => {
    const read = applyReading(
      apply(running(), map(20, library('alpha', 0x9000))),
      reading('app', APP, LIBC, library('beta', 0x9000)),
      100,
    )
    const rest = '1000-2000 app | 5000-6000 libc'
    expect(draw(apply(read, map(98, library('beta', 0x9000))))).toEqual([
      `2 since 98: app | ${rest} | 9000-a000 beta`,
      `1 since 10: app | ${rest} | 9000-a000 alpha`,
    ])
    // Something else was there in between.
    expect(draw(apply(read, map(97, library('gamma', 0x9000)), map(98, library('beta', 0x9000))))).toEqual([
      `2 since 98: app | ${rest} | 9000-a000 beta`,
      `3 since 97: app | ${rest} | 9000-a000 gamma`,
      `1 since 10: app | ${rest} | 9000-a000 alpha`,
    ])
  })

  it('learns from a late event since when it is this program', () => {
    const read = applyReading(running(), reading('sh', LIBC), 100)
    const late = apply(read, program(90), map(91, LIBC))
    expect(draw(late)[0]).toBe('2 since 90: sh | 5000-6000 libc')
    expect(late).toHaveLength(2)
  })

  it('compares huge lists as a whole', () => {
    const pieces = Array.from({ length: 5000 }, (_, i) => library(`${i}`, i * 0x2000))
    const first = applyReading([], reading('app', ...pieces), 1)
    expect(applyReading(first, reading('app', ...pieces), 2)[0]!.mappings).toBe(first[0]!.mappings)
    expect(applyReading(first, reading('app', ...pieces, library('x', 0x7000_0000)), 2)).toHaveLength(2)
  })
})

describe('looking back', () => {
  it('finds nothing where nothing is known, and the oldest that is kept for what was before', () => {
    expect(generationAt([], 5)).toBeUndefined()
    expect(generationOf([], 5)).toBeUndefined()
    expect(generationOf(apply(running(), program(50)), 1)!.sinceMs).toBe(10)
    expect(generationOf(apply(running(), program(50)), 0)!.number).toBe(1)
  })

  it('forgets what ended long ago, too many generations, and too many mappings of them', () => {
    const swaps = Array.from({ length: 9 }, (_, i) => map(20 + i, library(`${i}`, 0x9000)))
    const timeline = apply(running(), ...swaps)
    const bounds = { sinceMs: -Infinity, rowsMax: 1000, generationsMax: 1000 }
    const kept = (changed: Partial<typeof bounds>) => {
      const { timeline: rest, isCut } = trim(timeline, { ...bounds, ...changed })
      expect(rest).toEqual(timeline.slice(0, rest.length))
      return [rest.length, isCut]
    }
    expect(kept({})).toEqual([9, false])
    expect(kept({ sinceMs: 25 })).toEqual([5, false])
    expect(kept({ generationsMax: 5 })).toEqual([5, true])
    expect(kept({ rowsMax: 7 })).toEqual([3, true])
    expect(kept({ rowsMax: 0 })).toEqual([1, true])
  })
})

describe('whatever happens', () => {
  const row = fc
    .record({ page: fc.nat(15), pages: fc.integer({ min: 1, max: 5 }), file: fc.nat(3), skew: fc.nat(1) })
    .map(({ page, pages, file, skew }) =>
      library(`f${file}`, page * 0x1000, { end: (page + pages) * 0x1000, offset: (page + skew) * 0x1000 }),
    )
  const step = fc.oneof(
    { weight: 8, arbitrary: row.map((one) => ({ kind: 'map' as const, row: one })) },
    { weight: 1, arbitrary: fc.constant({ kind: 'program' as const }) },
    {
      weight: 2,
      arbitrary: fc
        .uniqueArray(fc.nat(15), { maxLength: 4 })
        .map((gone) => ({ kind: 'read' as const, gone })),
    },
  )
  const AT = Array.from({ length: 20 }, (_, page) => page * 0x1000 + 5)
  /** What lies at an address, as naming sees it. */
  const place = (mappings: Reading['mappings'], address: number) => {
    const i = mappingAt(mappings, address)
    return i === -1 ? '' : `${mappings.file[i]} ${address - mappings.start[i]! + mappings.offset[i]!}`
  }

  it('says of every moment what an atlas of single pages says, wherever that knows of a file', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), fc.boolean(), (steps, inOne) => {
        let timeline: Timeline = []
        let pages = new Map<number, string>()
        const history: { timeMs: number; pages: ReadonlyMap<number, string> }[] = []
        let waiting: Change[] = []
        const flush = () => {
          timeline = applyChanges(timeline, waiting, nameOf)
          waiting = []
        }
        ;[{ kind: 'program' as const }, ...steps].forEach((one, i) => {
          const timeMs = i + 1
          if (one.kind === 'map') {
            waiting.push({ kind: 'map', timeMs, ...one.row })
            for (const at of AT)
              if (at >= one.row.start && at < one.row.end)
                pages.set(at, `${one.row.file} ${at - one.row.start + one.row.offset}`)
          } else if (one.kind === 'program') {
            waiting.push({ kind: 'program', timeMs })
            pages.clear()
          } else {
            // Some files were unmapped, unseen, just now; /proc says so.
            flush()
            if (timeline[0]!.executable === '') return
            const { mappings } = timeline[0]!
            const left =
              mappings.start.length === 0
                ? []
                : [...mappings.start.keys()].filter((k) => !one.gone.includes(k))
            const rows = left.map((k) =>
              library(mappings.path[k]!, mappings.start[k]!, {
                end: mappings.end[k]!,
                offset: mappings.offset[k]!,
              }),
            )
            timeline = applyReading(timeline, reading(timeline[0]!.executable, ...rows), timeMs)
            for (const at of AT) if (!rows.some(({ start, end }) => at >= start && at < end)) pages.delete(at)
          }
          if (!inOne) flush()
          history.push({ timeMs, pages })
          pages = new Map(pages)
        })
        flush()
        for (const moment of history) {
          const generation = generationAt(timeline, moment.timeMs)!
          for (const [at, expected] of moment.pages)
            expect(place(generation.mappings, at), `${at} at ${moment.timeMs}`).toBe(expected)
        }
        for (const { mappings } of timeline)
          for (let i = 1; i < mappings.start.length; i++)
            expect(mappings.start[i]).toBeGreaterThanOrEqual(mappings.end[i - 1]!)
        expect(new Set(timeline.map(({ number }) => number)).size).toBe(timeline.length)
      }),
      { numRuns: 300 },
    )
  })

  it('takes events in any order without overlap or equal numbers', () => {
    const change = fc
      .tuple(fc.nat(50), fc.option(row))
      .map(
        ([timeMs, one]): Change =>
          one === null ? { kind: 'program', timeMs } : { kind: 'map', timeMs, ...one },
      )
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), fc.nat(50), (changes, readMs) => {
        const read = applyReading([], reading('app', APP, LIBC), readMs)
        const timeline = applyChanges(read, changes, nameOf)
        for (const { mappings } of timeline)
          for (let i = 1; i < mappings.start.length; i++)
            expect(mappings.start[i]).toBeGreaterThanOrEqual(mappings.end[i - 1]!)
        expect(new Set(timeline.map(({ number }) => number)).size).toBe(timeline.length)
      }),
    )
  })

  it('is empty of mappings where a program has none', () => {
    expect(apply([], program(3))[0]!.mappings).toBe(NO_MAPPINGS)
  })
})

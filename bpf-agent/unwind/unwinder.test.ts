import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ByteSource, bytesSource } from '../elf/byte-source.ts'
import type { Mappings } from '../host/mappings.ts'
import type { Generation, KnownProcess } from '../host/processes.ts'
import { createFiles, type MappedSource } from './files.ts'
import type { ProcRow } from './kernel-tables.ts'
import { createRowStore } from './row-store.ts'
import { createMemoryKernel, drawElf, drawMappings, drawTable, type Found, shown, slowly } from './testing.ts'
import { createUnwinder } from './unwinder.ts'

// A host of toys. File k has one page: rule k, a gap, rule k + 100, a page each of 4,096 bytes, and its number is its
// ELF entry. Addresses are never used twice, so that a look-up by old mappings cannot be right by chance.
const SIZES = { vmas: 64, pages: 16, rules: 40, rows: 4096, shardRows: 65_536, procs: 64 }
const FILE_PAGES = 3
const ADDRESS_STEP = 0x10_0000

interface Toy {
  readonly tgid: number
  readonly startTicks: number
  mappings: Mappings
}
type Event = { kind: 'fork' | 'exec' | 'exit'; toy: Toy; parent: number }

function createHost(options: { readonly rowsMax?: number; readonly sizes?: Partial<typeof SIZES> } = {}) {
  const living = new Map<number, Toy>()
  const events: Event[] = []
  const state = {
    nowMs: 0,
    starts: 0,
    addresses: 0,
    opened: 0,
    closed: 0,
    lost: 0,
    unreadable: false,
    isUnchecked: false,
  }
  const kernel = createMemoryKernel({ ...SIZES, ...options.sizes }, () => check())
  let walks: { readonly row: ProcRow; readonly mappings: Mappings; readonly endMs: number }[] = []

  /** Whatever is sampled now, or is being walked since less than a second: the rule of its own file, a gap, or nothing. */
  function check(): void {
    if (state.isUnchecked) return
    for (const toy of living.values()) {
      checkRows(toy.mappings, (address) => kernel.lookUp(toy.tgid, toy.startTicks, address))
      const row = kernel.proc(toy.tgid)
      const isWalked = walks.some((walk) => walk.row === row && walk.mappings === toy.mappings)
      if (row?.startTicks === toy.startTicks && !isWalked)
        walks.push({ row, mappings: toy.mappings, endMs: state.nowMs + 900 })
    }
    walks = walks.filter(({ endMs }) => state.nowMs < endMs)
    for (const { row, mappings } of walks) checkRows(mappings, (address) => kernel.lookUpBy(row, address))
  }

  function checkRows(mappings: Mappings, lookUp: (address: number) => Found): void {
    mappings.start.forEach((start, row) => {
      const file = Number(mappings.file[row]!.slice(2))
      const allowed = ['unknown', 'no_mapping', 'no_rows', '.', file, file + 100]
      for (let page = 0; page < FILE_PAGES; page++) {
        const found = shown(lookUp(start + page * 4096 + 7))
        if (!allowed.includes(found)) throw new Error(`file ${file}, page ${page}: ${found}`)
      }
    })
  }

  // As host/processes.ts does it, without its bounds.
  const known = new Map<string, { generations: Generation[]; isStale: boolean; isDead: boolean }>()
  const keyOf = (tgid: number, startTicks: number) => `${tgid} ${startTicks}`
  function read(tgid: number, startTicks: number): boolean {
    const entry = known.get(keyOf(tgid, startTicks)) ?? { generations: [], isStale: false, isDead: false }
    known.set(keyOf(tgid, startTicks), entry)
    const toy = living.get(tgid)
    if (toy?.startTicks !== startTicks) {
      entry.isDead = true
      return false
    }
    entry.isStale = false
    if (entry.generations[0]?.mappings === toy.mappings) return false
    const generation = {
      ...{ number: 0, sinceMs: 0, readMs: 0, mappings: toy.mappings },
      ...{ executable: '', service: '', isKernelThread: false },
    }
    entry.generations = [generation, ...entry.generations]
    return true
  }
  const processes = {
    see(tgid: number, startTicks: number) {
      const entry = known.get(keyOf(tgid, startTicks))
      if (entry !== undefined && entry.generations.length > 0 && !entry.isStale) return
      read(tgid, startTicks)
      afterRead()
    },
    find: (tgid: number, startTicks: number): KnownProcess | undefined => {
      const entry = known.get(keyOf(tgid, startTicks))
      return entry && { tgid, startTicks, parentTgid: 0, ...entry, isRefused: false }
    },
    refresh: read,
  }
  /** Called between the reading of a process and its publishing. */
  let afterRead = () => {}

  const contents = new Map<string, number>() // of inodes that have another content than their number
  const sources = new Map<number, ByteSource>()
  function open(_tgid: number, { file }: { readonly file: string }): MappedSource | undefined {
    if (state.unreadable) return undefined
    state.opened++
    const entry = contents.get(file) ?? Number(file.slice(2))
    const source = sources.get(entry) ?? bytesSource(drawElf({ entry, bytes: 0x3000 }))
    sources.set(entry, source)
    return { source, version: `written at ${entry}`, close: () => void state.closed++ }
  }
  const files = () =>
    createFiles({
      store,
      open,
      versionOf: (_tgid, { file }) => `written at ${contents.get(file) ?? Number(file.slice(2))}`,
      compile: (source) => {
        const entry = source.read(24, 1)[0]!
        return slowly(drawTable(`0: ${entry} . ${entry + 100}`), 1 + (entry % 3))
      },
      vdso: undefined,
      machine: 62,
      nowMs: () => state.nowMs,
    })
  const store = createRowStore(kernel, options.rowsMax ?? SIZES.rows)
  const unwinder = createUnwinder({
    ...{ kernel, store, processes, files: files() },
    statOf: (tgid) => {
      const toy = living.get(tgid)
      return toy && { startTicks: toy.startTicks, isKernelThread: false }
    },
    listProcesses: () => [...living.keys()],
    eventsLost: () => state.lost,
    nowMs: () => (state.nowMs += 0.001), // what is measured takes time
  })

  function mappingsOf(files: readonly number[]): Mappings {
    return drawMappings(
      files.map((file) => [++state.addresses * ADDRESS_STEP, FILE_PAGES, `f:${file}`] as const),
    )
  }
  function spawn(tgid: number, files: readonly number[]): void {
    if (living.has(tgid)) return
    living.set(tgid, { tgid, startTicks: ++state.starts, mappings: mappingsOf(files) })
  }
  function fork(parentTgid: number, tgid: number): void {
    const parent = living.get(parentTgid)
    if (parent === undefined || living.has(tgid)) return
    const toy = { tgid, startTicks: ++state.starts, mappings: parent.mappings }
    living.set(tgid, toy)
    kernel.fork(parentTgid, tgid, toy.startTicks)
    events.push({ kind: 'fork', toy, parent: parentTgid })
  }
  function exec(tgid: number, files: readonly number[], at?: number): void {
    const toy = living.get(tgid)
    if (toy === undefined) return
    toy.mappings = at === undefined ? mappingsOf(files) : drawMappings([[at, FILE_PAGES, `f:${files[0]}`]])
    kernel.exec(tgid)
    events.push({ kind: 'exec', toy, parent: 0 })
  }
  function exit(tgid: number): void {
    const toy = living.get(tgid)
    if (toy === undefined) return
    living.delete(tgid)
    events.push({ kind: 'exit', toy, parent: 0 })
  }
  /** dlopen: one mapping more. */
  function load(tgid: number, file: number): void {
    const toy = living.get(tgid)
    if (toy === undefined || toy.mappings.start.length > 6) return
    const rows = toy.mappings.file.map(
      (name, i) => [toy.mappings.start[i]!, FILE_PAGES, name] as readonly [number, number, string],
    )
    toy.mappings = drawMappings([...rows, [++state.addresses * ADDRESS_STEP, FILE_PAGES, `f:${file}`]])
  }

  function takeEvents(): void {
    for (const { kind, toy, parent } of events.splice(0)) {
      const { tgid, startTicks } = toy
      const entry = known.get(keyOf(tgid, startTicks))
      if (kind === 'fork') {
        const start = [...known.keys()].reverse().find((key) => key.startsWith(`${parent} `))
        const from = start === undefined ? undefined : known.get(start)
        if (from && from.generations.length > 0)
          known.set(keyOf(tgid, startTicks), { ...from, generations: [...from.generations], isDead: false })
        unwinder.onFork(tgid, startTicks)
      } else if (kind === 'exec') {
        if (entry) entry.isStale = true
        unwinder.onExec(tgid, startTicks)
      } else {
        if (entry) entry.isDead = true
        unwinder.onExit(tgid, startTicks)
      }
    }
  }
  function sample(tgid: number): void {
    const toy = living.get(tgid)
    if (toy === undefined) return
    const { startTicks, mappings } = toy
    processes.see(tgid, startTicks)
    unwinder.see(tgid, startTicks)
    for (const start of mappings.start) {
      const { kind } = kernel.lookUp(tgid, startTicks, start)
      if (kind === 'unknown' || kind === 'no_mapping') unwinder.miss(tgid, startTicks, kind)
    }
  }
  function tick(ms: number, sampled: readonly number[] = []): void {
    state.nowMs += ms
    takeEvents()
    for (const tgid of sampled) sample(tgid)
    unwinder.tick(20)
    takeEvents()
  }
  const at = (tgid: number, row = 0, page = 0) => {
    const { startTicks, mappings } = living.get(tgid)!
    return shown(kernel.lookUp(tgid, startTicks, mappings.start[row]! + page * 4096))
  }
  const hostCalls = { spawn, fork, exec, exit, load, tick, sample, check, at }
  return {
    ...{ ...hostCalls, kernel, unwinder, living, state, events, contents },
    /** A sample of one that has ended: it was in the ring. */
    seeDead(tgid: number, startTicks: number) {
      processes.see(tgid, startTicks)
      unwinder.see(tgid, startTicks)
      unwinder.miss(tgid, startTicks, 'unknown')
    },
    /** Once, between a reading and its publishing. */
    meanwhile(happens: () => void) {
      afterRead = () => {
        afterRead = () => {}
        happens()
      }
    },
  }
}

describe('a process', () => {
  it('is found by the rows of its files once it was sampled', () => {
    const host = createHost()
    host.spawn(10, [1, 2])
    host.tick(1000)
    expect(host.at(10)).toBe('unknown')
    host.tick(1000, [10])
    const rows = [0, 1].flatMap((row) => [0, 1, 2].map((page) => host.at(10, row, page)))
    expect(rows).toEqual([1, '.', 101, 2, '.', 102])
    host.tick(1000)
    host.tick(1000)
    expect(host.unwinder.facts()).toMatchObject({ processes: 1, vmas: 2, files: 2, rows: 6, waiting: 0 })
    expect([host.state.opened, host.state.closed]).toEqual([2, 2])
  })

  it('is found before the first sample when it lived already', async () => {
    const host = createHost()
    for (let tgid = 1; tgid <= 9; tgid++) host.spawn(tgid, [tgid % 4, 5])
    await host.unwinder.scan(3000)
    for (let tgid = 1; tgid <= 9; tgid++) expect([host.at(tgid, 0), host.at(tgid, 1)]).toEqual([tgid % 4, 5])
    expect(host.state.opened).toBe(5) // each file once
  })

  it('is found at once when its parent was, without any system call of ours', () => {
    const host = createHost()
    host.spawn(10, [1])
    host.tick(1000, [10])
    host.fork(10, 11)
    expect(host.at(11)).toBe(1)
    host.tick(1000)
    expect(host.unwinder.facts()).toMatchObject({ processes: 2, vmas: 1 }) // one run for both
  })

  it('keeps its run when the parent goes another way', () => {
    const host = createHost()
    host.spawn(10, [1])
    host.tick(1000, [10])
    host.fork(10, 11)
    host.load(10, 2)
    for (let i = 0; i < 6; i++) host.tick(1000, [10])
    expect([host.at(10, 1), host.at(11)]).toEqual([2, 1])
    host.exit(10)
    for (let i = 0; i < 6; i++) host.tick(1000)
    host.spawn(12, [3])
    host.tick(1000, [12])
    expect([host.at(11), host.at(12)]).toEqual([1, 3])
  })

  it('is unknown from the moment it executes until its new mappings are published, which takes no sample', () => {
    const host = createHost()
    host.spawn(10, [1])
    host.tick(1000, [10])
    host.exec(10, [2])
    expect(host.at(10)).toBe('unknown')
    host.tick(1000)
    expect(host.at(10)).toBe(2)
  })

  it('is read for having executed forty times in a row, then five times a second, then by its samples', () => {
    const host = createHost({ sizes: { vmas: 400, procs: 200 } })
    for (let tgid = 1; tgid <= 60; tgid++) host.spawn(tgid, [1])
    for (let tgid = 1; tgid <= 60; tgid++) host.exec(tgid, [2])
    host.tick(1)
    host.tick(1)
    const known = () => [...host.living.keys()].filter((tgid) => host.at(tgid) === 2)
    expect(known()).toEqual(Array.from({ length: 40 }, (_, i) => 21 + i)) // the latest
    for (let tgid = 1; tgid <= 20; tgid++) host.exec(tgid, [2])
    host.tick(1000)
    host.tick(1)
    expect(known().length).toBe(45)
    host.tick(1, [1, 2])
    host.tick(1)
    expect(known().length).toBe(47)
  })

  it('is found in a library that it has loaded, one sample later', () => {
    const host = createHost()
    host.spawn(10, [1])
    host.tick(1000, [10])
    host.load(10, 4)
    expect(host.at(10, 1)).toBe('no_mapping')
    host.tick(1000, [10])
    expect([host.at(10), host.at(10, 1)]).toEqual([1, 4])
  })

  it('stays for two drains after its end, for the samples in the ring', () => {
    const host = createHost()
    host.spawn(10, [1])
    host.tick(1000, [10])
    const { startTicks } = host.living.get(10)!
    host.exit(10)
    host.tick(1000)
    expect(host.kernel.proc(10)).toMatchObject({ startTicks })
    host.tick(1000)
    expect(host.kernel.proc(10)).toBeUndefined()
  })

  it('does not lose its row to the end of one that had its PID before', () => {
    const host = createHost()
    host.spawn(10, [1])
    host.tick(1000, [10])
    host.exit(10)
    host.spawn(10, [2])
    for (let i = 0; i < 5; i++) {
      host.tick(1000, [10])
      expect(host.at(10)).toBe(2)
    }
  })

  it('gets a run with rows as soon as a large file is compiled', () => {
    const host = createHost()
    host.spawn(10, [2]) // three steps
    host.state.nowMs += 1000
    host.sample(10)
    host.unwinder.tick(0)
    expect([host.at(10), host.unwinder.facts().waiting]).toEqual(['no_rows', 1])
    host.tick(1000)
    expect(host.at(10)).toBe(2)
  })

  it('is tried again when its files could not be opened', () => {
    const host = createHost()
    host.state.unreadable = true
    host.spawn(10, [1])
    host.tick(1000, [10])
    expect(host.at(10)).toBe('no_rows')
    host.state.unreadable = false
    host.tick(5000, [10])
    expect(host.at(10)).toBe('no_rows')
    host.tick(6000)
    expect(host.at(10)).toBe(1)
    expect(host.unwinder.facts().refused.get('open')).toBe(1)
  })

  it('gets no rows of what it was when it executes between the reading and the publishing', () => {
    const host = createHost()
    host.spawn(10, [1])
    const { start } = host.living.get(10)!.mappings
    host.meanwhile(() => host.exec(10, [2], start[0])) // programs that are linked to a place all lie there
    host.state.isUnchecked = true // wrong for less than a tick, which nobody can help
    host.tick(1000, [10])
    host.state.isUnchecked = false
    expect(host.at(10)).toBe('unknown')
    host.tick(1000)
    expect(host.at(10)).toBe(2)
  })

  it('gets the rows of the file that has an inode now, not of the one that had it', () => {
    const host = createHost()
    host.spawn(10, [1])
    host.tick(1000, [10])
    host.exit(10)
    host.contents.set('f:1', 9) // a compiler has deleted its a.out, and written the next one
    host.spawn(11, [1])
    host.state.isUnchecked = true // it would look for 1
    host.tick(250, [11])
    host.tick(250)
    expect(host.at(11)).toBe(9)
  })

  it('is not remembered for samples that are read after its end', () => {
    const host = createHost()
    host.spawn(10, [1])
    const { startTicks } = host.living.get(10)!
    host.exit(10)
    host.tick(1000)
    host.seeDead(10, startTicks)
    for (let i = 0; i < 3; i++) host.tick(1000)
    expect(host.unwinder.facts()).toMatchObject({ processes: 0, remembered: 0 })
  })

  it('is found again when events were lost', () => {
    const host = createHost()
    host.spawn(10, [1])
    host.spawn(20, [2])
    host.tick(1000, [10, 20])
    host.fork(10, 11)
    host.exec(20, [3])
    host.fork(11, 12)
    host.exit(10)
    host.events.length = 0
    host.state.lost = 4
    for (let i = 0; i < 4; i++) host.tick(1000, [20])
    expect([host.at(11), host.at(12), host.at(20)]).toEqual([1, 1, 3])
    expect(host.kernel.proc(10)).toBeUndefined()
    expect(host.unwinder.facts().processes).toBe(3)
  })
})

describe('room', () => {
  it('for one more process: none, which is counted and harms nobody', () => {
    const host = createHost({ sizes: { procs: 2, vmas: 6 } })
    for (let tgid = 1; tgid <= 3; tgid++) host.spawn(tgid, [tgid])
    host.tick(1000, [1, 2, 3])
    expect([host.at(1), host.at(2), host.at(3)]).toEqual([1, 2, 'unknown'])
    expect(host.unwinder.facts().refused.get('procs_full')).toBeGreaterThan(0)
  })

  it('for the mappings of one more: none, until another has gone', () => {
    const host = createHost({ sizes: { vmas: 3 } })
    host.spawn(1, [1, 2])
    host.spawn(2, [1, 2])
    host.tick(1000, [1, 2])
    expect([host.at(1), host.at(2)]).toEqual(['no_rows', 'unknown']) // no room either for a second run with rows
    expect(host.unwinder.facts().refused.get('vmas_full')).toBeGreaterThan(0)
    host.exit(1)
    for (let i = 0; i < 24; i++) host.tick(1000, [2])
    expect(host.at(2)).toBe(1)
  })

  it('is made by tables that nobody uses, the longest unused first', () => {
    const host = createHost({ rowsMax: 12 }) // four files of three rows
    for (let file = 1; file <= 4; file++) {
      host.spawn(file, [file])
      host.tick(1000, [file])
    }
    host.exit(2)
    for (let i = 0; i < 5; i++) host.tick(1000, [1])
    host.exit(1)
    for (let i = 0; i < 5; i++) host.tick(1000)
    host.spawn(5, [5])
    host.tick(1000, [5])
    expect([host.at(5), host.at(3), host.at(4)]).toEqual([5, 3, 4])
    host.spawn(6, [1])
    host.tick(1000, [6])
    expect([host.at(6), host.state.opened]).toEqual([1, 5]) // 1 was kept warm, and is the same still
    host.spawn(7, [2])
    host.tick(1000, [7])
    expect([host.at(7), host.unwinder.facts().refused.get('rows_over_budget')]).toEqual(['no_rows', 1])
    host.exit(3)
    for (let i = 0; i < 10; i++) host.tick(1000)
    expect(host.at(7)).toBe('no_rows') // compiling it in vain once a minute is enough
    for (let i = 0; i < 20; i++) host.tick(10_000)
    expect(host.at(7)).toBe(2)
  })

  it('is not made of rows that a walk may still be reading, though its process is gone', () => {
    const host = createHost({ rowsMax: 12 })
    for (let file = 1; file <= 4; file++) {
      host.spawn(file, [file])
      host.tick(1000, [file])
    }
    for (let i = 0; i < 3; i++) host.tick(1000)
    const row = host.kernel.proc(1)!
    const { start } = host.living.get(1)!.mappings
    host.exit(1)
    for (let i = 0; i < 3; i++) host.tick(10)
    host.spawn(5, [5])
    for (let i = 0; i < 3; i++) {
      host.tick(10, [5])
      expect(shown(host.kernel.lookUpBy(row, start[0]!))).toBe(1)
    }
    expect(host.at(5)).toBe('no_rows')
  })

  it('is not given to one file beyond a quarter of it', () => {
    const host = createHost({ rowsMax: 11 })
    host.spawn(1, [1])
    host.tick(1000, [1])
    expect([host.at(1), host.unwinder.facts().refused.get('too_many_rows')]).toEqual(['no_rows', 1])
  })
})

describe('whatever comes, forks, executes, loads and ends, in any order', () => {
  const tgid = fc.integer({ min: 1, max: 5 })
  const file = fc.integer({ min: 1, max: 7 })
  const someFiles = fc.uniqueArray(file, { minLength: 1, maxLength: 3 })
  const step = fc.oneof(
    fc.record({ call: fc.constant('spawn' as const), tgid, files: someFiles }),
    fc.record({ call: fc.constant('fork' as const), tgid, child: tgid }),
    fc.record({ call: fc.constant('exec' as const), tgid, files: someFiles }),
    fc.record({ call: fc.constant('exit' as const), tgid }),
    fc.record({ call: fc.constant('load' as const), tgid, file }),
    fc.record({ call: fc.constant('lose' as const) }),
    fc.record({
      call: fc.constant('tick' as const),
      ms: fc.constantFrom(1, 250, 250, 1000, 1000, 30_000, 700_000),
      sampled: fc.uniqueArray(tgid),
    }),
  )
  type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

  function run(host: ReturnType<typeof createHost>, steps: readonly Step[]): void {
    for (const one of steps) {
      if (one.call === 'spawn') host.spawn(one.tgid, one.files)
      else if (one.call === 'fork') host.fork(one.tgid, one.child)
      else if (one.call === 'exec') host.exec(one.tgid, one.files)
      else if (one.call === 'exit') host.exit(one.tgid)
      else if (one.call === 'load') host.load(one.tgid, one.file)
      else if (one.call === 'lose') host.state.lost += host.events.splice(0).length
      else host.tick(one.ms, one.sampled)
      host.check()
    }
  }

  it('no look-up ever meets another file’s rows, and in the end all are found', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const host = createHost()
        run(host, steps)
        const all = [...host.living.keys()]
        for (let i = 0; i < 8; i++) host.tick(1100, all)
        for (const toy of host.living.values())
          toy.mappings.file.forEach((name, row) => {
            expect([name, host.at(toy.tgid, row)]).toEqual([name, Number(name.slice(2))])
          })
        for (const one of all) host.exit(one)
        for (let i = 0; i < 6; i++) host.tick(1000)
        host.tick(700_000)
        host.tick(20_000)
        expect(host.unwinder.facts()).toMatchObject({
          ...{ processes: 0, remembered: 0, vmas: 0, files: 0, rows: 0, pages: 0, rules: 1, bytes: 0 },
        })
        expect(host.kernel.procIds()).toEqual([])
        expect(host.state.closed).toBe(host.state.opened)
      }),
      { numRuns: 300 },
    )
  })

  it('nor where there is too little room for all', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        run(createHost({ rowsMax: 12, sizes: { vmas: 9, pages: 4, rules: 6, procs: 3 } }), steps)
      }),
      { numRuns: 300 },
    )
  })
})

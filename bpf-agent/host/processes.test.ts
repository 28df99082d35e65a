import { type ChildProcess, spawn } from 'node:child_process'
import { copyFileSync, existsSync, readFileSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../symbolize/testing.ts'
import { monotonicMs } from './clock.ts'
import type { Mappings } from './mappings.ts'
import { readStat } from './proc.ts'
import { createProcesses } from './processes.ts'
import { drawTimeline, library } from './testing.ts'

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

async function start(command: string, args: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(command, args, {
    env: { PATH: process.env.PATH!, ...env },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  children.push(child)
  const tgid = child.pid!
  await until(() => executableOf(tgid) !== executableOf(process.pid) || command === process.execPath)
  return { child, tgid, startTicks: readStat(tgid)!.startTicks }
}
const executableOf = (tgid: number) => readFileSync(`/proc/${tgid}/comm`, 'utf8')

async function until(truth: () => boolean): Promise<void> {
  const endMs = performance.now() + 10_000
  while (!truth()) {
    if (performance.now() > endMs) throw new Error(`never came true: ${truth}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** A clock that a test moves. */
function clock() {
  let nowMs = 1000
  return { nowMs: () => nowMs, pass: (ms: number) => (nowMs += ms), cpuMs: () => 0 }
}

describe('createProcesses', () => {
  it('reads mappings and names of a living process when a sample of it comes', async () => {
    const { tgid, startTicks } = await start('sleep', ['30'], { OTEL_SERVICE_NAME: 'napper' })
    const held: (readonly [number, Mappings])[] = []
    const processes = createProcesses()
    processes.connect({ hold: (pid, mappings) => held.push([pid, mappings]) > 0, release: () => {} })
    processes.see(tgid, startTicks)
    const found = processes.find(tgid, startTicks)!
    expect(found.generations).toHaveLength(1)
    expect(found.generations[0]).toMatchObject({
      executable: 'sleep',
      service: 'napper',
      isKernelThread: false,
    })
    expect(found.generations[0]!.mappings.path.some((path) => path.includes('/libc'))).toBe(true)
    expect(held).toEqual([[tgid, found.generations[0]!.mappings]])
  })

  it('does not look into environments when told so', async () => {
    const { tgid, startTicks } = await start('sleep', ['30'], { OTEL_SERVICE_NAME: 'napper' })
    const processes = createProcesses({ readsEnvironment: false })
    processes.see(tgid, startTicks)
    expect(processes.find(tgid, startTicks)!.generations[0]!.service).not.toBe('napper')
  })

  it('never takes another process for the one that was sampled: same PID, other start', async () => {
    const { tgid, startTicks } = await start('sleep', ['30'])
    const processes = createProcesses()
    processes.see(tgid, startTicks - 1)
    expect(processes.find(tgid, startTicks - 1)).toMatchObject({ generations: [], isDead: true })
    expect([...processes.misses]).toEqual([['gone', 1]])
  })

  it('keeps what a process was before it executed another program, and knows that it must read again', async () => {
    const { child, tgid, startTicks } = await start('sh', ['-c', 'read line; exec sleep 30'])
    const time = clock()
    const processes = createProcesses(time)
    processes.see(tgid, startTicks)
    const shell = processes.find(tgid, startTicks)!.generations[0]!
    child.stdin!.write('go\n')
    await until(() => executableOf(tgid) === 'sleep\n')
    time.pass(1)
    processes.onExec(tgid, startTicks, time.nowMs())
    expect(processes.find(tgid, startTicks)!.isStale).toBe(true)
    processes.see(tgid, startTicks)
    const { generations, isStale } = processes.find(tgid, startTicks)!
    expect(isStale).toBe(false)
    expect(generations.map(({ executable }) => executable)).toEqual(['sleep', shell.executable])
    expect(generations[1]).toEqual(shell)
  })

  it('knows a forked child at once, by its parent', async () => {
    const { tgid, startTicks } = await start('sleep', ['30'])
    const processes = createProcesses()
    processes.see(tgid, startTicks)
    processes.onFork(tgid, 2 ** 22 + 1, 77, monotonicMs())
    const [parents] = processes.find(tgid, startTicks)!.generations
    const [childs] = processes.find(2 ** 22 + 1, 77)!.generations
    expect(childs!.mappings).toBe(parents!.mappings)
    expect(childs).toMatchObject({ executable: 'sleep', service: parents!.service })
    processes.onExit(tgid, startTicks, 0)
    processes.onFork(tgid, 2 ** 22 + 2, 78, monotonicMs())
    expect(processes.find(2 ** 22 + 2, 78)!.generations).toEqual([])
  })

  it('reads again when an address was found nowhere, at most once a second', async () => {
    const script =
      'process.stdin.once("data", () => process.dlopen({ exports: {} }, process.argv[1])); console.log("ready")'
    const { child, tgid, startTicks } = await start(process.execPath, ['-e', script, koffiPath()])
    await new Promise((resolve) => child.stdout!.once('data', resolve))
    const time = clock()
    const processes = createProcesses(time)
    processes.see(tgid, startTicks)
    child.stdin!.write('go\n')
    await until(() => readFileSync(`/proc/${tgid}/maps`, 'utf8').includes('koffi'))
    expect(processes.refresh(tgid, startTicks)).toBe(false)
    time.pass(1000)
    expect(processes.refresh(tgid, startTicks)).toBe(true)
    const { generations } = processes.find(tgid, startTicks)!
    expect(generations).toHaveLength(1) // what is new may have been there before: nothing else was
    expect(generations[0]!.mappings.path.some((path) => path.includes('koffi'))).toBe(true)
  })

  it('reads a quiet process ever more rarely', async () => {
    const { tgid, startTicks } = await start('sleep', ['30'])
    const time = clock()
    let reads = 0
    const processes = createProcesses({
      nowMs: time.nowMs,
      cpuMs: () => {
        reads += 0.5
        return 0
      },
    })
    for (let i = 0; i < 600; i++) {
      processes.see(tgid, startTicks)
      time.pass(100)
    }
    expect(reads).toBeLessThan(12)
    expect(reads).toBeGreaterThan(5)
  })

  it('spends at most a tenth of a CPU on reading', async () => {
    const { tgid, startTicks } = await start('sleep', ['30'])
    const time = clock()
    let cpu = 0
    const processes = createProcesses({ nowMs: time.nowMs, cpuMs: () => (cpu += 60) })
    processes.see(tgid, startTicks)
    time.pass(1)
    processes.onExec(tgid, startTicks, time.nowMs())
    processes.see(tgid, startTicks)
    time.pass(1)
    processes.onExec(tgid, startTicks, time.nowMs())
    processes.see(tgid, startTicks) // 120 ms are spent in this second: not read
    expect(processes.find(tgid, startTicks)!.isStale).toBe(true)
    time.pass(1000)
    processes.see(tgid, startTicks)
    expect(processes.find(tgid, startTicks)!.isStale).toBe(false)
  })

  it('names a program whose file is deleted, and threads of the kernel', async () => {
    const file = join(temporaryFolder(), 'vanishing')
    copyFileSync('/bin/sleep', file)
    const { tgid, startTicks } = await start(file, ['30'])
    unlinkSync(file)
    const processes = createProcesses()
    processes.see(tgid, startTicks)
    expect(processes.find(tgid, startTicks)!.generations[0]).toMatchObject({ executable: 'vanishing' })
    const kthreadd = readStat(2)!.startTicks
    processes.see(2, kthreadd)
    expect(processes.find(2, kthreadd)!.generations[0]).toMatchObject({
      service: '[kernel]',
      isKernelThread: true,
    })
  })

  it('keeps the dead for half a minute, the unseen for ten, and lets their files go', async () => {
    const one = await start('sleep', ['30'])
    const two = await start('sleep', ['31'])
    const processes = createProcesses()
    const released: ((file: string) => boolean)[] = []
    processes.connect({ hold: () => true, release: (isMapped) => released.push(isMapped) })
    processes.see(one.tgid, one.startTicks)
    processes.see(two.tgid, two.startTicks)
    const file = processes.find(one.tgid, one.startTicks)!.generations[0]!.mappings.file[0]!
    processes.onExit(one.tgid, one.startTicks, 0)
    processes.sweep(0)
    processes.sweep(29_000)
    expect(processes.find(one.tgid, one.startTicks)).toBeDefined()
    processes.sweep(36_000)
    expect(processes.find(one.tgid, one.startTicks)).toBeUndefined()
    expect(processes.find(two.tgid, two.startTicks)).toBeDefined()
    expect(released.at(-1)!(file)).toBe(true)
    processes.sweep(700_000)
    expect(processes.count).toBe(0)
    expect(released.at(-1)!(file)).toBe(false)
  })

  it('forgets the least recently seen when its table is full, and counts it', () => {
    const processes = createProcesses({ processesMax: 3 })
    for (const tgid of [1, 2, 3]) processes.see(2 ** 30 + tgid, 1)
    processes.see(2 ** 30 + 1, 1)
    processes.see(2 ** 30 + 4, 1)
    const kept = [1, 2, 3, 4].filter((tgid) => processes.find(2 ** 30 + tgid, 1))
    expect(kept).toEqual([1, 3, 4])
    expect(processes.misses.get('table_full')).toBe(1)
  })

  it('ignores what happens to processes that it knows nothing of', () => {
    const processes = createProcesses()
    processes.onExec(5, 5, 0)
    processes.onExit(5, 5, 0)
    processes.onProgram(5, 0)
    expect(processes.onMap(5, library('/a', 0x1000), 0)).toBeUndefined()
    expect(processes.refresh(5, 5)).toBe(false)
    expect(processes.count).toBe(0)
  })
})

describe('processes known by events', () => {
  const [SH, APP, LIBC] = [
    library('/bin/sh', 0x1000),
    library('/bin/app', 0x3000),
    library('/lib/libc', 0x9000),
  ]
  const PARENT = 2 ** 30
  const CHILD = PARENT + 1

  /** A shell that was seen when it was executed, at 1000. */
  function withShell() {
    const time = clock()
    const processes = createProcesses(time)
    processes.onFork(1, PARENT, 5, 999)
    processes.onProgram(PARENT, 1000)
    processes.onMap(PARENT, SH, 1000.1)
    processes.onExec(PARENT, 5, 1000.2)
    processes.onMap(PARENT, LIBC, 1001)
    return { processes, time }
  }
  const timelineOf = (processes: ReturnType<typeof createProcesses>, tgid: number, startTicks: number) =>
    drawTimeline(processes.find(tgid, startTicks)!.generations)

  it('are known without being read, from the moment in which they were executed', () => {
    const { processes } = withShell()
    expect(timelineOf(processes, PARENT, 5)).toEqual([
      '1 since 1000: sh | 1000-2000 /bin/sh | 9000-a000 /lib/libc',
    ])
    expect(processes.find(PARENT, 5)).toMatchObject({ isStale: false, isDead: false })
    expect(processes.generationAt(PARENT, 5, 1500)).toMatchObject({
      executable: 'sh',
      service: 'sh',
      number: 1,
    })
    expect(processes.generationAt(PARENT, 6, 1500)).toBeUndefined()
  })

  it('tell the child from the parent, and what both were when', () => {
    const { processes } = withShell()
    processes.onFork(PARENT, CHILD, 7, 1010)
    processes.onMap(PARENT, library('/lib/later', 0xb000), 1015)
    processes.onProgram(CHILD, 1020)
    expect(processes.onMap(CHILD, APP, 1020.1)).toBe(7)
    processes.onExec(CHILD, 7, 1020.2)
    processes.onExit(CHILD, 7, 1050)
    expect(timelineOf(processes, CHILD, 7)).toEqual([
      '2 since 1020: app | 3000-4000 /bin/app',
      '1 since 1000: sh | 1000-2000 /bin/sh | 9000-a000 /lib/libc',
    ])
    expect(processes.generationAt(CHILD, 7, 1019)).toMatchObject({ executable: 'sh' })
    expect(processes.generationAt(CHILD, 7, 1021)).toMatchObject({ executable: 'app' })
  })

  it('mean the youngest process of a PID, never one that has ended', () => {
    const { processes } = withShell()
    processes.onExit(PARENT, 5, 1100)
    expect(processes.onMap(PARENT, APP, 1101)).toBeUndefined()
    processes.onFork(1, PARENT, 9, 1102)
    expect(processes.onMap(PARENT, APP, 1103)).toBe(9)
    processes.onProgram(PARENT, 1104)
    processes.onMap(PARENT, APP, 1105)
    expect(timelineOf(processes, PARENT, 5)).toHaveLength(1)
    expect(timelineOf(processes, PARENT, 9)).toEqual(['1 since 1104: app | 3000-4000 /bin/app'])
  })

  it('know nothing of a program whose beginning went untold: it is read', () => {
    const { processes } = withShell()
    processes.onMap(PARENT, APP, 1200)
    processes.onExec(PARENT, 5, 1201)
    expect(processes.find(PARENT, 5)!.isStale).toBe(true)
    expect(timelineOf(processes, PARENT, 5)[0]).toBe('2 since 1201: ')
  })

  it('say that something is new, before anything is read', () => {
    const { processes } = withShell()
    expect(processes.refresh(PARENT, 5)).toBe(true)
    processes.onMap(PARENT, APP, 1200)
    expect(processes.refresh(PARENT, 5)).toBe(true)
    expect([...processes.misses]).toEqual([])
  })

  it('are called as their family is until somebody reads them', async () => {
    const parent = await start('sh', ['-c', 'read line'], { OTEL_SERVICE_NAME: 'shop' })
    const processes = createProcesses()
    processes.see(parent.tgid, parent.startTicks)
    const nowMs = monotonicMs()
    processes.onFork(parent.tgid, CHILD, 7, nowMs)
    processes.onProgram(CHILD, nowMs + 1)
    processes.onMap(CHILD, APP, nowMs + 1)
    expect(processes.generationAt(CHILD, 7, nowMs + 2)).toMatchObject({ executable: 'app', service: 'shop' })
  })

  it('take only the name from /proc when they are sampled, while they live', async () => {
    const { tgid, startTicks } = await start('sleep', ['30'], { OTEL_SERVICE_NAME: 'napper' })
    const time = clock()
    const processes = createProcesses(time)
    processes.onFork(1, tgid, startTicks, 999)
    processes.onProgram(tgid, 1000)
    processes.onMap(tgid, library('/bin/sleep', 0x1000), 1000)
    processes.onExec(tgid, startTicks, 1000)
    processes.see(tgid, startTicks)
    const [only] = processes.find(tgid, startTicks)!.generations
    expect(only).toMatchObject({ executable: 'sleep', service: 'napper', number: 1 })
    expect(only!.mappings.path).toEqual(['/bin/sleep'])
    time.pass(2000) // and all of it later: something may have been unmapped
    processes.see(tgid, startTicks)
    expect(processes.find(tgid, startTicks)!.generations[0]!.mappings.path.length).toBeGreaterThan(2)
  })

  it('are read soon when mappings went untold', async () => {
    const { tgid, startTicks } = await start('sleep', ['30'])
    const time = clock()
    const processes = createProcesses(time)
    processes.onFork(1, tgid, startTicks, 999)
    processes.onProgram(tgid, 1000)
    processes.onMap(tgid, library('/bin/sleep', 0x1000), 1000)
    processes.onExec(tgid, startTicks, 1000)
    time.pass(1)
    processes.onLost()
    time.pass(250)
    processes.see(tgid, startTicks)
    expect(processes.find(tgid, startTicks)!.generations[0]!.mappings.path.length).toBeGreaterThan(2)
  })

  it('are read when a file of theirs cannot be opened by what events call it', async () => {
    const { tgid, startTicks } = await start('sleep', ['30'])
    const processes = createProcesses(clock())
    processes.connect({ hold: (_tgid, { path }) => path.length > 1, release: () => {} })
    processes.onFork(1, tgid, startTicks, 999)
    processes.onProgram(tgid, 1000)
    processes.onMap(tgid, library('/bin/sleep', 0x1000), 1000)
    processes.see(tgid, startTicks)
    expect(processes.find(tgid, startTicks)!.generations[0]!.mappings.path.length).toBeGreaterThan(2)
  })

  it('hold files by the living parent, should they have ended', () => {
    const { processes } = withShell()
    const origins: unknown[] = []
    processes.connect({ hold: (_tgid, _mappings, origin) => origins.push(origin) > 0, release: () => {} })
    processes.onFork(PARENT, CHILD, 7, 1010)
    processes.onProgram(CHILD, 1020)
    processes.onMap(CHILD, APP, 1020)
    processes.onExit(CHILD, 7, 1030)
    processes.find(CHILD, 7)
    expect(origins.at(-1)).toEqual({ parentTgid: PARENT, sinceMs: 1020 })
  })

  it('are forgotten at once when they have ended without a sample, before all others when there is no room', () => {
    const processes = createProcesses({ ...clock(), processesMax: 4 })
    processes.see(PARENT, 5)
    for (let i = 1; i <= 50; i++) {
      processes.onFork(PARENT, PARENT + i, 10 + i, 1000 + i)
      processes.onExit(PARENT + i, 10 + i, 1000 + i)
    }
    expect(processes.find(PARENT, 5)).toBeDefined()
    processes.sweep(10_000)
    processes.sweep(16_000)
    expect(processes.count).toBe(1)
  })

  it('have a bounded memory: who maps without end loses his own history', () => {
    const { processes, time } = withShell()
    for (let i = 0; i < 20_000; i++) {
      time.pass(1)
      processes.onMap(PARENT, library(`/tmp/${i}`, 0x20_0000), time.nowMs())
    }
    const { generations } = processes.find(PARENT, 5)!
    expect(generations.length).toBe(64)
    expect(generations[0]!.mappings.path).toContain('/tmp/19999')
    expect(processes.misses.get('history_full')).toBeGreaterThan(0)
  })
})

/** A real shared library that node can load: koffi's own. */
function koffiPath(): string {
  const names = [
    '@koromix/koffi-linux-x64/linux_x64/koffi.node',
    '@koromix/koffi-linux-arm64/linux_arm64/koffi.node',
  ]
  return names.map((name) => `${process.cwd()}/node_modules/${name}`).find((path) => existsSync(path))!
}

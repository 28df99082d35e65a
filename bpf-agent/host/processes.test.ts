import { type ChildProcess, spawn } from 'node:child_process'
import { copyFileSync, existsSync, readFileSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../symbolize/testing.ts'
import type { Mappings } from './mappings.ts'
import { readStat } from './proc.ts'
import { createProcesses } from './processes.ts'

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
    processes.connect({ hold: (pid, mappings) => held.push([pid, mappings]), release: () => {} })
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
    processes.onExec(tgid, startTicks, 0)
    expect(processes.find(tgid, startTicks)!.isStale).toBe(true)
    processes.see(tgid, startTicks)
    const { generations, isStale } = processes.find(tgid, startTicks)!
    expect(isStale).toBe(false)
    expect(generations.map(({ executable }) => executable)).toEqual(['sleep', shell.executable])
    expect(generations[1]).toBe(shell)
  })

  it('knows a forked child at once, by its parent', async () => {
    const { tgid, startTicks } = await start('sleep', ['30'])
    const processes = createProcesses()
    processes.see(tgid, startTicks)
    processes.onFork(tgid, 2 ** 22 + 1, 77, 0)
    expect(processes.find(2 ** 22 + 1, 77)!.generations).toEqual(
      processes.find(tgid, startTicks)!.generations,
    )
    processes.onExit(tgid, startTicks, 0)
    processes.onFork(tgid, 2 ** 22 + 2, 78, 0)
    expect(processes.find(2 ** 22 + 2, 78)).toBeUndefined()
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
    const [newest, older] = processes.find(tgid, startTicks)!.generations
    expect(newest!.mappings.path.some((path) => path.includes('koffi'))).toBe(true)
    expect(older!.mappings.path.some((path) => path.includes('koffi'))).toBe(false)
  })

  it('reads again at once when it has mapped code, but for a twentieth of the time at most', async () => {
    const { tgid, startTicks } = await start('sleep', ['30'])
    const time = clock()
    let cpuMs = 0
    let reads = 0
    const processes = createProcesses({
      nowMs: time.nowMs,
      cpuMs: () => (cpuMs += 5), // each reading takes 5 ms
    })
    processes.connect({ hold: () => reads++, release: () => {} })
    expect(processes.remap(tgid)).toBeUndefined() // nobody has asked for it
    processes.see(tgid, startTicks)
    const before = cpuMs
    expect([processes.remap(tgid), cpuMs]).toEqual([startTicks, before])
    time.pass(100)
    expect([processes.remap(tgid), cpuMs]).toEqual([startTicks, before + 10])
    expect(reads).toBe(1) // and has found the same
    processes.onExit(tgid, startTicks, 0)
    expect(processes.remap(tgid)).toBeUndefined()
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
    processes.onExec(tgid, startTicks, 0)
    processes.see(tgid, startTicks)
    processes.onExec(tgid, startTicks, 0)
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
    processes.connect({ hold: () => {}, release: (isMapped) => released.push(isMapped) })
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

  it('ignores what happens to processes that were never sampled', () => {
    const processes = createProcesses()
    processes.onExec(5, 5, 0)
    processes.onExit(5, 5, 0)
    processes.onFork(5, 6, 6, 0)
    expect(processes.refresh(5, 5)).toBe(false)
    expect(processes.count).toBe(0)
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

// The real kernel: these tests load the real object and sample real programs. They need root (or BPF and PERFMON), clang
// and bpftool to build the object, gcc and nm for the programs.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { accountTicks, idleMsOf } from './accounting.ts'
import { CannotSample } from './load.ts'
import { createSampler, ringBytesFor, type Sampler } from './sampler.ts'

const isRoot = process.getuid?.() === 0
const work = mkdtempSync(path.join(tmpdir(), 'flametrail-sampler-'))
const monotonicMs = () => Number(process.hrtime.bigint()) / 1e6
const children: ChildProcess[] = []

// Four functions deep, with frame pointers; the leaf uses its stack, or gcc 12 would leave it without a frame.
const PROGRAM = `
#include <stdio.h>
#include <unistd.h>
__attribute__((noinline)) static void leaf_work(void) { volatile char room[256]; for (int i = 0; i < 20000; i++) room[i & 255] = i; }
__attribute__((noinline)) void middle_work(void) { for (int i = 0; i < 50; i++) leaf_work(); __asm__ volatile(""); }
__attribute__((noinline)) void outer_work(void) { for (int i = 0; i < 50; i++) middle_work(); __asm__ volatile(""); }
int main(void) { printf("%p\\n", (void *)main); fflush(stdout); for (;;) { outer_work(); getppid(); } }
`
const CHAIN = ['leaf_work', 'middle_work', 'outer_work', 'main']

function sampler(change: Partial<Parameters<typeof createSampler>[0]> = {}): Sampler {
  const options = {
    frequencyHz: 97,
    userFramesMax: 512,
    excludedCgroups: [],
    objectFolder: work,
    monotonicMs,
  }
  return createSampler({ ...options, ...change })
}

interface Sample {
  readonly tgid: number
  readonly startTicks: number
  readonly stop: string
  readonly user: readonly bigint[]
}

function drainAll(from: Sampler): Sample[] {
  const samples: Sample[] = []
  for (let batch = from.next(); batch.count > 0; batch = from.next())
    for (let i = 0; i < batch.count; i++) {
      const user: bigint[] = []
      for (let k = batch.frameStart[i]! + batch.kernelFrames[i]!; k < batch.frameStart[i + 1]!; k++)
        user.push((BigInt(batch.addressHigh[k]!) << 32n) | BigInt(batch.addressLow[k]!))
      const stop = from.stopNames[batch.stop[i]!]!
      samples.push({ tgid: batch.tgid[i]!, startTicks: batch.startTicks[i]!, stop, user })
    }
  return samples
}

/** Starts a program that is busy until the tests end.  out  its PID, and a name for an address in it */
async function busyProgram() {
  const child = spawn(path.join(work, 'program'), { stdio: ['ignore', 'pipe', 'ignore'] })
  children.push(child)
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const symbols = execFileSync('nm', ['-S', '--defined-only', path.join(work, 'program')])
    .toString()
    .split('\n')
    .map((text) => text.split(' '))
    .filter(([, , kind, name]) => name !== undefined && kind?.toLowerCase() === 't')
    .map(([start, size, , name]) => ({ start: BigInt(`0x${start}`), size: BigInt(`0x${size}`), name: name! }))
  const bias = BigInt(line.toString().trim()) - symbols.find(({ name }) => name === 'main')!.start
  const nameOf = (address: bigint) =>
    symbols.find(({ start, size }) => address - bias >= start && address - bias < start + size)?.name ?? '?'
  return { pid: child.pid!, nameOf }
}

/** Waits for what must come, however busy the machine is. */
async function until(isTrue: () => boolean): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (isTrue()) return
    await sleep(50)
  }
  throw new Error(`did not come within 10 s: ${isTrue}`)
}

const total = (counts: ReadonlyMap<string, number>) => [...counts.values()].reduce((sum, one) => sum + one, 0)

describe.skipIf(!isRoot)('the sampler on this kernel', () => {
  beforeAll(() => {
    execFileSync(process.execPath, [path.join(import.meta.dirname, '../bpf/build.mjs'), work])
    writeFileSync(path.join(work, 'program.c'), PROGRAM)
    execFileSync('gcc', ['-O1', '-fno-omit-frame-pointer', '-fno-inline', '-o', 'program', 'program.c'], {
      cwd: work,
    })
  })
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL')
  })
  afterAll(() => {
    rmSync(work, { recursive: true, force: true })
  })

  it('gives every tick a name, and sees the whole chain of a program with frame pointers', {
    timeout: 20_000,
  }, async () => {
    const { pid, nameOf } = await busyProgram()
    const running = sampler()
    try {
      const idleBefore = idleMsOf(readFileSync('/proc/stat', 'latin1'))
      running.start()
      await sleep(3000)
      running.stop()
      const idleMs = idleMsOf(readFileSync('/proc/stat', 'latin1')) - idleBefore
      const samples = drainAll(running)
      const counters = running.counters()

      expect(counters.ticks).toBe(counters.idle + counters.records + total(counters.dropped))
      expect(total(counters.stopped)).toBe(counters.records)
      expect(samples.length).toBe(counters.records)

      const cpuMs = running.cpuMs(monotonicMs())
      const facts = {
        frequencyHz: 97,
        cpuMs,
        idleMs,
        counters,
        drained: samples.length,
        lostLater: new Map(),
      }
      const { expected, idle, received, dropped } = accountTicks(facts)
      expect(expected).toBeGreaterThan(97 * 3 * running.cpus)
      expect(Math.abs(expected - received - idle - total(dropped))).toBeLessThan(0.02 * expected)

      // It had one CPU nearly to itself, or its share of a crowded one.
      const ours = samples.filter(({ tgid }) => tgid === pid)
      expect(ours.length).toBeGreaterThan(20)
      const startTicks = Number(readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]!.split(' ')[19])
      expect(new Set(ours.map((sample) => sample.startTicks))).toEqual(new Set([startTicks % 2 ** 32]))
      const whole = ours.filter(({ user }) => user.slice(0, 4).map(nameOf).join() === CHAIN.join())
      expect(whole.length).toBeGreaterThan(0.95 * ours.length)
    } finally {
      running.close()
    }
  })

  it('tells of a process that begins, changes its program and ends', async () => {
    const running = sampler()
    try {
      const { pid } = spawnSync('/bin/true')
      await sleep(20)
      const events = running.events().filter(({ tgid }) => tgid === pid)
      expect(events.map(({ kind }) => kind)).toEqual(['fork', 'exec', 'exit'])
      expect(events[0]!.parentTgid).toBe(process.pid)
      expect(new Set(events.map(({ startTicks }) => startTicks)).size).toBe(1)
      expect(monotonicMs() - events[2]!.timeMs).toBeLessThan(30_000)
      expect(running.counters().eventsLost).toBe(0)
    } finally {
      running.close()
    }
  })

  const mount = unifiedMount()
  it.skipIf(mount === undefined)('counts what an excluded cgroup did and samples none of it', async () => {
    const { pid } = await busyProgram()
    const folder = path.join(mount!, `flametrail-test-${process.pid}`)
    mkdirSync(folder)
    let excluding: Sampler | undefined
    try {
      writeFileSync(path.join(folder, 'cgroup.procs'), String(pid))
      excluding = sampler({ excludedCgroups: [statSync(folder, { bigint: true }).ino] })
      excluding.start()
      await until(() => (excluding!.counters().dropped.get('filtered') ?? 0) > 5)
      excluding.stop()
      expect(drainAll(excluding).filter(({ tgid }) => tgid === pid)).toEqual([])
    } finally {
      excluding?.close()
      writeFileSync(path.join(mount!, 'cgroup.procs'), String(pid))
      rmdirSync(folder)
    }
  })

  it('cuts stacks at the depth that it was told', async () => {
    const { pid } = await busyProgram()
    const running = sampler({ userFramesMax: 2 })
    try {
      running.start()
      const ours: Sample[] = []
      await until(() => ours.push(...drainAll(running).filter(({ tgid }) => tgid === pid)) > 5)
      expect(new Set(ours.map(({ user }) => user.length))).toEqual(new Set([2]))
      expect(new Set(ours.map(({ stop }) => stop))).toEqual(new Set(['depth']))
    } finally {
      running.close()
    }
  })

  it('says what is wrong with an object that is not there or not whole', () => {
    expect(() => sampler({ objectFolder: '/nonexistent' })).toThrow(
      /no BPF object .* build it: npm run build bpf/,
    )
    const folder = path.join(work, 'cut')
    mkdirSync(folder)
    const copy = (name: string, bytes: number) =>
      writeFileSync(path.join(folder, name), readFileSync(path.join(work, name)).subarray(0, bytes))
    copy(`${process.arch}.json`, 1e6)
    copy(`${process.arch}.bin`, 1000)
    expect(() => sampler({ objectFolder: folder })).toThrow(/has 1000 bytes, its manifest says/)
    writeFileSync(
      path.join(folder, `${process.arch}.bin`),
      Buffer.alloc(statSync(path.join(work, `${process.arch}.bin`)).size),
    )
    expect(() => sampler({ objectFolder: folder })).toThrow(CannotSample)
  })
})

describe('ringBytesFor', () => {
  it('holds four seconds of mean records within 1 and 32 MiB', () => {
    expect(ringBytesFor(19, 2)).toBe(2 ** 20)
    expect(ringBytesFor(97, 16)).toBe(2 ** 22)
    expect(ringBytesFor(499, 512)).toBe(2 ** 25)
  })
})

function unifiedMount(): string | undefined {
  const line = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .find((one) => / - cgroup2 /.test(one) && / rw/.test(one))
  return line?.split(' ')[4]
}

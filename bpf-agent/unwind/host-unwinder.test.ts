// The real kernel: programs without frame pointers, sampled and unwound by the rows of their own files. Needs root (or
// BPF and PERFMON), clang and bpftool to build the object, gcc and nm for the programs.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { followProcesses } from '../follow.ts'
import { monotonicMs } from '../host/clock.ts'
import { createProcesses } from '../host/processes.ts'
import { listenToMappings } from '../kernel/mapping-events.ts'
import { createSampler } from '../kernel/sampler.ts'
import { openMappedSource, versionOfMapped } from '../mapped-source.ts'
import { createHostUnwinder } from './host-unwinder.ts'

const isHere = process.getuid?.() === 0 && process.arch === 'x64'
const work = mkdtempSync(path.join(tmpdir(), 'flametrail-tables-'))
const children: ChildProcess[] = []
const DEPTH = 20

// Twenty calls deep without a frame pointer, each frame of another size every second time; forks when it is told to.
const PROGRAM = `
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>
volatile unsigned long sink;
__attribute__((noinline)) void leaf(void) { for (int i = 0; i < 20000; i++) sink += i; }
__attribute__((noinline)) int odd(int);
__attribute__((noinline)) int even(int n) { if (n == 0) { leaf(); return 1; } int r = odd(n - 1); sink += r; return r + 1; }
__attribute__((noinline)) int odd(int n) { volatile char room[200]; room[n] = n; int r = even(n - 1); sink += room[n]; return r + 1; }
__attribute__((noinline)) void clocks(void) { struct timespec t; for (;;) clock_gettime(CLOCK_MONOTONIC, &t); }
int main(int argc, char **argv) { if (argc > 1 && !strcmp(argv[1], "clock")) clocks(); if (argc > 1 && fork() == 0) prctl(PR_SET_PDEATHSIG, SIGKILL); for (;;) sink += even(${DEPTH}); }
`
let program = ''
let functions: { readonly start: number; readonly end: number; readonly name: string }[] = []

beforeAll(() => {
  if (!isHere) return
  execFileSync(process.execPath, [path.join(import.meta.dirname, '../bpf/build.mjs'), work])
  const source = path.join(work, 'deep.c')
  program = path.join(work, 'deep')
  writeFileSync(source, PROGRAM)
  execFileSync('gcc', ['-O2', '-fomit-frame-pointer', '-no-pie', '-fno-ipa-cp', '-o', program, source])
  functions = execFileSync('nm', ['-S', '--defined-only', program], { encoding: 'utf8' })
    .split('\n')
    .map((line) => line.split(' '))
    .filter((words) => words.length === 4)
    .map(([start, size, , name]) => ({
      start: Number.parseInt(start!, 16),
      end: Number.parseInt(start!, 16) + Number.parseInt(size!, 16),
      name: name!,
    }))
}, 60_000)
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})
afterAll(() => rmSync(work, { recursive: true, force: true }))

function start(...words: string[]): number {
  const child = spawn(program, words, { stdio: 'ignore' })
  children.push(child)
  return child.pid!
}

function open() {
  const sampler = createSampler({
    ...{ frequencyHz: 199, userFramesMax: 512, hasTables: true, excludedCgroups: [], objectFolder: work },
    monotonicMs,
  })
  const processes = createProcesses()
  const unwinder = createHostUnwinder({
    sampler,
    processes,
    open: openMappedSource,
    versionOf: versionOfMapped,
    monotonicMs,
  })
  const mappingEvents = listenToMappings()
  const following = followProcesses({ sampler, processes, unwinder, mappingEvents, clock: { monotonicMs } })
  const stacks = new Map<number, string[]>() // by process: "stop: names, leaf first"

  function tick(): void {
    following.takeEvents()
    for (let batch = sampler.next(); batch.count > 0; batch = sampler.next()) {
      following.meet(batch)
      for (let i = 0; i < batch.count; i++) {
        const names: string[] = []
        for (let k = batch.frameStart[i]! + batch.kernelFrames[i]!; k < batch.frameStart[i + 1]!; k++)
          names.push(nameOf(batch.addressHigh[k]! * 2 ** 32 + batch.addressLow[k]!))
        const ofProcess = stacks.get(batch.tgid[i]!) ?? []
        stacks.set(batch.tgid[i]!, ofProcess)
        ofProcess.push(`${sampler.stopNames[batch.stop[i]!]}: ${names.join(' ')}`)
      }
    }
    following.publish()
    following.takeEvents()
  }
  return {
    ...{ sampler, unwinder, following, stacks },
    async run(ms: number) {
      for (const endMs = monotonicMs() + ms; monotonicMs() < endMs; await sleep(50)) tick()
    },
    close() {
      following.close()
      unwinder.close()
      sampler.close()
    },
  }
}

const nameOf = (address: number) =>
  functions.find((one) => address >= one.start && address < one.end)?.name ??
  (address > 0x1_0000_0000 ? 'elsewhere' : '?')

const CHAIN = [
  'root: leaf',
  ...Array.from({ length: DEPTH + 1 }, (_, i) => (i % 2 === 0 ? 'even' : 'odd')),
  'main elsewhere elsewhere _start', // __libc_start_call_main and __libc_start_main of the C library
].join(' ')
/** The share of exact stacks; in prologues the chain is one shorter, in other functions than the leaf we may be too. */
function exactShare(stacks: readonly string[] | undefined): number {
  const inLeaf = (stacks ?? []).filter((stack) => stack.includes(': leaf '))
  expect(inLeaf.length).toBeGreaterThan(30)
  return inLeaf.filter((stack) => stack === CHAIN).length / inLeaf.length
}

describe.skipIf(!isHere)('programs without frame pointers in the real kernel', () => {
  it('have exact stacks from the first tick when they live already', { timeout: 60_000 }, async () => {
    const tgid = start()
    const host = open()
    try {
      await host.following.scan((pid) => pid === tgid)
      host.sampler.start()
      await host.run(1500)
      expect(exactShare(host.stacks.get(tgid))).toBeGreaterThan(0.995)
      expect(host.unwinder.facts()).toMatchObject({ waiting: expect.any(Number) })
      expect(host.unwinder.facts().rows).toBeGreaterThan(10_000) // the C library alone has more
    } finally {
      host.close()
    }
  })

  it('have exact stacks soon after they were executed, and so have their children', {
    timeout: 60_000,
  }, async () => {
    const host = open()
    try {
      await host.following.scan()
      host.sampler.start()
      const tgid = start('fork')
      await host.run(700)
      const child = Number(readFileSync(`/proc/${tgid}/task/${tgid}/children`, 'latin1').trim())
      host.stacks.clear()
      await host.run(2500)
      for (const one of [tgid, child]) expect(exactShare(host.stacks.get(one))).toBeGreaterThan(0.995)
    } finally {
      host.close()
    }
  })

  it('are led through the vDSO, whose rows are in no file', { timeout: 60_000 }, async () => {
    const tgid = start('clock')
    const host = open()
    try {
      await host.following.scan((pid) => pid === tgid)
      host.sampler.start()
      await host.run(1500)
      const stacks = host.stacks.get(tgid) ?? []
      // vDSO, C library, then the program; now and then the C library's part is a jump that leaves no frame.
      const inVdso = stacks.filter((stack) => /^\w+: elsewhere /.test(stack))
      expect(inVdso.length).toBeGreaterThan(30)
      const whole = inVdso.filter((stack) =>
        /^root: elsewhere (elsewhere )?clocks main .*_start$/.test(stack),
      )
      expect(whole.length / inVdso.length).toBeGreaterThan(0.99)
    } finally {
      host.close()
    }
  })
})

import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { labelsText, labelValue } from '#profile/model/labels'
import { assertProfile, type Profile } from '#profile/model/profile'
import { CPU_SAMPLES } from '#profile/model/profile-type'
import { monotonicMs } from '../host/clock.ts'
import type { KernelSymbols } from '../host/kernel-symbols.ts'
import { parseMappings } from '../host/mappings.ts'
import { readStat } from '../host/proc.ts'
import { createProcesses } from '../host/processes.ts'
import { createSymbolizer } from './symbolizer.ts'
import { compile, drawStacks as draw, nm, readBytes, readElfFile, windowOf } from './testing.ts'

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

const PROGRAM = `
#include <unistd.h>
#include <sys/mman.h>
#include <stdio.h>
__attribute__((noinline)) int leaf(int n) { return n * 3; }
__attribute__((noinline)) int middle(int n) { return leaf(n) + 1; }
int main(int argc, char **argv) {
  void *jit = mmap(0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  printf("%p\\n", jit); fflush(stdout);
  pause();
  return middle(argc); }`

/** A running program, and what its addresses are. */
async function run(flags: readonly string[] = []) {
  const path = compile(PROGRAM, flags)
  const child = spawn(path, [], { stdio: ['ignore', 'pipe', 'ignore'], env: { PATH: process.env.PATH! } })
  children.push(child)
  const jit = Number(
    await new Promise((resolve) => child.stdout!.once('data', (text) => resolve(String(text)))),
  )
  const tgid = child.pid!
  const { start, offset, path: paths } = parseMappings(readBytes(`/proc/${tgid}/maps`))
  const elf = readElfFile(path)
  const row = paths.indexOf(path)
  const load = elf.segments.find((one) => one.type === 1 && one.offset === offset[row])!
  const bias = start[row]! - load.address
  const symbols = new Map(nm(path).map(({ name, address }) => [name, address]))
  return {
    child,
    path,
    tgid,
    jit,
    buildId: elf.buildId,
    startTicks: readStat(tgid)!.startTicks,
    symbols,
    /** Where a function of it lies in this process. */
    at: (name: string, plus = 0) => bias + symbols.get(name)! + plus,
    entry: bias + elf.entry,
  }
}

const HEAD = { type: CPU_SAMPLES, period: 52_631_579, timeMs: 1000, durationMs: 10_000 }

const KERNEL: KernelSymbols = {
  buildId: 'c0ffee',
  slide: 0x1000,
  moduleBuildId: () => 'beef',
  symbolAt: (high, low) => {
    const names = new Map([[0x81001010, 'vfs_read'], [0x81002010, 'do_syscall_64'], [0xc0000010, 'veth_xmit']]) // biome-ignore format: a table
    const name = high === 0xffffffff ? names.get(low) : undefined
    return name === undefined ? undefined : { name, module: low >= 0xc0000000 ? 'veth' : '' }
  },
  refresh: async () => true,
}

function make(processes = createProcesses()) {
  return { processes, symbolizer: createSymbolizer({ processes, host: 'box', kernel: KERNEL }) }
}

const labelOf = (profile: Profile, sample: number, name: string) =>
  labelValue(profile.labelSets[profile.samples.labelSet[sample]!]!, name)

describe('profileOf', () => {
  it('lays user frames root first, kernel frames on top of them, and names all of them', async () => {
    const { tgid, startTicks, at, buildId, symbols, path } = await run()
    const { processes, symbolizer } = make()
    processes.see(tgid, startTicks)
    const kernel = [
      [0xffffffff, 0x81001010],
      [0xffffffff, 0x81002010],
    ] as const
    const user = [at('leaf', 1), at('middle', 5), at('main', 8), at('_start', 3)]
    const profile = symbolizer.profileOf(windowOf([{ tgid, startTicks, kernel, user, samples: 7 }]), HEAD)
    assertProfile(profile)
    expect(draw(profile)).toEqual(['_start;main;middle;leaf;do_syscall_64;vfs_read 7'])
    expect({ ...HEAD }).toEqual({ type: profile.type, period: profile.period, timeMs: profile.timeMs, durationMs: profile.durationMs }) // biome-ignore format: one comparison
    expect(profile.samples.timeMs[0]).toBe(1000)
    const { strings, mappings, locations } = profile
    const named = (row: number) => [strings[mappings.file[row]!], strings[mappings.buildId[row]!]]
    expect([named(0), named(1)]).toEqual([[path.split('/').at(-1), buildId], ['vmlinux', 'c0ffee']]) // biome-ignore format: a table
    expect([...locations.addressLow]).toContain(symbols.get('leaf')! + 1)
    expect([...locations.addressLow]).toContain(0x81000010) // as linked: moved back by the slide
    expect(new Set(Array.from(locations.kind, (row) => strings[row]))).toEqual(new Set(['native', 'kernel']))
    symbolizer.close()
  })

  it('marks a stack whose callers are missing', async () => {
    const { tgid, startTicks, at } = await run()
    const { processes, symbolizer } = make()
    processes.see(tgid, startTicks)
    const rows = [
      { tgid, startTicks, stop: 'fp_zero', user: [at('leaf'), at('middle')] },
      { tgid, startTicks, stop: 'depth', user: [at('leaf'), at('main'), at('_start')] },
      { tgid, startTicks, stop: 'no_regs', kernel: [[0xffffffff, 0x81002010]] as const },
      { tgid, startTicks, stop: 'root', user: [at('leaf')] },
    ]
    const profile = symbolizer.profileOf(windowOf(rows), HEAD)
    expect(draw(profile)).toEqual([
      '[truncated];middle;leaf 1',
      '[truncated];_start;main;leaf 1',
      '[truncated];do_syscall_64 1',
      'leaf 1',
    ])
    const marker = profile.stacks.location[1]!
    expect(profile.strings[profile.locations.kind[marker]!]).toBe('abort-marker')
    symbolizer.close()
  })

  it('cuts a walk that went astray where nothing executable is mapped', async () => {
    const { tgid, startTicks, at } = await run()
    const { processes, symbolizer } = make()
    processes.see(tgid, startTicks)
    const rows = [
      { tgid, startTicks, user: [at('leaf'), at('middle'), 0x1234, at('main')] },
      { tgid, startTicks, user: [0x1234] },
    ]
    expect(draw(symbolizer.profileOf(windowOf(rows), HEAD))).toEqual([
      '[truncated];middle;leaf 1',
      '[truncated];[unmapped] 1',
    ])
    symbolizer.close()
  })

  it('knows the functions of a stripped program by their places: _start, main, and where others begin', async () => {
    const { tgid, startTicks, entry, path } = await run(['-s'])
    const { processes, symbolizer } = make()
    processes.see(tgid, startTicks)
    const named = new Map(nm(compile(PROGRAM)).map(({ name, address }) => [name, address]))
    const at = (name: string, plus: number) => entry + named.get(name)! - named.get('_start')! + plus
    const stack = (plus: number) => [at('leaf', plus), at('middle', 5), at('main', 8), at('_start', 4)]
    const rows = [0, 2].map((plus) => ({ tgid, startTicks, stop: 'fp_zero', user: stack(plus) }))
    const placed = (name: string) => `${path.split('/').at(-1)}+0x${named.get(name)!.toString(16)}`
    // Two addresses of one function are one frame.
    expect(draw(symbolizer.profileOf(windowOf(rows), HEAD))).toEqual(
      rows.map(() => `_start;main;${placed('middle')};${placed('leaf')} 1`),
    )
    symbolizer.close()
  })

  it('names samples of a process that has ended since, and of one that is another program now', async () => {
    const { child, tgid, startTicks, at } = await run()
    const { processes, symbolizer } = make()
    processes.see(tgid, startTicks)
    processes.onExec(tgid, startTicks, monotonicMs()) // its new program was never seen
    processes.onExit(tgid, startTicks, monotonicMs())
    const generation = processes.generationAt(tgid, startTicks, monotonicMs())!.number
    child.kill('SIGKILL')
    const rows = [
      { tgid, startTicks, stop: 'root', user: [at('leaf')] },
      { tgid, startTicks, generation, comm: 'cc1', user: [0x400000] },
    ]
    const profile = symbolizer.profileOf(windowOf(rows), HEAD)
    expect(draw(profile)).toEqual(['leaf 1', '[truncated];[exited early] 1'])
    expect([0, 1].map((i) => labelOf(profile, i, 'executable'))).toEqual(['program', ''])
    expect([0, 1].map((i) => labelOf(profile, i, 'service_name'))).toEqual(['program', 'cc1'])
    symbolizer.close()
  })

  it('keeps samples of a process that nobody has ever read', () => {
    const { symbolizer } = make()
    const window = windowOf([{ tgid: 2 ** 30, startTicks: 1, comm: 'sh', user: [0x400000], samples: 3 }])
    const profile = symbolizer.profileOf(window, HEAD)
    expect(draw(profile)).toEqual(['[truncated];[exited early] 3'])
    expect(labelsText(profile.labelSets[0]!)).toBe('[["comm","sh"],["host","box"],["service_name","sh"]]')
    symbolizer.close()
  })

  it('names generated code by the perf map of its runtime; without one it is one frame', async () => {
    const { tgid, startTicks, jit, at } = await run()
    const { processes, symbolizer } = make()
    processes.see(tgid, startTicks)
    const user = [jit + 0x10, jit + 0x210, at('main')]
    const window = windowOf([{ tgid, startTicks, stop: 'root', user }])
    expect(draw(symbolizer.profileOf(window, HEAD))).toEqual(['main;[anonymous code];[anonymous code] 1'])
    const map = `/tmp/perf-${tgid}.map`
    writeFileSync(map, `${jit.toString(16)} 100 JS:*hot app.js:1\n`)
    try {
      utimesSync(map, 1000, 1000) // left over from an earlier process of this PID
      expect(draw(symbolizer.profileOf(window, HEAD))).toEqual(['main;[anonymous code];[anonymous code] 1'])
      writeFileSync(map, `${jit.toString(16)} 100 JS:*hot app.js:1\n`)
      expect(draw(symbolizer.profileOf(window, HEAD))).toEqual(['main;[anonymous code];JS:*hot app.js:1 1'])
      writeFileSync(map, `${(jit + 0x200).toString(16)} 100 JS:~cold app.js:2\n`, { flag: 'a' })
      expect(draw(symbolizer.profileOf(window, HEAD))).toEqual(['main;JS:~cold app.js:2;JS:*hot app.js:1 1'])
    } finally {
      unlinkSync(map)
    }
    symbolizer.close()
  })

  it('counts threads of the kernel as one service, without numbers in their names', () => {
    const { symbolizer } = make()
    const kernel = [
      [0xffffffff, 0xc0000010],
      [0xffff8000, 0x12345678],
    ] as const
    const rows = ['kworker/0:1', 'kworker/1:2', 'ksoftirqd/0'].map((comm) => {
      return { tgid: 2, startTicks: 0, comm, stop: 'kthread', kernel }
    })
    const profile = symbolizer.profileOf(windowOf(rows), HEAD)
    expect(draw(profile)).toEqual(Array(3).fill('vmlinux+0x12345678;veth_xmit 1'))
    expect(
      profile.labelSets.map(
        (labels) => `${labelValue(labels, 'service_name')} ${labelValue(labels, 'comm')}`,
      ),
    ).toEqual(['[kernel] kworker', '[kernel] ksoftirqd'])
    const { mappings, strings } = profile
    expect(Array.from(mappings.file, (row) => strings[row])).toContain('veth')
    symbolizer.close()
  })

  it('lets one process make no more than 64 series of thread names in a window', async () => {
    const { tgid, startTicks, at } = await run()
    const { processes, symbolizer } = make()
    processes.see(tgid, startTicks)
    const rows = Array.from({ length: 200 }, (_, i) => ({
      tgid,
      startTicks,
      comm: `pool-${i}`,
      user: [at('leaf')],
    }))
    const profile = symbolizer.profileOf(windowOf(rows), HEAD)
    expect(profile.labelSets.length).toBe(65)
    expect(labelOf(profile, 199, 'comm')).toBe('[other threads]')
    expect(profile.samples.value.reduce((sum, value) => sum + value, 0)).toBe(200)
    symbolizer.close()
  })

  it('makes an empty profile of an empty window', () => {
    const { symbolizer } = make()
    const profile = symbolizer.profileOf(windowOf([]), HEAD)
    assertProfile(profile)
    expect(profile.samples.stack.length).toBe(0)
    symbolizer.close()
  })

  it('survives stacks of nonsense without losing a sample', async () => {
    const { tgid, startTicks } = await run()
    const { processes, symbolizer } = make()
    processes.see(tgid, startTicks)
    let state = 1
    const random = () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return state
    }
    const rows = Array.from({ length: 300 }, () => ({
      tgid: random() % 2 ? tgid : random(),
      startTicks,
      stop: ['fp_zero', 'bad_fp', 'depth', 'stop_99', ''][random() % 5]!,
      kernel: Array.from({ length: random() % 3 }, () => [random(), random()] as const),
      user: Array.from({ length: random() % 4 }, () =>
        random() % 2 ? 2 ** 64 - 1 - random() : random() * 2 ** 20,
      ),
    }))
    const profile = symbolizer.profileOf(windowOf(rows), HEAD)
    assertProfile(profile)
    expect(profile.samples.value.length).toBe(300)
    symbolizer.close()
  })
})

describe('createSymbolizer', () => {
  it("reads the running kernel's names by itself", async () => {
    const symbolizer = createSymbolizer({ processes: createProcesses(), host: 'box' })
    await symbolizer.ready
    const line = /^([0-9a-f]{8})([0-9a-f]{8}) T vfs_read$/m.exec(readFileSync('/proc/kallsyms', 'utf8'))!
    const kernel = [[Number.parseInt(line[1]!, 16), Number.parseInt(line[2]!, 16) + 2]] as const
    const profile = symbolizer.profileOf(
      windowOf([{ tgid: 2, startTicks: 0, stop: 'kthread', kernel }]),
      HEAD,
    )
    expect(draw(profile)[0]).toMatch(line[1] === '00000000' ? /^vmlinux\+0x/ : /^vfs_read 1$/)
    symbolizer.close()
  })
})

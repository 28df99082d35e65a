// What does the agent cost the machine it watches? Read from the kernel's books, never from the agent's own meter: CPU time
// in /proc/PID/stat, time of its BPF programs in their fdinfo, memory in /proc/PID/status, bytes on the way to a backend.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import path from 'node:path'
import { NO_FRAME_POINTERS, startBurner } from '../tests/e2e/burner.ts'
import type { Bench, BenchInput } from './bench.ts'
import { program } from './machine.ts'
import { freePort, sleep, start, stop, until } from './processes.ts'
import { startWire } from './wire.ts'

const WARM_UP_MS = 10_000 // unwinding and symbol tables of what runs are read by then, and the first window has left
const MEASURED_MS = 60_000
const TICKS_PER_S = 100 // USER_HZ: 100 on every Linux that Node runs on
const BPF_STATS = '/proc/sys/kernel/bpf_stats_enabled'

const CASES = [
  { name: 'busy-19', frequency: 19, isBusy: true },
  { name: 'busy-97', frequency: 97, isBusy: true },
  { name: 'idle-19', frequency: 19, isBusy: false },
]

export const benchAgent: Bench = {
  workload:
    'a real backend receives; busy: a C program without frame pointers, Node and Python burn on every core, idle: nothing ' +
    'of ours does; 10 s warm-up, then 60 s; cpu_share of all cores, rss the largest of 60 readings, wire at the TCP socket',
  async measure(input) {
    const before = readFileSync(BPF_STATS, 'utf8')
    writeFileSync(BPF_STATS, '1')
    try {
      for (const one of CASES) {
        input.say(`agent: ${one.name}, ${(WARM_UP_MS + MEASURED_MS) / 1_000} s`)
        const stopLoad = one.isBusy ? await startLoad() : async () => {}
        try {
          await measureCase(one, input)
        } finally {
          await stopLoad()
        }
      }
    } finally {
      writeFileSync(BPF_STATS, before)
    }
  },
}

async function measureCase({ name, frequency }: (typeof CASES)[number], { emit }: BenchInput): Promise<void> {
  const directory = mkdtempSync(`${tmpdir()}/flametrail-bench-`)
  const port = await freePort()
  const node = process.execPath
  const backend = start(node, [
    program('backend'),
    '--listen',
    `127.0.0.1:${port}`,
    '--data-directory',
    directory,
  ])
  const wire = await startWire(port)
  try {
    await until('the backend', { run: backend, deadlineMs: 20_000 }, async () =>
      fetch(`http://127.0.0.1:${port}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      ),
    )
    const words = ['--backend', `http://127.0.0.1:${wire.port}`, '--frequency', String(frequency)]
    const agent = start(node, [program('agent'), ...words, '--metrics-listen', ''])
    try {
      await until('the agent', { run: agent, deadlineMs: 20_000 }, () => agent.stderr().includes('sampling'))
      await sleep(WARM_UP_MS)
      const cost = await costOf(agent.child, wire.bytes)
      emit({ case: name, metric: 'cpu_share', value: cost.cpuShare * 100, unit: '%', better: 'lower' })
      emit({ case: name, metric: 'rss', value: cost.rssBytes / 1e6, unit: 'MB', better: 'lower' })
      emit({
        case: name,
        metric: 'wire',
        value: cost.wireBytesPer10s / 1e3,
        unit: 'kB per 10 s',
        better: 'lower',
      })
      if (cost.wireBytesPer10s === 0) throw new Error(`nothing was sent. The agent said:\n${agent.stderr()}`)
    } finally {
      await stop(agent)
    }
  } finally {
    wire.close()
    await stop(backend)
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Watches a living agent for the measured time. */
async function costOf({ pid }: ChildProcess, sentBytes: () => number) {
  const startedMs = performance.now()
  const before = { cpuS: cpuSeconds(pid!), bpfS: bpfSeconds(pid!), sent: sentBytes() }
  let rssBytes = 0
  while (performance.now() - startedMs < MEASURED_MS) {
    await sleep(1_000)
    rssBytes = Math.max(rssBytes, residentBytes(pid!))
  }
  const elapsedS = (performance.now() - startedMs) / 1_000
  const spentS = cpuSeconds(pid!) - before.cpuS + bpfSeconds(pid!) - before.bpfS
  return {
    cpuShare: spentS / (elapsedS * cpus().length),
    rssBytes,
    wireBytesPer10s: (sentBytes() - before.sent) / (elapsedS / 10),
  }
}

/** User and system time of a process, all its threads. */
function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S
}

/** Time in the BPF programs that a process holds. Throws if it holds none: zero would be a good figure. */
function bpfSeconds(pid: number): number {
  const nsByProgram = new Map<string, number>()
  for (const fd of readdirSync(`/proc/${pid}/fdinfo`)) {
    const text = fdinfo(pid, fd)
    const id = /^prog_id:\s*(\d+)/m.exec(text)?.[1]
    const ns = /^run_time_ns:\s*(\d+)/m.exec(text)?.[1]
    if (id !== undefined && ns !== undefined) nsByProgram.set(id, Number(ns))
  }
  if (nsByProgram.size === 0)
    throw new Error(`process ${pid} holds no BPF program whose time the kernel counts`)
  return [...nsByProgram.values()].reduce((sum, ns) => sum + ns, 0) / 1e9
}

function fdinfo(pid: number, fd: string): string {
  try {
    return readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '' // closed while we looked
    throw error
  }
}

function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s*(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1_024
}

/** Keeps every core busy; resolves with the way to end it. */
async function startLoad(): Promise<() => Promise<void>> {
  const others = [
    spawn(process.execPath, ['-e', NODE_LOOP], { stdio: 'ignore' }),
    spawn('python3', ['-c', PYTHON_LOOP], { stdio: 'ignore' }),
  ]
  for (const child of others) child.on('error', () => undefined) // no Python: the others burn all the same
  const burners = await Promise.all(
    cpus()
      .slice(1)
      .map(() => startBurner(NO_FRAME_POINTERS)),
  )
  return async () => {
    for (const child of others) child.kill('SIGKILL')
    await Promise.all(burners.map((burner) => burner.stop()))
    for (const { executable } of burners) rmSync(path.dirname(executable), { recursive: true, force: true })
  }
}

const NODE_LOOP = `
const parse = (text) => JSON.parse(text), print = (value) => JSON.stringify(value)
const rows = Array.from({ length: 500 }, (_, i) => ({ id: i, name: 'row ' + i, tags: [i, i + 1] }))
for (let text = print(rows); ; ) text = print(parse(text).sort((a, b) => a.id - b.id))`
const PYTHON_LOOP = `
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)
while True:
    sorted(str(fib(18)) * 50)`

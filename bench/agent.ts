// What does the agent cost the machine it watches? Read from the kernel's books, never from the agent's own meter: CPU time
// in /proc/PID/stat, time of its BPF programs in their fdinfo, memory in /proc/PID/status, bytes on the way to a backend.
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import type { Bench, BenchInput } from './bench.ts'
import { startBusy, startNothing, startStorm } from './loads.ts'
import { program } from './machine.ts'
import { freePort, sleep, start, stop, until } from './processes.ts'
import { rowsPerSecond } from './table.ts'
import { startWire } from './wire.ts'

const WARM_UP_MS = 10_000 // unwinding and symbol tables of what runs are read by then, and the first window has left
const MEASURED_MS = 60_000
const TICKS_PER_S = 100 // USER_HZ: 100 on every Linux that Node runs on
const BPF_STATS = '/proc/sys/kernel/bpf_stats_enabled'

const CASES = [
  { name: 'busy-19', frequency: 19, load: startBusy },
  { name: 'busy-97', frequency: 97, load: startBusy },
  { name: 'idle-19', frequency: 19, load: startNothing },
  { name: 'storm-19', frequency: 19, load: startStorm },
]

export const benchAgent: Bench = {
  workload:
    'a real backend receives; busy: a C program without frame pointers, Node and Python burn on every core, idle: nothing ' +
    'of ours does, storm: gcc compiles small files on every core; 10 s warm-up, then 60 s; cpu_share of all cores, rss ' +
    'the largest of 60 readings, wire at the TCP socket, kernel_maps as the kernel charges them; bpf: on_tick in busy-19; ' +
    'table: .eh_frame of node, libc and python3 to rows, warm',
  async measure(input) {
    const before = readFileSync(BPF_STATS, 'utf8')
    writeFileSync(BPF_STATS, '1')
    try {
      for (const one of CASES) {
        input.say(`agent: ${one.name}, ${(WARM_UP_MS + MEASURED_MS) / 1_000} s`)
        const stopLoad = await one.load()
        try {
          await measureCase(one, input)
        } finally {
          await stopLoad()
        }
      }
      const value = rowsPerSecond()
      input.emit({ case: 'table', metric: 'rows_per_s', value, unit: 'rows/s', better: 'higher' })
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
    // As a user starts it: the command line sets the limits of memory.
    const agent = start(node, [program('cli'), 'agent', ...words, '--metrics-listen', ''])
    try {
      await until('the agent', { run: agent, deadlineMs: 20_000 }, () => agent.stderr().includes('sampling'))
      await sleep(WARM_UP_MS)
      const cost = await costOf(agent.child, wire.bytes)
      const lower = (metric: string, value: number, unit: string, of = name) =>
        emit({ case: of, metric, value, unit, better: 'lower' })
      lower('cpu_share', cost.cpuShare * 100, '%')
      lower('rss', cost.rssBytes / 1e6, 'MB')
      lower('kernel_maps', cost.mapBytes / 1e6, 'MB')
      lower('wire', cost.wireBytesPer10s / 1e3, 'kB per 10 s')
      if (name === 'busy-19') lower('us_per_sample', cost.usPerTick, 'us', 'bpf')
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
  const bpfBefore = bpfTimes(pid!)
  const before = { cpuS: cpuSeconds(pid!), sent: sentBytes() }
  let rssBytes = 0
  while (performance.now() - startedMs < MEASURED_MS) {
    await sleep(1_000)
    rssBytes = Math.max(rssBytes, residentBytes(pid!))
  }
  const elapsedS = (performance.now() - startedMs) / 1_000
  const bpf = bpfTimes(pid!)
  const spentS = cpuSeconds(pid!) - before.cpuS + (bpf.ns - bpfBefore.ns) / 1e9
  return {
    cpuShare: spentS / (elapsedS * cpus().length),
    rssBytes,
    mapBytes: bpf.mapBytes,
    // Idle ticks run, too, and cost next to nothing: only on a busy machine is a run a sample.
    usPerTick: (bpf.tickNs - bpfBefore.tickNs) / Math.max(1, bpf.ticks - bpfBefore.ticks) / 1_000,
    wireBytesPer10s: (sentBytes() - before.sent) / (elapsedS / 10),
  }
}

/** User and system time of a process, all its threads. */
function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S
}

const PERF_EVENT_PROGRAM = 7 // BPF_PROG_TYPE_PERF_EVENT: on_tick

/** What the kernel books of the BPF programs and maps that a process holds: time of all, time and runs of those that
 *  tick, memory of the maps. Throws if it holds no program: zero would be a good figure. */
function bpfTimes(pid: number) {
  const programs = new Map<number, string>()
  const maps = new Map<number, string>()
  for (const fd of readdirSync(`/proc/${pid}/fdinfo`)) {
    const text = fdinfo(pid, fd)
    const program = field(text, 'prog_id')
    const map = field(text, 'map_id')
    if (map !== undefined) maps.set(map, text)
    // A link names its program, too, and says nothing of its time.
    else if (program !== undefined && field(text, 'run_time_ns') !== undefined) programs.set(program, text)
  }
  const sum = (texts: Iterable<string>, name: string) =>
    [...texts].reduce((all, text) => all + (field(text, name) ?? 0), 0)
  if (programs.size === 0) throw new Error(`process ${pid} holds no BPF program whose time the kernel counts`)
  const ticking = [...programs.values()].filter((text) => field(text, 'prog_type') === PERF_EVENT_PROGRAM)
  return {
    ns: sum(programs.values(), 'run_time_ns'),
    tickNs: sum(ticking, 'run_time_ns'),
    ticks: sum(ticking, 'run_cnt'),
    mapBytes: sum(maps.values(), 'memlock'),
  }
}

const field = (text: string, name: string): number | undefined => {
  const value = new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(text)?.[1]
  return value === undefined ? undefined : Number(value)
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

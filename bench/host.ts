// How good is what one sees of a whole host under load? The real agent sends to a real backend, and the backend's own
// answers are judged: which stacks are whole, which frames have names, and whether any sample is missing by the machine's
// books, which the agent has no hand in.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import type { AgentStatus, AnswerMeta, StatusAnswer, TreeAnswer } from '#profile/wire/query-api'
import { treeFromJson } from '#profile/wire/tree-answer'
import type { Bench, BenchInput } from './bench.ts'
import { type BusyTime, watchBusyTime } from './busy-time.ts'
import { type ProgramQuality, programsOf, sharesOf, worstOf } from './host-quality.ts'
import { type Living, livedThroughout, livingNow } from './lived-throughout.ts'
import { startMixed, startStorm } from './loads.ts'
import { program } from './machine.ts'
import { freePort, sleep, start, stop, until } from './processes.ts'

const FREQUENCY_HZ = 19 // as users run it
const WARM_UP_MS = 15_000 // the first window of 5 s, and what runs has its tables
const MEASURED_MS = 60_000
const AHEAD = 'now+10m'

export const benchHost: Bench = {
  workload:
    'a real backend receives, 19 Hz; mixed: C and C++ without frame pointers, Go, Node with a perf map, and python3, perl, ' +
    'openssl and xz as the distribution built them; storm: gcc compiles small files on every core; 15 s warm-up, then 60 s. ' +
    'complete of programs whose processes lived all the time (mixed) or of all that is no kernel thread (storm); rootless: ' +
    'stacks that have no user frame with a known place; named over the frames of programs that dpkg knows; delivered: ' +
    'samples stored, against frequency × busy CPU seconds of /proc/stat; accounting_gap: frequency × CPU seconds ' +
    'against samples stored + idle + dropped; both from the agent’s first tick to its last',
  async measure(input) {
    await measureCase('mixed', () => startMixed(input.say), input)
    await measureCase('storm', startStorm, input)
  },
}

type Case = 'mixed' | 'storm'

async function measureCase(
  name: Case,
  startLoad: () => Promise<() => Promise<void>>,
  input: BenchInput,
): Promise<void> {
  input.say(`host: ${name}, ${(WARM_UP_MS + MEASURED_MS) / 1_000} s`)
  const directory = mkdtempSync(`${tmpdir()}/flametrail-bench-`)
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const words = ['--listen', `127.0.0.1:${port}`, '--data-directory', `${directory}/data`]
  const backend = start(process.execPath, [program('backend'), ...words])
  const busyTime = watchBusyTime()
  const stopLoad = await startLoad()
  try {
    await until('the backend', { run: backend, deadlineMs: 20_000 }, async () =>
      fetch(`${url}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      ),
    )
    await sleep(1_500) // whatever the load begins with is older than a second
    const range = await sampled(`${directory}/tables`, url)
    await judge(name, { url, range, busyTime }, input)
  } finally {
    busyTime.close()
    await stopLoad()
    await stop(backend)
    rmSync(directory, { recursive: true, force: true })
  }
}

interface Range {
  readonly from: number
  readonly before: Living
  readonly after: Living
}

/** One life of the agent.  out  when the warm-up was over, and who lived from then to the end */
async function sampled(tableCache: string, url: string): Promise<Range> {
  const words = ['--backend', url, '--frequency', String(FREQUENCY_HZ), '--table-cache', tableCache]
  const agent = start(process.execPath, [program('cli'), 'agent', ...words, '--metrics-listen', ''])
  try {
    await until('the agent', { run: agent, deadlineMs: 30_000 }, () => agent.stderr().includes('sampling'))
    await sleep(WARM_UP_MS)
    const from = Date.now()
    const before = livingNow()
    await sleep(MEASURED_MS)
    return { from, before, after: livingNow() }
  } finally {
    await stop(agent)
  }
}

async function judge(
  name: Case,
  { url, range, busyTime }: { readonly url: string; readonly range: Range; readonly busyTime: BusyTime },
  { emit, say }: BenchInput,
): Promise<void> {
  const higher = (metric: string, value: number, unit = '%') =>
    emit({ case: name, metric, value, unit, better: 'higher' })
  const lower = (metric: string, value: number, unit = '%') =>
    emit({ case: name, metric, value, unit, better: 'lower' })

  const { agents } = await ask<StatusAnswer>(url, 'status', {})
  const [agent] = agents
  if (agent === undefined || agents.length !== 1)
    throw new Error(`${agents.length} agents have reported, not one`)
  const whole = await ask<TreeAnswer>(url, 'flame', { from: 'now-1h', to: AHEAD, maxNodes: 1 })
  const { delivered, gap, stolenS, busyS } = accountOf(agent, whole.meta.samples, busyTime)

  const user = await programs(url, range.from, '{service_name!="[kernel]"}')
  const period = 1e9 / FREQUENCY_HZ
  const lived = livedThroughout(
    range,
    new Map(user.programs.map(({ executable, all }) => [executable, all / period])),
    FREQUENCY_HZ,
  )
  const old = user.programs.filter(({ executable }) => lived.has(executable))
  const stock = user.programs.filter(({ executable }) => isPackaged(lived.get(executable)))
  const judged = name === 'mixed' ? old : user.programs
  const shares = sharesOf(judged)
  higher('complete', shares.complete)
  lower('rootless', shares.rootless)
  higher('delivered', delivered)
  lower('accounting_gap', gap)
  if (name === 'mixed') higher('named', sharesOf(stock).named)
  higher('samples', user.meta.samples, 'samples')

  say(`${name}: of ${busyS.toFixed(1)} busy CPU seconds, and ${stolenS.toFixed(1)} stolen ones beside`)
  say(`${name}: all that is no kernel thread: ${percentages(sharesOf(user.programs))}`)
  for (const one of judged.slice(0, 20))
    say(`  ${one.executable}: ${Math.round(one.all / period)} samples, ${percentages(sharesOf([one]))}`)
  if (name === 'mixed') say(`${name}: named over ${stock.map(({ executable }) => executable).join(', ')}`)
  say(`${name}: lost, as the answers tell it: ${(100 * (user.meta.lost ?? Number.NaN)).toFixed(3)} %`)
  say(`${name}: stacks end by ${counts(agent.stops)}; dropped: ${counts(agent.dropped)}`)
  say(`${name}: where stacks end early\n  ${worstOf(judged, 'ends').join('\n  ')}`)
  say(`${name}: frames without a name\n  ${worstOf(judged, 'nameless').join('\n  ')}`)
}

/** Programs by the tree of everything since the warm-up, checked against what the backend says of it itself. */
async function programs(
  url: string,
  from: number,
  query: string,
): Promise<{ readonly meta: AnswerMeta; readonly programs: readonly ProgramQuality[] }> {
  const request = { query, from, to: AHEAD, maxNodes: 1_000_000, groupBy: ['executable'] }
  const answer = await ask<TreeAnswer>(url, 'flame', request)
  const tree = treeFromJson(answer)
  if (!tree.ok) throw new Error(tree.error.message)
  const found = programsOf(tree.value.tree)
  const { complete, named } = sharesOf(found)
  const { endEarly, unnamed } = answer.meta
  if (Math.abs(complete - 100 * (1 - endEarly)) > 0.01 || Math.abs(named - 100 * (1 - unnamed)) > 0.01)
    throw new Error(
      `the tree says ${complete} % complete and ${named} % named, the answer's meta ${endEarly} and ${unnamed}`,
    )
  return { meta: answer.meta, programs: found }
}

/** From the agent's first tick to its last, by clocks and books that are not its own. */
function accountOf(agent: AgentStatus, stored: number, busyTime: BusyTime) {
  const { startedMs, reportedMs, idle, dropped } = agent
  const { busyS, stolenS } = busyTime.between(startedMs, reportedMs, cpus().length)
  const expected = (FREQUENCY_HZ * cpus().length * (reportedMs - startedMs)) / 1000
  const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0)
  return {
    ...{ busyS, stolenS },
    delivered: (100 * stored) / (FREQUENCY_HZ * busyS),
    gap: (100 * Math.abs(expected - stored - idle - lost)) / expected,
  }
}

/** Whether the distribution made it; where nobody can be asked, it did. */
function isPackaged(file: string | undefined): boolean {
  if (file === undefined) return false
  const asked = spawnSync('dpkg', ['-S', file], { stdio: 'ignore' })
  return asked.error !== undefined || asked.status === 0
}

const percentages = ({ complete, rootless, named }: ReturnType<typeof sharesOf>) =>
  `${complete.toFixed(2)} % complete, ${rootless.toFixed(2)} % rootless, ${named.toFixed(2)} % of frames named`

const counts = (record: Readonly<Record<string, number>>) =>
  Object.entries(record)
    .filter(([, count]) => count > 0)
    .sort(([, one], [, other]) => other - one)
    .map(([reason, count]) => `${reason} ${count}`)
    .join(', ') || 'none'

async function ask<T>(url: string, route: string, request: object): Promise<T> {
  const response = await fetch(`${url}/api/v1/${route}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request),
  })
  if (!response.ok) throw new Error(`${route}: ${response.status} ${await response.text()}`)
  return (await response.json()) as T
}

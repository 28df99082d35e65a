// How is the agent? /metrics for Prometheus and /healthz for whoever restarts things, on loopback alone: nobody can tell
// the agent anything. A taken port is no reason not to sample.
import { createServer, type Server } from 'node:http'
import type { AgentReport } from '#profile/model/accounting'
import type { SelfCost } from './self-meter.ts'
import type { UnwinderFacts } from './unwind/unwinder.ts'

export interface MetricFacts {
  readonly report: AgentReport
  readonly self: SelfCost
  readonly ticks: number
  /** User frames by how they found their caller. */
  readonly steps: ReadonlyMap<string, number>
  readonly events: number
  readonly eventsLost: number
  /** Since the rings were read last. */
  readonly drainLagSeconds: number
  /** Mappings of code that went untold: /proc was read again instead. */
  readonly mappingsLost: number
  /** Distinct stacks of the last window. */
  readonly windowStacks: number
  readonly windows: number
  /** Known to the names side, and those that could not be read, by reason. */
  readonly processes: number
  readonly misses: ReadonlyMap<string, number>
  /** Binaries that gave no names, by reason. */
  readonly refused: ReadonlyMap<string, number>
  readonly tables: UnwinderFacts
  /** Samples of unknown processes that brought a copy of their stack, by what became of it. */
  readonly snapshots: ReadonlyMap<string, number>
  readonly pending: { readonly bytes: number; readonly samples: number }
}

const PREFIX = 'flametrail_agent_'
type Row = readonly [labels: Readonly<Record<string, string>>, value: number]

/** Prints the facts in Prometheus' text format.  Label values are escaped; names are ours. A new counter is a field above
 *  and a line here, in the order of a sample's way, and a row of docs/metrics.md. */
export function printMetrics(facts: MetricFacts): string {
  const { report, self } = facts
  const lines: string[] = []
  const metric = (name: string, type: 'counter' | 'gauge', help: string, rows: readonly Row[]) => {
    lines.push(`# HELP ${PREFIX}${name} ${help}`, `# TYPE ${PREFIX}${name} ${type}`)
    for (const [labels, value] of rows) lines.push(`${PREFIX}${name}${printLabels(labels)} ${value}`)
  }
  const one = (value: number): readonly Row[] => [[{}, value]]
  const by = (label: string, counts: ReadonlyMap<string, number>): readonly Row[] =>
    [...counts].map(([key, value]) => [{ [label]: key }, value])
  metric('expected_total', 'counter', 'Frequency times online CPU seconds.', one(report.expected))
  metric('ticks_total', 'counter', 'Clock ticks the sampler saw.', one(facts.ticks))
  metric('idle_total', 'counter', 'Ticks of idle CPUs.', one(report.idle))
  metric(
    'received_total',
    'counter',
    'Samples that reached the agent and were not lost after.',
    one(report.received),
  )
  metric('samples_total', 'counter', 'Samples by how their stack ended.', by('stop', report.stops))
  metric('steps_total', 'counter', 'User frames by how they found their caller.', by('kind', facts.steps))
  metric('drops_total', 'counter', 'Samples lost, by reason.', by('reason', report.dropped))
  metric('events_total', 'counter', 'Processes begun, changed or ended.', one(facts.events))
  metric('events_lost_total', 'counter', 'Of these, not seen: their ring was full.', one(facts.eventsLost))
  metric('drain_lag_seconds', 'gauge', 'Since the rings were read last.', one(facts.drainLagSeconds))
  metric(
    'mappings_lost_total',
    'counter',
    'Mappings of code that found their ring full: processes were read again.',
    one(facts.mappingsLost),
  )
  metric('own_cpu_seconds_total', 'counter', 'CPU time of the agent.', [
    [{ part: 'bpf' }, self.bpfSeconds],
    [{ part: 'node' }, self.nodeSeconds],
  ])
  metric('machine_share', 'gauge', 'CPU time of the agent as a share of the machine.', one(self.machineShare))
  metric('rss_bytes', 'gauge', 'Resident memory.', one(self.rssBytes))
  metric('rate_hertz', 'gauge', 'Samples per second and CPU.', one(report.frequencyHz))
  metric('cpus', 'gauge', 'CPUs sampled.', one(report.cpus))
  metric('windows_total', 'counter', 'Windows closed.', one(facts.windows))
  metric('window_stacks', 'gauge', 'Distinct stacks of the last window.', one(facts.windowStacks))
  metric('processes', 'gauge', 'Processes known, living and recently dead.', one(facts.processes))
  metric('process_misses_total', 'counter', 'Processes not read, by reason.', by('reason', facts.misses))
  metric('binaries_refused_total', 'counter', 'Binaries that gave no names.', by('reason', facts.refused))
  const { tables } = facts
  metric('table_processes', 'gauge', 'Processes whose stacks are walked by rows.', one(tables.processes))
  metric('table_mappings', 'gauge', 'Executable mappings published for them.', one(tables.vmas))
  metric('table_files', 'gauge', 'Files with rows in the kernel.', one(tables.files))
  metric('table_waiting', 'gauge', 'Files that wait to be compiled.', one(tables.waiting))
  metric('table_rows', 'gauge', 'Rows in the kernel.', one(tables.rows))
  metric('table_pages', 'gauge', 'Pages of 64 KiB of text that have rows.', one(tables.pages))
  metric('table_rules', 'gauge', 'Distinct rules of all rows.', one(tables.rules))
  metric('table_bytes', 'gauge', 'Kernel memory of rows.', one(tables.bytes))
  metric('table_compile_seconds_total', 'counter', 'CPU time of compiling.', one(tables.compileSeconds))
  metric('table_refused_total', 'counter', 'What has no rows, by reason.', by('reason', tables.refused))
  metric(
    'snapshots_total',
    'counter',
    'Copied stacks, by what became of them.',
    by('outcome', facts.snapshots),
  )
  metric('buffer_bytes', 'gauge', 'Profiles waiting for the backend.', one(facts.pending.bytes))
  metric('buffer_samples', 'gauge', 'Samples waiting for the backend.', one(facts.pending.samples))
  metric('build_info', 'gauge', 'Always 1.', [[{ version: report.version, agent: report.agentId }, 1]])
  return `${lines.join('\n')}\n`
}

function printLabels(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

const escapeLabel = (value: string) =>
  value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')

export interface MetricsServer {
  /** Where it listens, undefined if nowhere. */
  readonly address: string | undefined
  close(): Promise<void>
}

/** Serves the two pages.  `health` gives undefined when all is well, else a sentence.
 *  A port that cannot be had is logged, and the agent goes on without metrics. */
export async function serveMetrics(parts: {
  readonly host: string
  readonly port: number
  readonly print: () => string
  readonly health: () => string | undefined
  readonly log: (line: string) => void
}): Promise<MetricsServer> {
  const { host, port, print, health, log } = parts
  const server = createServer((request, response) => {
    const path = request.url?.split('?', 1)[0]
    const answer = (status: number, body: string) =>
      response
        .writeHead(status, {
          'content-type': 'text/plain; version=0.0.4; charset=utf-8',
          'x-content-type-options': 'nosniff',
        })
        .end(request.method === 'HEAD' ? undefined : body)
    if (request.method !== 'GET' && request.method !== 'HEAD') answer(405, 'only GET\n')
    else if (path === '/metrics') answer(200, print())
    else if (path === '/healthz') {
      const trouble = health()
      answer(trouble === undefined ? 200 : 503, `${trouble ?? 'ok'}\n`)
    } else answer(404, 'this is a Flametrail agent; it knows /metrics and /healthz\n')
  })
  server.requestTimeout = 5_000
  server.maxConnections = 16
  const address = await listen(server, host, port, log)
  server.unref()
  return {
    address,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

function listen(
  server: Server,
  host: string,
  port: number,
  log: (line: string) => void,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    server.once('error', (error) => {
      log(`no metrics at ${host}:${port}: ${error.message}; choose another --metrics-listen, or "" for none`)
      resolve(undefined)
    })
    server.listen(port, host, () => {
      const at = server.address()
      resolve(at === null || typeof at === 'string' ? undefined : `${host}:${at.port}`)
    })
  })
}

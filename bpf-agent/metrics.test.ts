import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { type MetricFacts, printMetrics, serveMetrics } from './metrics.ts'

const FACTS: MetricFacts = {
  report: {
    host: 'h',
    agentId: 'id',
    version: '0.1"\\\n',
    startedMs: 0,
    reportedMs: 1,
    frequencyHz: 19,
    cpus: 2,
    expected: 100.5,
    idle: 40,
    received: 55,
    dropped: new Map([
      ['ring_full', 3],
      ['missed_tick', 2],
    ]),
    stops: new Map([['fp_zero', 55]]),
  },
  self: { bpfSeconds: 0.25, nodeSeconds: 1.5, rssBytes: 1000, machineShare: 0.002 },
  ticks: 98,
  steps: new Map([
    ['row', 500],
    ['fp_gap', 7],
  ]),
  drainLagSeconds: 0.4,
  events: 7,
  eventsLost: 0,
  mappingsLost: 4,
  windowStacks: 12,
  windows: 3,
  processes: 5,
  misses: new Map([['gone', 1]]),
  refused: new Map(),
  snapshots: new Map([['walked', 41]]),
  tables: {
    ...{
      processes: 4,
      remembered: 5,
      vmas: 90,
      files: 20,
      waiting: 1,
      rows: 60_000,
      pages: 70,
      rules: 300,
      bytes: 262_144,
    },
    compileSeconds: 0.5,
    refused: new Map([['eh_frame', 2]]),
  },
  pending: { bytes: 10, samples: 1 },
}

describe('printMetrics', () => {
  it('prints each family with its type, and rows by reason', () => {
    const text = printMetrics(FACTS)
    expect(text).toContain('# TYPE flametrail_agent_drops_total counter\n')
    expect(text).toContain('flametrail_agent_drops_total{reason="ring_full"} 3\n')
    expect(text).toContain('flametrail_agent_samples_total{stop="fp_zero"} 55\n')
    expect(text).toContain('flametrail_agent_steps_total{kind="fp_gap"} 7\n')
    expect(text).toContain('flametrail_agent_own_cpu_seconds_total{part="bpf"} 0.25\n')
    expect(text).toContain('flametrail_agent_mappings_lost_total 4\n')
    expect(text).toContain('flametrail_agent_expected_total 100.5\n')
    expect(text).toContain('flametrail_agent_snapshots_total{outcome="walked"} 41\n')
    expect(text).toContain('flametrail_agent_table_refused_total{reason="eh_frame"} 2\n')
  })

  it('prints what docs/metrics.md tells of, and nothing else', () => {
    const told = [...readFileSync('docs/metrics.md', 'utf8').matchAll(/^\| `(\w+)/gm)].map(([, name]) => name)
    const printed = [...printMetrics(FACTS).matchAll(/^# TYPE flametrail_agent_(\w+)/gm)].map(
      ([, name]) => name,
    )
    expect(told).toEqual(printed)
  })

  it('escapes what stands in a label', () => {
    expect(printMetrics(FACTS)).toContain('build_info{version="0.1\\"\\\\\\n",agent="id"} 1')
  })

  it('prints lines that Prometheus can read, and nothing else', () => {
    const line =
      /^(# (HELP|TYPE) flametrail_agent_\w+ .+|flametrail_agent_\w+(\{(\w+="([^"\\\n]|\\["\\n])*",?)+\})? [\d.e+-]+)$/
    for (const one of printMetrics(FACTS).trimEnd().split('\n')) expect(one).toMatch(line)
  })
})

describe('serveMetrics', () => {
  const parts = (port: number, log: string[] = []) => ({
    host: '127.0.0.1',
    port,
    print: () => 'metrics\n',
    health: () => undefined as string | undefined,
    log: (line: string) => log.push(line),
  })

  it('answers metrics, health, and a sentence for all else', async () => {
    let trouble: string | undefined
    const server = await serveMetrics({ ...parts(0), health: () => trouble })
    const ask = async (path: string, method = 'GET') => {
      const response = await fetch(`http://${server.address}${path}`, { method })
      return [response.status, await response.text()]
    }
    expect(await ask('/metrics')).toEqual([200, 'metrics\n'])
    expect(await ask('/metrics?name=x')).toEqual([200, 'metrics\n'])
    expect(await ask('/healthz')).toEqual([200, 'ok\n'])
    trouble = 'no drain for 12 s'
    expect(await ask('/healthz')).toEqual([503, 'no drain for 12 s\n'])
    expect((await ask('/'))[0]).toBe(404)
    expect((await ask('/metrics', 'POST'))[0]).toBe(405)
    await server.close()
  })

  it('goes on without a port that is taken, and says so', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => other.once('listening', resolve))
    const { port } = other.address() as AddressInfo
    const log: string[] = []
    const server = await serveMetrics(parts(port, log))
    expect(server.address).toBeUndefined()
    expect(log).toHaveLength(1)
    expect(log[0]).toContain(`no metrics at 127.0.0.1:${port}`)
    expect(log[0]).toContain('--metrics-listen')
    await server.close()
    other.close()
  })
})

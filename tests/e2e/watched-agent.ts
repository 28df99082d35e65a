// The real agent, its profiles as they leave it, and what it costs by the kernel's books. A receiver of this test takes the
// place of the backend: it keeps what was sent.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { gunzipSync } from 'node:zlib'
import type { Profile } from '#profile/model/profile'
import { decodeOtlpProfiles } from '#profile/wire/otlp-profiles'
import { limitsOf } from '../../backend/limits.ts'
import { AGENT_ENVIRONMENT, AGENT_FLAGS } from '../../cli/program.ts'
import { eventually, freePort, program } from './stream.ts'

export interface WatchedAgent {
  readonly pid: number
  /** Undefined while it lives. */
  exitCode(): number | undefined
  stderr(): string
  /** Windows received so far. */
  readonly profiles: readonly Profile[]
  /** Resolves when so many windows have come from now on, with these. */
  windows(count: number): Promise<readonly Profile[]>
  /** Value of a metric; 0 if it has no such row.  in  row  `name` or `name{label="value"}`, without the prefix */
  metric(row: string): Promise<number>
  /** All metrics, as text. */
  metrics(): Promise<string>
  /** CPU seconds so far, of all its threads. */
  cpuSeconds(): number
  /** Resident memory now, and the most that it ever had. */
  memory(): { readonly residentMb: number; readonly mostMb: number }
  stop(): Promise<void>
}

/** Starts it as the command line does, with windows of a second, and waits until it samples.
 *  in  through  words before it: setpriv and its flags */
export async function startWatchedAgent(
  options: { readonly through?: readonly string[]; readonly flags?: readonly string[] } = {},
): Promise<WatchedAgent> {
  const profiles: Profile[] = []
  const sink = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const read = decodeOtlpProfiles(gunzipSync(Buffer.concat(chunks)), {
        limits: limitsOf(),
        receivedMs: Date.now(),
      })
      if (read.ok) profiles.push(...read.value.profiles)
      response.writeHead(read.ok ? 200 : 400, { 'content-type': 'application/x-protobuf' })
      response.end() // an empty message: all was taken
    })
  })
  const [port, metricsPort] = [await freePort(), await freePort()]
  await new Promise<void>((resolve) => sink.listen(port, '127.0.0.1', resolve))
  const words = ['--backend', `http://127.0.0.1:${port}`, '--metrics-listen', `127.0.0.1:${metricsPort}`]
  const [command, ...rest] = [...(options.through ?? []), process.execPath, ...AGENT_FLAGS, program('agent')]
  const flags = ['--window', '1s', '--frequency', '97', ...(options.flags ?? [])]
  const child = spawn(command!, [...rest, ...words, ...flags], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...AGENT_ENVIRONMENT },
  })
  const pid = child.pid!
  let stderr = ''
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()))
  const metrics = async () => (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
  await eventually('the agent samples', 20_000, () => {
    if (child.exitCode !== null) throw new Error(stderr)
    return stderr.includes('sampling') ? true : undefined
  })
  return {
    ...{ pid, profiles, metrics },
    exitCode: () =>
      child.exitCode === null && child.signalCode === null ? undefined : (child.exitCode ?? 128),
    stderr: () => stderr,
    async windows(count) {
      const from = profiles.length
      await eventually(`${count} windows of the agent`, 90_000, () => {
        if (child.exitCode !== null) throw new Error(`the agent ended: ${stderr}`)
        return profiles.length >= from + count ? true : undefined
      })
      return profiles.slice(from, from + count)
    },
    metric: async (row) => valueIn(await metrics(), row),
    cpuSeconds() {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return (Number(fields[11]) + Number(fields[12])) / 100
    },
    memory() {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8')
      const mb = (name: string) =>
        (Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(status)![1]) * 1024) / 1e6
      return { residentMb: mb('VmRSS'), mostMb: mb('VmHWM') }
    },
    async stop() {
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
      await ended
      clearTimeout(timer)
      sink.closeAllConnections()
      await new Promise((resolve) => sink.close(resolve))
    },
  }
}

/** Value of a row of the metrics' text; 0 if there is none.  in  row  `name` or `name{label="value"}`, without prefix */
export function valueIn(metrics: string, row: string): number {
  const line = metrics.split('\n').find((text) => text.startsWith(`flametrail_agent_${row} `))
  return line === undefined ? 0 : Number(line.slice(line.lastIndexOf(' ') + 1))
}

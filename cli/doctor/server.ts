// Can a backend live here, and is one reached? Port, disk, clock.
import { accessSync, constants, existsSync, statfsSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { SERVER_HEADER } from '#profile/wire/query-api'
import { reason } from '../client.ts'
import { printBytes } from '../output.ts'
import { type Finding, fail, ok, warn } from './check.ts'

const FREE_BYTES_LEAST = 1024 ** 3
const METRICS_PORT = 4041
const WRITTEN_MS = Date.UTC(2026, 0) // no clock that is right can be before this
const CLOCK_OFFSET_MS_MOST = 120_000 // beyond it a backend shifts the times of a batch

/** What listens at the backend's address: ours, a stranger, or nobody. */
export interface ReachFacts {
  readonly backend: string
  readonly answer: { readonly version: string | undefined; readonly offsetMs: number } | undefined
  readonly why: string
}

export async function reachFacts(backend: string): Promise<ReachFacts> {
  try {
    const sent = Date.now()
    const response = await fetch(new URL('/healthz', backend), {
      signal: AbortSignal.timeout(3_000),
      redirect: 'error',
    })
    const received = Date.now()
    const date = Date.parse(response.headers.get('date') ?? '')
    // The header counts whole seconds: its middle is the fair guess.
    const offsetMs = Number.isNaN(date) ? 0 : date + 500 - (sent + received) / 2
    return {
      backend,
      answer: { version: response.headers.get(SERVER_HEADER) ?? undefined, offsetMs },
      why: '',
    }
  } catch (error) {
    return { backend, answer: undefined, why: reason(error) }
  }
}

export function judgeReach({ backend, answer, why }: ReachFacts): Finding {
  if (answer === undefined)
    return warn(
      'backend',
      `none at ${backend} (${why})`,
      'profiles are kept in the agent’s memory only, 64 MB at most',
      `start one: npx flametrail backend, or name another with --backend`,
    )
  if (answer.version === undefined)
    return fail(
      'backend',
      `${backend} answers, but is no Flametrail backend (Pyroscope uses 4040 too)`,
      'no profile is stored',
      'stop the other server, or start ours elsewhere with --listen and name it with --backend',
    )
  return ok('backend', `${answer.version} at ${backend}`)
}

/** The host's clock against a backend's, where one is reached; alone it can only be seen to stand in the past. */
export function judgeClock({ answer }: ReachFacts, nowMs: number): Finding {
  const cure = 'synchronize the hosts: sudo systemctl enable --now systemd-timesyncd'
  const shown = new Date(nowMs).toISOString()
  if (nowMs < WRITTEN_MS) return fail('clock', shown, 'profiles land in the past, where nobody looks', cure)
  if (answer?.version === undefined) return ok('clock', `${shown}; no backend to compare it with`)
  const seconds = answer.offsetMs / 1000
  if (Math.abs(answer.offsetMs) <= CLOCK_OFFSET_MS_MOST)
    return ok('clock', `${shown}, within ${Math.abs(seconds).toFixed(1)} s of the backend’s`)
  return fail(
    'clock',
    `${seconds.toFixed(0)} s off the backend’s`,
    'profiles are refused or land at the wrong time',
    cure,
  )
}

/** The agent serves its own metrics there; without them it works all the same. */
export async function judgeMetricsPort(): Promise<Finding> {
  const code = await listenError('127.0.0.1', METRICS_PORT)
  if (code === undefined) return ok('metrics port', `127.0.0.1:${METRICS_PORT} is free`)
  return warn(
    'metrics port',
    `127.0.0.1:${METRICS_PORT}: ${code}`,
    'an agent started now has no metrics of its own (unless that is an agent already running)',
    `choose another: npx flametrail agent --metrics-listen 127.0.0.1:${METRICS_PORT + 10}`,
  )
}

/** in  listen  HOST:PORT where a backend would listen;  isOurs: our own backend answers there already */
export async function judgePort(listen: string, isOurs: boolean): Promise<Finding> {
  const colon = listen.lastIndexOf(':')
  const [host, port] = [listen.slice(0, colon), Number(listen.slice(colon + 1))]
  if (colon < 0 || !Number.isInteger(port) || port > 65_535)
    return fail(
      'port',
      `--listen ${listen} is no address`,
      'the backend cannot listen',
      'give one like 127.0.0.1:4040',
    )
  if (isOurs) return ok('port', `${listen} is held by a Flametrail backend`)
  const code = await listenError(host, port)
  if (code === undefined) return ok('port', `${listen} is free`)
  return fail(
    'port',
    `${listen}: ${code}`,
    'the backend cannot listen',
    `stop what holds it (ss -ltnp 'sport = :${port}'), or choose another: --listen 127.0.0.1:${port === 4040 ? 4050 : 4040}`,
  )
}

/** Why nobody can listen there; undefined: one can. */
function listenError(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen(port, host, () => server.close(() => resolve(undefined)))
  })
}

export function judgeDisk(directory: string): Finding {
  let existing = path.resolve(directory)
  while (!existsSync(existing)) existing = path.dirname(existing)
  try {
    accessSync(existing, constants.W_OK)
  } catch (error) {
    return fail(
      'disk',
      `${existing} cannot be written (${reason(error)})`,
      'no profile can be stored',
      `choose another with --data-directory, or: sudo chown ${process.getuid?.()} ${existing}`,
    )
  }
  const { bavail, bsize } = statfsSync(existing)
  const free = bavail * bsize
  if (free >= FREE_BYTES_LEAST) return ok('disk', `${printBytes(free)} free at ${existing}`)
  return fail(
    'disk',
    `${printBytes(free)} free at ${existing}, less than ${printBytes(FREE_BYTES_LEAST)}`,
    'the backend stops taking profiles',
    'free space there, or choose another with --data-directory',
  )
}

// The real stream for end-to-end tests: the built programs as processes of their own, a port and a data directory nobody
// else has. Nothing is replaced: kernel, ring buffer, OTLP bytes, DuckDB file, query API.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { StatusAnswer } from '#profile/wire/query-api'

export const root = path.resolve(import.meta.dirname, '../..')
export const program = (name: string) => path.join(root, 'build', `${name}.mjs`)

/** A process of ours with all that it said. */
export interface Run {
  readonly child: ChildProcess
  readonly ended: Promise<number>
  stdout(): string
  stderr(): string
}

export function start(
  argv: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Run {
  const [command, ...words] = argv
  const child = spawn(command!, words, {
    cwd: options.cwd ?? root,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  const ended = new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve(code ?? (signal === 'SIGKILL' ? 137 : 128)))
  })
  return { child, ended, stdout: () => stdout, stderr: () => stderr }
}

/** Runs to the end. */
export async function finish(
  argv: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
) {
  const run = start(argv, options)
  const code = await run.ended
  return { code, stdout: run.stdout(), stderr: run.stderr() }
}

export const flametrail = (...words: string[]) => finish([process.execPath, program('cli'), ...words])

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

export const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

/** Polls until `probe` gives a value; throws with `what` and the last error after the deadline. */
export async function eventually<T>(
  what: string,
  deadlineMs: number,
  probe: () => Promise<T | undefined> | T | undefined,
): Promise<T> {
  const end = Date.now() + deadlineMs
  let last: unknown
  while (Date.now() < end) {
    try {
      const value = await probe()
      if (value !== undefined) return value
    } catch (error) {
      last = error
    }
    await sleep(200)
  }
  throw new Error(`${what}: not within ${deadlineMs} ms`, { cause: last })
}

export interface Stream extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly directory: string
  backend: Run
  agent: Run | undefined
  startBackend(): Promise<void>
  startAgent(...flags: string[]): Promise<void>
  /** POST /api/v1/<route>. */
  query<Answer>(route: string, request: object): Promise<Answer>
  status(): Promise<StatusAnswer>
}

/** A backend, ready; with `agent` flags also an agent that samples this machine. */
export async function startStream(options: { readonly agent?: readonly string[] } = {}): Promise<Stream> {
  const port = await freePort()
  const directory = mkdtempSync(path.join(tmpdir(), 'flametrail-e2e-'))
  const url = `http://127.0.0.1:${port}`
  const stream: Stream = {
    url,
    port,
    directory,
    backend: undefined as unknown as Run,
    agent: undefined,
    async startBackend() {
      stream.backend = start([
        process.execPath,
        program('backend'),
        '--listen',
        `127.0.0.1:${port}`,
        '--data-directory',
        directory,
      ])
      await eventually(`backend ready (${stream.backend.stderr()})`, 20_000, async () =>
        (await fetch(`${url}/readyz`)).ok ? true : undefined,
      )
    },
    async startAgent(...flags) {
      stream.agent = start([
        process.execPath,
        program('agent'),
        '--backend',
        url,
        '--metrics-listen',
        '',
        ...flags,
      ])
      const agent = stream.agent
      await eventually('agent samples', 20_000, () =>
        agent.stderr().includes('sampling') ? true : undefined,
      ).catch((error) => {
        throw new Error(`the agent did not start: ${agent.stderr()}`, { cause: error })
      })
    },
    async query<Answer>(route: string, request: object) {
      const response = await fetch(`${url}/api/v1/${route}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(request),
      })
      if (!response.ok) throw new Error(`${route} answered ${response.status}: ${await response.text()}`)
      return (await response.json()) as Answer
    },
    async status() {
      return (await (await fetch(`${url}/api/v1/status`)).json()) as StatusAnswer
    },
    async [Symbol.asyncDispose]() {
      await stop(stream.agent)
      await stop(stream.backend)
      rmSync(directory, { recursive: true, force: true })
    },
  }
  await stream.startBackend()
  if (options.agent !== undefined) await stream.startAgent(...options.agent)
  return stream
}

/** SIGTERM, then SIGKILL after 15 s; resolves with the exit code. */
export async function stop(run: Run | undefined): Promise<number> {
  if (run === undefined) return 0
  if (run.child.exitCode === null) run.child.kill('SIGTERM')
  const timer = setTimeout(() => run.child.kill('SIGKILL'), 15_000)
  const code = await run.ended
  clearTimeout(timer)
  return code
}

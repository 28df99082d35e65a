// Who runs beside the bench? Programs of ours as processes of their own, ended by their own handles.
import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { ROOT } from './machine.ts'

export interface Run {
  readonly child: ChildProcess
  readonly ended: Promise<void>
  stdout(): string
  stderr(): string
}

export function start(command: string, words: readonly string[]): Run {
  const child = spawn(command, words, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  const ended = new Promise<void>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', () => resolve())
  })
  return { child, ended, stdout: () => stdout, stderr: () => stderr }
}

/** SIGTERM, then SIGKILL after 15 s. */
export async function stop({ child, ended }: Run): Promise<void> {
  if (child.exitCode === null) child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 15_000)
  await ended
  clearTimeout(timer)
}

export const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

/** Polls every `everyMs` until the probe says yes; throws with what the process said. */
export async function until(
  what: string,
  {
    run,
    deadlineMs,
    everyMs = 100,
  }: { readonly run: Run; readonly deadlineMs: number; readonly everyMs?: number },
  probe: () => boolean | Promise<boolean>,
): Promise<void> {
  const end = Date.now() + deadlineMs
  while (Date.now() < end && run.child.exitCode === null) {
    if (await probe()) return
    await sleep(everyMs)
  }
  const why =
    run.child.exitCode === null ? `not within ${deadlineMs} ms` : `it ended with ${run.child.exitCode}`
  throw new Error(`${what}: ${why}. It said:\n${run.stderr().slice(-2_000)}`)
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

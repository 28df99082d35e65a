// Who runs beside the bench? Programs of ours as processes of their own, ended by their own handles.
import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { ROOT } from './machine.ts'

/** PIDs, and process groups as negative ones, that must not outlive the bench: a load that burns on spoils every figure
 *  that comes after it. */
const living = new Set<number>()
process.on('exit', () => {
  for (const pid of living) killQuietly(pid)
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

/** Ends with the bench, however that ends.  out  called when it has ended before */
export function endWithBench(pid: number): () => void {
  living.add(pid)
  return () => void living.delete(pid)
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

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
  const forget = child.pid === undefined ? () => {} : endWithBench(child.pid)
  const ended = new Promise<void>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', () => {
      forget()
      resolve()
    })
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

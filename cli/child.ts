// How does `up` keep its two programs? Each in a process group of its own, so that Ctrl-C reaches `up` alone and it can
// stop them in order; over a channel, so that they stop by themselves should `up` be killed.
import { type ChildProcess, spawn } from 'node:child_process'

export interface Child {
  readonly name: string
  /** Resolves with the exit code when the process has ended, never rejects. */
  readonly ended: Promise<number>
  isRunning(): boolean
  /** Asks by SIGTERM; after `deadlineMs` ends it by SIGKILL. Resolves when it has ended. */
  stop(deadlineMs: number): Promise<void>
}

/** in  argv  flags of Node, the program's path, its words */
export function startChild(
  name: string,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Child {
  const child: ChildProcess = spawn(process.execPath, argv, {
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, ...env },
  })
  let isRunning = true
  const ended = new Promise<number>((resolve) => {
    child.on('error', () => resolve(127))
    child.on('close', (code) => resolve(code ?? 128))
  }).finally(() => {
    isRunning = false
  })
  return {
    name,
    ended,
    isRunning: () => isRunning,
    async stop(deadlineMs) {
      if (!isRunning) return
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), deadlineMs)
      await ended
      clearTimeout(timer)
    },
  }
}

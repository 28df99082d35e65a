// How does the command after -- run? In a process group of its own, so that Ctrl-C reaches us alone and we can end it
// with all that it has begun; with our input and output.
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { Refusal } from '../command.ts'
import { printable } from '../output.ts'

export interface Launched {
  readonly pid: number
  /** How it ended: "ended with 3", "was ended by SIGTERM". Never rejects. */
  readonly ended: Promise<string>
  /** Asks the whole group by SIGTERM; after `deadlineMs` ends it by SIGKILL. Resolves when the command has ended. */
  stop(deadlineMs: number): Promise<void>
}

/** Starts a command.
 *  in      onPid  called at once, before the command can have begun anything
 *  throws  Refusal when it cannot be run */
export async function launch(command: readonly string[], onPid: (pid: number) => void): Promise<Launched> {
  const [file, ...words] = command
  const child = spawn(file!, words, { detached: true, stdio: 'inherit' })
  const { pid } = child
  if (pid === undefined) {
    const error = await new Promise<Error>((resolve) => child.once('error', resolve))
    throw new Refusal(`cannot run ${printable(file!)}: ${error.message}; give a program of PATH, or its path`)
  }
  onPid(pid)
  let isRunning = true
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => {
      isRunning = false
      resolve(signal === null ? `ended with ${code}` : `was ended by ${signal}`)
    })
  })
  const kill = (signal: NodeJS.Signals) => {
    try {
      process.kill(-pid, signal)
    } catch (error) {
      // The group has ended between our look and our call.
      if ((error as NodeJS.ErrnoException).errno !== -constants.errno.ESRCH) throw error
    }
  }
  return {
    pid,
    ended,
    async stop(deadlineMs) {
      if (!isRunning) return
      kill('SIGTERM')
      const timer = setTimeout(() => kill('SIGKILL'), deadlineMs)
      await ended
      clearTimeout(timer)
    },
  }
}

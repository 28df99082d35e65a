// Who compiles what is too large for us? A child for each file, one at a time: it gets the open file and a pipe, and holds
// no rights, no environment and no other file. What it needs of memory and time is its own and bounded; what it says is
// checked like a stranger's words. It ends with its answer, after ten seconds of CPU or thirty by the clock, or with us.
import { type ChildProcess, spawn } from 'node:child_process'
import { failure, type Result } from '#profile/model/result'
import type { CompiledTable } from '../dwarf/compiled-table.ts'
import { lendNoRights } from '../kernel/rights.ts'
import { ANSWER_BYTES_MAX, answerOfBytes } from './compile-answer.ts'

/** A file that was given to it. */
export interface ChildCompilation {
  /** undefined: not finished. */
  readonly result: Result<CompiledTable> | undefined
  /** Nobody waits for it any more. */
  cancel(): void
}
export interface CompileChild {
  /** in  fd  of the file; it may be closed once there is a result, or it was cancelled
   *  cost  5 ms for the start of the child, which takes 0.1 s of its own */
  compile(fd: number): ChildCompilation
  /** Files given, and those without an answer. */
  readonly counts: { readonly started: number; readonly died: number }
  close(): void
}

const CHILD_MS_MAX = 30_000 // beside ten seconds of CPU: it is nice, and the machine may be busy
const NOBODY = 65_534
const CANNOT_BEGIN = 1 // Node's exit code for a program that it cannot load; ours says 0 whatever the file is
// Its heap: 64 MiB of .eh_frame and its rows lie outside of it.
const NODE_FLAGS = ['--max-old-space-size=128', '--max-semi-space-size=1', '--v8-pool-size=1']

interface Job extends ChildCompilation {
  readonly fd: number
  result: Result<CompiledTable> | undefined
  child: ChildProcess | undefined
  isCancelled: boolean
}

/** No child runs yet.  in  program  the built bundle of bpf-agent/compile-main.ts */
export function createCompileChild({
  program,
  log,
  limitMs = CHILD_MS_MAX,
}: {
  readonly program: string
  readonly log: (line: string) => void
  readonly limitMs?: number
}): CompileChild {
  const waiting: Job[] = []
  const counts = { started: 0, died: 0 }
  let current: Job | undefined
  // Root may become another user, if it has the right to; and that user may be unable to read the program.
  // Only then: no file may bring about that the next one is compiled by another user.
  let user: number | undefined = process.geteuid?.() === 0 ? NOBODY : undefined
  let hasComplained = false

  function next(): void {
    if (current !== undefined) return
    current = waiting.shift()
    if (current !== undefined) run(current)
  }

  function run(job: Job): void {
    lendNoRights()
    counts.started++
    const chunks: Buffer[] = []
    let bytes = 0
    let isOver = false
    let timer: NodeJS.Timeout | undefined
    const end = (why: string, couldBegin: boolean) => {
      if (isOver) return
      isOver = true
      clearTimeout(timer)
      current = undefined
      if (!couldBegin && user !== undefined && !job.isCancelled) {
        user = undefined
        waiting.unshift(job)
      } else job.result = answered(bytes > ANSWER_BYTES_MAX ? [] : chunks, why)
      next()
    }
    const child = begin(job.fd, user)
    // Some errors of a start are thrown and others told: a user whom we may not become, a program that he may not read.
    if (child instanceof Error) {
      end(child.message, false)
      return
    }
    job.child = child
    timer = setTimeout(() => child.kill('SIGKILL'), limitMs)
    timer.unref()
    child.stdout!.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > ANSWER_BYTES_MAX) child.kill('SIGKILL')
      else chunks.push(chunk)
    })
    child.on('error', (error) => end(error.message, false))
    child.on('close', (code, signal) => end(signal ?? `exit code ${code}`, code !== CANNOT_BEGIN))
  }

  function begin(fd: number, user: number | undefined): ChildProcess | Error {
    try {
      return spawn(process.execPath, [...NODE_FLAGS, program], {
        stdio: ['ignore', 'pipe', 'ignore', fd],
        env: {},
        cwd: '/',
        ...(user === undefined ? {} : { uid: user, gid: user }),
      })
    } catch (error) {
      return error as Error
    }
  }

  function answered(chunks: readonly Buffer[], why: string): Result<CompiledTable> {
    if (chunks.length > 0) return answerOfBytes(Buffer.concat(chunks))
    counts.died++
    if (!hasComplained) log(`the child that compiles large unwind tables ended without an answer: ${why}`)
    hasComplained = true
    return failure(`the child ended without an answer: ${why}`)
  }

  return {
    compile(fd) {
      const job: Job = {
        ...{ fd, result: undefined, child: undefined, isCancelled: false },
        cancel() {
          job.isCancelled = true
          const at = waiting.indexOf(job)
          if (at !== -1) waiting.splice(at, 1)
          job.child?.kill('SIGKILL')
        },
      }
      waiting.push(job)
      next()
      return job
    },
    counts,
    close() {
      waiting.length = 0
      current?.cancel()
    },
  }
}

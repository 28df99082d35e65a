// Which table is compiled now? A little of one at a time, because the ring of samples is not drained meanwhile. Small
// files first: a new process needs its libraries' tables soon, and a browser's can wait; but every few rounds the oldest
// has its turn, so that nobody who starts small programs all day keeps it waiting for ever.
import { failure, type Result } from '#profile/model/result'
import type { CompiledTable } from '../dwarf/compiled-table.ts'
import type { ByteSource } from '../elf/byte-source.ts'
import { MalformedError } from '../elf/cursor.ts'

/** One compilation, in steps. */
export interface Compilation {
  /** Another process works on it: until it has finished, a step brings nothing. */
  readonly isElsewhere?: boolean
  /** Works for about `budgetMs`.  out  undefined: not finished.  throws  what reading the source throws */
  step(budgetMs: number): Result<CompiledTable> | undefined
  /** Its result is not wanted any more. */
  cancel?(): void
}
export interface OpenSource {
  readonly source: ByteSource
  /** Of the file, if it is one. */
  readonly fd?: number
  close(): void
}
export interface CompileJob<Key> {
  readonly key: Key
  readonly open: OpenSource
  start(source: ByteSource, fd: number | undefined): Compilation
}
export interface CompileQueue<Key> {
  /** out  false: the queue is full; the source is closed then */
  add(job: CompileJob<Key>): boolean
  /** Compiles for about `budgetMs`.  out  what was finished */
  run(budgetMs: number): readonly { readonly key: Key; readonly result: Result<CompiledTable> }[]
  readonly length: number
  /** Of these, what another process works on: no call of `run` hastens them. */
  readonly elsewhere: number
  /** Time spent, in all. */
  readonly spentMs: number
  close(): void
}

const JOBS_MAX = 256 // each holds a file open, of the 1,024 that a process may have by default
const OLDEST_EVERY = 4
const JOB_MS_MAX = 10_000 // cc1 takes 120 ms; what takes this long was made to

interface Waiting<Key> extends CompileJob<Key> {
  compilation: Compilation | undefined
  spentMs: number
}

/** An empty queue.  in  nowMs  a clock that never jumps */
export function createCompileQueue<Key>(nowMs: () => number): CompileQueue<Key> {
  const jobs: Waiting<Key>[] = [] // oldest first
  let rounds = 0
  let spentMs = 0

  const isElsewhere = ({ compilation }: Waiting<Key>) => compilation?.isElsewhere === true

  function next(isOldestsTurn: boolean): Waiting<Key> | undefined {
    let found: Waiting<Key> | undefined
    for (const job of jobs) {
      if (isElsewhere(job)) continue
      if (found === undefined || job.open.source.size < found.open.source.size) found = job
      if (isOldestsTurn) break
    }
    return found
  }

  function step(job: Waiting<Key>, budgetMs: number): Result<CompiledTable> | undefined {
    const startMs = nowMs()
    try {
      job.compilation ??= job.start(job.open.source, job.open.fd)
      return job.compilation.step(budgetMs)
    } catch (error) {
      // A file that was cut while we read it, or whose disk failed: its own trouble, not ours.
      if (error instanceof MalformedError || (error instanceof Error && 'code' in error))
        return failure(error.message)
      throw error
    } finally {
      job.spentMs += nowMs() - startMs
      spentMs += nowMs() - startMs
    }
  }

  return {
    add(job) {
      if (jobs.length >= JOBS_MAX) {
        job.open.close()
        return false
      }
      jobs.push({ ...job, compilation: undefined, spentMs: 0 })
      return true
    },
    run(budgetMs) {
      const finished: { key: Key; result: Result<CompiledTable> }[] = []
      const endMs = nowMs() + budgetMs
      let isOldestsTurn = ++rounds % OLDEST_EVERY === 0
      for (let leftMs = budgetMs; leftMs > 0 && jobs.length > 0; leftMs = endMs - nowMs()) {
        const job = next(isOldestsTurn)
        if (job === undefined) break
        isOldestsTurn = false
        const result =
          step(job, leftMs) ??
          (job.spentMs > JOB_MS_MAX ? failure(`not compiled within ${JOB_MS_MAX / 1000} s`) : undefined)
        if (result === undefined) continue
        jobs.splice(jobs.indexOf(job), 1)
        job.open.close()
        finished.push({ key: job.key, result })
      }
      return finished
    },
    get length() {
      return jobs.length
    },
    get elsewhere() {
      return jobs.filter(isElsewhere).length
    },
    get spentMs() {
      return spentMs
    },
    close() {
      for (const { open, compilation } of jobs.splice(0)) {
        compilation?.cancel?.()
        open.close()
      }
    },
  }
}

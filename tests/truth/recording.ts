// Programs run together under one recording of the real agent: started, heard, sampled, ended.
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { mergeProfiles } from '#profile/model/merge-profiles'
import type { Profile } from '#profile/model/profile'
import { decodeOtlpProfiles } from '#profile/wire/otlp-profiles'
import { limitsOf } from '../../backend/limits.ts'
import { program, start } from '../e2e/stream.ts'

/** What a program said of itself, all its lines as one object. */
export interface Told {
  /** Frames above main. */
  readonly entry: number
  /** Frames of a library between two of its own. */
  readonly inner: number
  /** Whether a library took the address of another one. */
  readonly same: boolean | undefined
}

export interface Running {
  readonly child: ChildProcess
  told(): Told
}

/** TRUTH_CLI: the command line of another build, to compare two. */
const CLI = process.env.TRUTH_CLI ?? program('cli')
export const FREQUENCY_HZ = 499 // the highest that the agent takes

/** Starts a program and waits for its first line.  throws when it ends before, or says nothing in 20 s */
export async function startProgram(argv: readonly string[], folder: string): Promise<Running> {
  const child = spawn(argv[0]!, argv.slice(1), { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  let [said, complained] = ['', '']
  child.stderr.on('data', (chunk) => {
    complained += chunk
  })
  await new Promise<void>((resolve, reject) => {
    const fail = (how: string) => reject(new Error(`${argv.join(' ')} ${how}: ${complained || said}`))
    const timer = setTimeout(() => fail('said nothing in 20 s'), 20_000)
    child.once('error', (error) => fail(error.message))
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      fail(`ended with ${code ?? signal}`)
    })
    child.stdout.on('data', (chunk) => {
      said += chunk
      if (!said.includes('\n')) return
      clearTimeout(timer)
      resolve()
    })
  })
  return {
    child,
    told: () => ({
      ...{ entry: 0, inner: 0, same: undefined },
      ...Object.assign(
        {},
        ...said
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as Partial<Told>),
      ),
    }),
  }
}

/** Kills a program and waits until it is gone; the file of names that Node leaves in /tmp goes too. */
export async function endProgram({ child }: Running): Promise<void> {
  const ended = new Promise((resolve) => child.once('close', resolve))
  if (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL')
    await ended
  }
  rmSync(`/tmp/perf-${child.pid}.map`, { force: true })
}

/** Samples processes and all that descends from them, until each has used enough CPU time to give `samples` samples
 *  and some more for what passes before the agent samples: on a busy machine that takes longer.
 *  in      seconds  least and longest time
 *  throws  with the agent's own words when it does not succeed */
export async function recordPids(
  pids: readonly number[],
  {
    seconds: [least, longest],
    samples,
  }: { readonly seconds: readonly [number, number]; readonly samples: number },
  folder: string,
): Promise<Profile> {
  const began = Date.now()
  const before = pids.map(cpuSeconds)
  const isEnough = () =>
    Date.now() - began > least * 1000 &&
    pids.every((pid, i) => cpuSeconds(pid) - before[i]! > (1.6 * samples) / FREQUENCY_HZ)
  const words = pids.flatMap((pid) => ['--pid', String(pid)])
  return recordWords(['-d', String(longest), ...words], folder, isEnough)
}

/** `flametrail record` with these words, at the highest frequency.
 *  in  isEnough  asked four times a second; ends the recording */
export async function recordWords(
  words: readonly string[],
  folder: string,
  isEnough: () => boolean = () => false,
): Promise<Profile> {
  const file = path.join(folder, 'recording.otlp')
  const run = start([process.execPath, CLI, 'record', '-F', String(FREQUENCY_HZ), '-o', file, ...words])
  const timer = setInterval(() => {
    if (!isEnough()) return
    clearInterval(timer)
    run.child.kill('SIGINT')
  }, 250)
  const code = await run.ended.finally(() => clearInterval(timer))
  if (code !== 0) throw new Error(`flametrail record ended with ${code}: ${run.stderr()}`)
  const request = decodeOtlpProfiles(readFileSync(file), { limits: limitsOf(), receivedMs: Date.now() })
  rmSync(file)
  if (!request.ok) throw new Error(request.error.message)
  return mergeProfiles(request.value.profiles)
}

/** User and system time of a process and of those it has waited for, so far. */
function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / 100
}

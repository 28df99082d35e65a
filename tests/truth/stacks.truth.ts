// Every program under the real agent: at least 500 samples each, and the share of them that tells the truth. What is not
// demanded yet is measured and shown.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { root } from '../e2e/stream.ts'
import { check, complaints, percent, printFrames, type Verdict } from './check.ts'
import { compile, compileParts } from './compile.ts'
import { DEMAND, PROGRAMS, type Program } from './programs.ts'
import { endProgram, type Running, recordPids, startProgram, type Told } from './recording.ts'
import { stacksOf } from './seen.ts'

interface Result {
  readonly verdict: Verdict
  readonly missed: readonly string[]
  readonly told: Told
  /** What was missed before, where this is the second recording. */
  readonly before?: readonly string[]
}

const THREADS_TOGETHER = 8 // so that each has a quarter of a CPU on two of them
const SECONDS: readonly [number, number] = [8, 45]
const WRONG_SHOWN = 4
const wanted = process.env.TRUTH?.split(',') // TRUTH=t_qsort,t_vdso: these alone
const programs = PROGRAMS.filter(({ name }) => wanted === undefined || wanted.includes(name))

const folder = mkdtempSync(path.join(tmpdir(), 'flametrail-truth-'))
const results = new Map<string, Result>()
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
  const rows = programs.map(printRow)
  process.stdout.write(`\nstacks that tell the truth\n${rows.join('\n')}\n\n`)
  const reports = path.join(root, 'build', 'test-reports')
  mkdirSync(reports, { recursive: true })
  writeFileSync(path.join(reports, 'truth.txt'), `${rows.join('\n')}\n`)
})

describe('every program', () => {
  it('has a name that fits a thread, and no two the same', () => {
    const names = PROGRAMS.flatMap(({ name, starts }) =>
      starts === undefined ? [name] : [name, starts.name],
    )
    expect(names.filter((name) => name.length > 15)).toEqual([])
    expect(new Set(names).size).toBe(names.length)
  })
})

const made = new Map<string, readonly string[]>()
const missing = new Map<string, string>()
beforeAll(() => {
  compileParts(folder)
  for (const { name, source, starts } of programs) {
    if (starts !== undefined) compile(folder, starts.name, starts.source)
    const argv = compile(folder, name, source)
    if ('missing' in argv) missing.set(name, argv.missing)
    else made.set(name, argv)
  }
})

for (const [i, group] of groupsOf(programs).entries())
  describe(`recording ${i + 1}`, () => {
    beforeAll(async () => {
      await measure(group.filter(({ name }) => made.has(name)))
      await measure(group.filter(isSurprise))
    })
    for (const program of group)
      it(program.name, (context) => {
        const reason = missing.get(program.name)
        if (reason !== undefined) context.skip(reason)
        const { verdict, missed, told } = results.get(program.name)!
        if (program.name === 't_swapped')
          expect(told.same, 'a library took the address of another').toBe(true)
        if (program.waitsFor !== undefined)
          context.skip(`${percent(verdict.exact, verdict.samples)} exact; waits for ${program.waitsFor}`)
        expect(missed, printWrong(verdict)).toEqual([])
      })
  })

/** Missed, against what we know of it. Demands are close to all: two samples of 700 taken while the machine stood still,
 *  and a right unwinder has missed. It is recorded once more, and the first recording is shown. */
function isSurprise({ name, waitsFor }: Program): boolean {
  return waitsFor === undefined && (results.get(name)?.missed.length ?? 0) > 0
}

async function measure(group: readonly Program[]): Promise<void> {
  const running = new Map<Program, Running>()
  try {
    for (const program of group) {
      const { name, words = [], files = [], starts } = program
      const inFolder = [...files, ...(starts === undefined ? [] : [starts.name])]
      const argv = [...made.get(name)!, ...words, ...inFolder.map((file) => path.join(folder, file))]
      running.set(program, await startProgram(argv, folder))
    }
    if (running.size === 0) return
    const pids = [...running.values()].map(({ child }) => child.pid!)
    const profile = await recordPids(pids, { seconds: SECONDS, samples: DEMAND.samples }, folder)
    for (const [program, { told }] of running) {
      const truth = program.truth(told())
      const verdict = check(stacksOf(profile, program.starts?.name ?? program.name, program.keep), truth)
      const missed = complaints(verdict, truth, { ...DEMAND, ...program.demand })
      const before = results.get(program.name)?.missed
      results.set(program.name, { verdict, missed, told: told(), ...(before && { before }) })
    }
  } finally {
    for (const one of running.values()) await endProgram(one)
  }
}

/** Programs in their order, as many at a time as leave each its share of the CPUs. */
function groupsOf(all: readonly Program[]): Program[][] {
  const groups: Program[][] = []
  let threads = THREADS_TOGETHER
  for (const program of all) {
    threads += program.cpus ?? 1
    if (threads > THREADS_TOGETHER) {
      groups.push([])
      threads = program.cpus ?? 1
    }
    groups.at(-1)!.push(program)
  }
  return groups
}

function printRow(program: Program): string {
  const head = program.name.padEnd(16)
  const result = results.get(program.name)
  if (result === undefined)
    return `${head} not measured: ${missing.get(program.name) ?? 'the recording failed'}`
  const { verdict, missed, before } = result
  const shares = [verdict.exact, verdict.inLeaf].map((part) => percent(part, verdict.samples).padStart(9))
  const demand = percent(program.demand?.exact ?? DEMAND.exact, 1)
  const how = missed.length === 0 ? 'met' : program.waitsFor === undefined ? 'MISSED' : 'missed'
  const row = `${head} ${String(verdict.samples).padStart(6)} samples ${shares[0]} exact (${demand}) ${shares[1]} in the leaf  ${how}`
  return [
    row,
    ...(before ? [`      recorded twice; at first ${before.join('; ')}`] : []),
    ...missed.map((one) => `      ${one}`),
    ...(missed.length > 0 ? [printWrong(verdict)] : []),
  ].join('\n')
}

function printWrong({ wrong }: Verdict): string {
  const rows = wrong.slice(0, WRONG_SHOWN).map(({ samples, difference, frames }) => {
    const text = printFrames(frames)
    return `      ${String(samples).padStart(6)}  ${difference}: ${text.length > 400 ? `${text.slice(0, 200)} … ${text.slice(-190)}` : text}`
  })
  const rest = wrong.length - rows.length
  return [...rows, ...(rest > 0 ? [`              and ${rest} other stacks`] : [])].join('\n')
}

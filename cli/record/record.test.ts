import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { profileFromText } from '#profile/testing/draw'
import { readStat, readText } from '../../bpf-agent/host/proc.ts'
import { buildHtmlPage } from '../../scripts/build-html-page.mjs'
import { launch } from './launch.ts'
import { type Emptiness, explainNoSamples } from './no-samples.ts'
import { EXTENSIONS, openOutput } from './output-file.ts'
import { findTargets } from './targets.ts'

const work = mkdtempSync(path.join(tmpdir(), 'flametrail-record-'))
afterAll(() => rmSync(work, { recursive: true, force: true }))

/** Neither gone nor a zombie that waits for its parent. */
function isRunning(pid: number): boolean {
  const stat = readText(`/proc/${pid}/stat`, 4096)
  return stat !== undefined && stat.slice(stat.lastIndexOf(')') + 2)[0] !== 'Z'
}

describe('who is meant', () => {
  const none = { pids: [], cgroups: [], command: [] }
  it('is everyone, if nobody is named', () => {
    expect(findTargets(none)).toEqual({ family: undefined, cgroups: [], words: 'every process' })
  })
  it('is a process, by its PID and its name', () => {
    const { family, words } = findTargets({ ...none, pids: [String(process.pid)] })
    expect(family!.has(process.pid, readStat(process.pid)!.startTicks)).toBe(true)
    expect(words).toMatch(new RegExp(`^PID ${process.pid} \\(.+\\)$`))
  })
  it('is a command that is still to come, shortened', () => {
    const { family, words } = findTargets({ ...none, command: ['sh', '-c', `\u001b[2J${'x'.repeat(100)}`] })
    expect([family!.living, words]).toEqual([0, `sh -c ?[2J${'x'.repeat(49)}…`])
  })
  it('cannot be told by PIDs in a container that has its own', () => {
    for (const wanted of [
      { ...none, pids: ['1'] },
      { ...none, command: ['make'] },
    ])
      expect(() => findTargets(wanted, 'pid:[4026532201]')).toThrow('--pid=host')
    expect(findTargets(none, 'pid:[4026532201]').words).toBe('every process')
  })
  it.each([
    [
      { ...none, pids: ['4194305'] },
      '--pid 4194305: no process has this PID here; `pgrep -l NAME` finds one',
    ],
    [{ ...none, pids: ['nginx'] }, '--pid nginx: a PID is a number from 1; for example --pid 4711'],
    [{ ...none, pids: ['0'] }, '--pid 0: a PID is a number from 1'],
    [{ ...none, cgroups: ['/no/such.slice'] }, '--cgroup /no/such.slice: '],
  ])('%j is nobody', (wanted, sentence) => {
    expect(() => findTargets(wanted)).toThrow(sentence)
  })
})

describe('the command after --', () => {
  it('runs at once under a PID that is known before it begins anything, and tells how it ends', async () => {
    let seen = 0
    const command = await launch(['sh', '-c', 'exit 3'], (pid) => {
      seen = pid
    })
    expect(seen).toBe(command.pid)
    expect(await command.ended).toBe('ended with 3')
    await command.stop(1000) // it has ended: nothing to do
  })
  it('is ended with all that it has begun', async () => {
    const file = path.join(work, 'child')
    const command = await launch(['sh', '-c', `sleep 60 & echo $! > ${file}; wait`], () => {})
    let child = 0
    while (child === 0) {
      await new Promise((resolve) => setTimeout(resolve, 10))
      child = readdirSync(work).includes('child') ? Number(readFileSync(file, 'utf8')) : 0
    }
    await command.stop(5_000)
    expect(await command.ended).toBe('was ended by SIGTERM')
    while (isRunning(child)) await new Promise((resolve) => setTimeout(resolve, 10))
  })
  it('is killed when it does not listen', async () => {
    const command = await launch(['sh', '-c', 'trap "" TERM; while :; do sleep 1; done'], () => {})
    await new Promise((resolve) => setTimeout(resolve, 100)) // the trap is set
    await command.stop(50)
    expect(await command.ended).toBe('was ended by SIGKILL')
  })
  it('must be there', async () => {
    await expect(launch(['/no/such/program'], () => {})).rejects.toThrow(
      /^cannot run \/no\/such\/program: .*ENOENT; give a program of PATH/,
    )
  })
})

describe('the output', () => {
  const profile = profileFromText('main main\nwork <b>\n3    4')
  const headings = { title: 'a & b', subtitle: '"now"' }
  beforeAll(async () => {
    await buildHtmlPage(work) // pages carry it
  })
  const here = () => readdirSync(work).sort()

  it.each(EXTENSIONS)('is written whole as %s, over what was there', (ending) => {
    const file = path.join(work, `out${ending}`)
    writeFileSync(file, 'old')
    const output = openOutput(file, work)
    expect(readFileSync(file, 'utf8')).toBe('old')
    const bytes = output.write(profile, headings)
    output.discard()
    expect(readFileSync(file)).toHaveLength(bytes)
    expect(here().filter((name) => name.endsWith('.tmp'))).toEqual([])
    rmSync(file)
  })
  it('leaves nothing behind when there is nothing to write', () => {
    const before = here()
    openOutput(path.join(work, 'nothing.folded')).discard()
    expect(here()).toEqual(before)
  })
  it('says how to build what pages carry', () => {
    const file = path.join(work, 'cpu.html')
    expect(() => openOutput(file, '/no/such')).toThrow(/html-page.js'; build it: npm run build node$/)
  })
  it.each([
    ['cpu', 'the name must end in .html'],
    ['cpu.png', 'the name must end in .html'],
    ['.folded', 'the name must end in'],
    ['/no/such/folder/cpu.folded', 'cannot write /no/such/folder/cpu.folded: ENOENT'],
  ])('%s is refused before anything is sampled', (file, sentence) => {
    expect(() => openOutput(file)).toThrow(sentence)
  })
})

describe('a recording without samples says why', () => {
  const empty: Emptiness = {
    words: 'PID 42 (sleep)',
    elapsedMs: 2_000,
    frequencyHz: 97,
    expected: 388,
    filtered: 12,
    lost: new Map(),
    living: 1,
    commandEnd: undefined,
  }
  it.each([
    [{}, 'no samples of PID 42 (sleep) in 2.0 s at 97 Hz (12 of other processes): it was idle. Record while'],
    [{ lost: new Map([['missed_tick', 1]]) }, '(12 of other processes; lost: missed_tick 1): it was idle'],
    [{ living: 0 }, 'the process has ended'],
    [{ commandEnd: 'ended with 0' }, 'the command ended with 0 before it had used 11 ms of CPU'],
    [{ living: undefined, words: 'cgroup /a' }, 'its processes were idle, or there are none'],
    [{ living: undefined, filtered: 0, words: 'every process' }, 'the machine was idle. `flametrail doctor`'],
    [
      { living: undefined, filtered: 0, lost: new Map([['missed_tick', 99]]) },
      '(lost: missed_tick 99): too many',
    ],
  ])('%j', (change, sentence) => {
    expect(explainNoSamples({ ...empty, ...change })).toContain(sentence)
  })
})

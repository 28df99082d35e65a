// Python on the real kernel: a program that is called in every way there is, under every interpreter of this machine. Each
// sample must show a chain of calls that the program truly has, down to the function it was in.
import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { bytesSource } from '../../bpf-agent/elf/byte-source.ts'
import { fileOffsetOfAddress, readElf } from '../../bpf-agent/elf/elf-file.ts'
import { findSymbols } from '../../bpf-agent/elf/find-symbols.ts'
import { interpretersHere } from '../../bpf-agent/python/interpreters-testing.ts'
import { flametrail } from './stream.ts'

const PROGRAM = path.join(import.meta.dirname, 'python-shapes.py')
const work = mkdtempSync(path.join(tmpdir(), 'flametrail-e2e-python-'))
afterAll(() => rmSync(work, { recursive: true, force: true }))

/** Functions of the program, outermost first; what stands between them is of libraries. A comprehension is a function of
 *  its own up to 3.11. */
const CHAINS = [
  '<module> use_recursion recursion recursion recursion recursion recursion burn',
  '<module> use_generator generator burn',
  '<module> use_sorted key burn',
  '<module> use_reduce <lambda> burn',
  '<module> use_class __init__ burn',
  '<module> use_class method burn',
  '<module> use_class make burn',
  '<module> use_class size burn',
  '<module> use_exception raiser burn',
  '<module> use_exception burn',
  '<module> use_exec <made>.<module> inner burn',
  '<module> use_comprehension burn',
  '<module> use_comprehension <listcomp> burn',
  '<module> use_comprehension <listcomp> <listcomp> burn',
  '<module> use_c',
  '<module> use_re replace burn',
  '<module> use_asyncio task burn',
  '<module> use_asyncio tasks',
  '<module> in_child burn',
  'in_thread burn',
  'in_late_thread burn',
]
const TRUE = new Set(
  CHAINS.flatMap((chain) => chain.split(' ').map((_, i, words) => words.slice(0, i + 1).join(' '))),
)
interface Seen {
  readonly stack: readonly string[]
  readonly samples: number
}

function readFolded(file: string): Seen[] {
  return readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => {
      const space = line.lastIndexOf(' ')
      return { stack: line.slice(0, space).split(';'), samples: Number(line.slice(space + 1)) }
    })
}

/** The program's own functions of a stack; what shows that one was missed stays. Before a library's table is there the
 *  native frames are cut, which is not the question here: those of Python are there all the same. */
const chainOf = ({ stack }: Seen) =>
  stack
    .filter((name) => /^(__main__\.|<made>\.|\[python|_PyEval_EvalFrameDefault)/.test(name))
    .map((name) => (name.startsWith('<made>.<') ? name : name.replace(/^(__main__|<made>)\.(.*\.)?/, '')))
    .filter(
      (name, i, { length }) =>
        name !== '_PyEval_EvalFrameDefault' || i < length - 1 || stack[0] !== '[truncated]',
    )
    .join(' ')

/** What a program does after it has said something. */
async function recorded(argv: readonly string[], name: string, env: NodeJS.ProcessEnv = {}): Promise<Seen[]> {
  const [program = '', ...words] = argv
  const child = spawn(program, words, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  })
  const file = path.join(work, `${name}.folded`)
  try {
    await new Promise<void>((resolve, reject) => {
      child.stdout!.once('data', () => resolve())
      child.once('exit', () => reject(new Error(`${program} ended`)))
    })
    const run = await flametrail('record', '--pid', String(child.pid), '-d', '4', '-F', '199', '-o', file)
    expect(run.code, run.stderr).toBe(0)
  } finally {
    child.kill('SIGKILL')
  }
  return readFolded(file)
}

const sum = (seen: readonly Seen[]) => seen.reduce((total, { samples }) => total + samples, 0)

describe('functions of Python', () => {
  it.each(interpretersHere())(
    'of version %s stand where they were called',
    { timeout: 90_000 },
    async (version, python) => {
      const seen = await recorded([python, PROGRAM], version)
      // Threads begin and end without any function of the program.
      const ofProgram = seen.filter((one) => chainOf(one) !== '')
      const wrong = ofProgram.filter((one) => !TRUE.has(chainOf(one)))
      const all = sum(ofProgram)
      console.log(`Python ${version}: ${all} samples, ${(100 - (100 * sum(wrong)) / all).toFixed(2)} % exact`)
      for (const one of wrong.slice(0, 5))
        console.log(`  ${one.samples} ${chainOf(one)} | ${one.stack.slice(-4).join(';')}`)
      expect(all).toBeGreaterThan(100)
      expect(all / sum(seen)).toBeGreaterThan(0.9)
      expect(sum(wrong)).toBeLessThanOrEqual(Math.max(2, 0.005 * all)) // a busy machine gives few samples
      for (const chain of [
        'use_sorted key burn',
        'use_asyncio task burn',
        'in_child burn',
        'in_late_thread burn',
        'use_c',
      ])
        expect(sum(seen.filter((one) => chainOf(one).endsWith(chain))), chain).toBeGreaterThan(0)
    },
  )
})

const SYSTEM = '/usr/bin/python3.11'
describe.runIf(existsSync(SYSTEM))('a version that nobody has looked at', () => {
  it('is named where its functions would stand', { timeout: 60_000 }, async () => {
    const copy = Buffer.from(readFileSync(SYSTEM))
    const elf = readElf(bytesSource(copy))
    if (!elf.ok) throw elf.error
    const [version] = findSymbols(elf.value, ['Py_Version'], (name) => name === 'Py_Version')
    copy.writeUInt32LE(0x030f00f0, fileOffsetOfAddress(elf.value, version!.address)!)
    const python = path.join(work, 'python3.15')
    writeFileSync(python, copy)
    chmodSync(python, 0o755)
    const seen = await recorded([python, PROGRAM], 'unknown', { PYTHONHOME: '/usr' })
    const marked = seen.filter(({ stack }) => stack.includes('[python: no offsets for 3.15]'))
    expect(sum(marked) / sum(seen)).toBeGreaterThan(0.5)
    expect(seen.every(({ stack }) => !stack.some((name) => name.startsWith('__main__.')))).toBe(true)
  })
})

describe('a program that only says it is Python', () => {
  const impostor = path.join(work, 'python3.11')
  it.each(['thread', 'frame', 'wild'])(
    'and leads in circles (%s) costs its own stacks, no more',
    { timeout: 60_000 },
    async (how) => {
      const source = path.join(import.meta.dirname, 'python-impostor.c')
      execFileSync('gcc', ['-O1', '-rdynamic', '-o', impostor, source])
      const seen = await recorded([impostor, how], `impostor-${how}`)
      expect(sum(seen)).toBeGreaterThan(50)
      expect(Math.max(...seen.map(({ stack }) => stack.length))).toBeLessThanOrEqual(513 + 64)
      const own = seen.flatMap(({ stack }) => stack.filter((name) => name.startsWith('[python: ')))
      expect([...new Set(own)]).toEqual(how === 'thread' ? [] : ['[python: code not readable]'])
      if (how === 'thread')
        expect(seen.some(({ stack }) => stack.includes('_PyEval_EvalFrameDefault'))).toBe(true)
    },
  )
})

// A second opinion: readelf interprets the same bytes with other code. Every row of it, the last byte that each covers,
// and 10,000 random addresses (inside and between functions) must have the same rule here.
import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, readSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { bytesSource } from '../elf/byte-source.ts'
import type { CompiledTable } from './compiled-table.ts'
import { showRule } from './testing.ts'
import { compileUnwindTable } from './unwind-table.ts'

const RANDOM_ADDRESSES = 10_000
const hasReadelf = spawnSync('readelf', ['--version']).status === 0

const binaries = {
  libc: ['/lib/x86_64-linux-gnu/libc.so.6', '/usr/lib64/libc.so.6'],
  'libstdc++': ['/usr/lib/x86_64-linux-gnu/libstdc++.so.6', '/usr/lib64/libstdc++.so.6'],
  node: [process.execPath],
  python3: ['/usr/bin/python3', '/usr/local/bin/python3'],
  'ld.so': ['/lib64/ld-linux-x86-64.so.2'],
  libcrypto: ['/usr/lib/x86_64-linux-gnu/libcrypto.so.3'],
  cc1: [printedBy('gcc', '-print-prog-name=cc1')],
  // Of the packages libc6-arm64-cross and libstdc++6-arm64-cross.
  'libc, arm64': ['/usr/aarch64-linux-gnu/lib/libc.so.6'],
  'libstdc++, arm64': ['/usr/aarch64-linux-gnu/lib/libstdc++.so.6'],
}

describe.skipIf(!hasReadelf || process.arch !== 'x64')('rows (readelf, of the package binutils)', () => {
  const file = join(tmpdir(), `rows-${process.pid}.txt`)
  afterAll(() => rmSync(file, { force: true }))

  for (const [name, paths] of Object.entries(binaries)) {
    const path = paths.find((path) => existsSync(path))
    it.skipIf(path === undefined)(`of ${name} are those of readelf`, () => {
      const compiled = compileUnwindTable(bytesSource(readFileSync(realpathSync(path!))))
      if (!compiled.ok) throw new Error(compiled.error.message)
      const rows = readRows(dumpedRows(path!, file))
      expect(rows.length).toBeGreaterThan(compiled.value.counts.fdes)
      const machine = name.endsWith('arm64') ? 183 : 62
      expect(compareRows(compiled.value, rows, machine)).toEqual([])
    })
  }

  it('of another file are found to differ: the comparison can fail', () => {
    const path = binaries.libc.find((path) => existsSync(path))!
    const compiled = compileUnwindTable(bytesSource(readFileSync(realpathSync(path))))
    if (!compiled.ok) throw new Error(compiled.error.message)
    const rows = readRows(dumpedRows(path, file))
    const table = compiled.value
    const rules = table.rules.slice()
    const frequent = table.rule[table.rule.length >> 1]!
    rules[8 * frequent + 2]! ^= 8
    expect(compareRows({ ...table, rules }, rows).length).toBeGreaterThan(0)
  })
})

interface OracleCie {
  readonly isSignal: boolean
  readonly returnAddress: number
  rule: readonly string[]
}
const ANY_EXPRESSION: readonly string[] = ['an expression']

/** Writes the rows of a binary into a file.  out  its name */
function dumpedRows(binary: string, file: string): string {
  // Its status is 1 for warnings about links to debug files; a dump cut short has too few rows.
  spawnSync('sh', ['-c', 'exec readelf --wide -wF -wN "$1" > "$2" 2>/dev/null', 'sh', binary, file])
  return file
}

interface OracleRow {
  readonly start: number
  readonly end: number
  /** What `showRule` may say. */
  readonly rules: readonly string[]
}

function compareRows(table: CompiledTable, rows: readonly OracleRow[], machine = 62): string[] {
  const differences: string[] = []
  const check = (address: number, expected: readonly string[]) => {
    const got = ruleAt(table, address, machine)
    const isSame =
      expected === ANY_EXPRESSION ? /^(plt1[01]|[*]|unsupported)/.test(got) : expected.includes(got)
    if (!isSame && differences.length < 20)
      differences.push(`${address.toString(16)}: ${got}, readelf: ${expected.join(' or ')}`)
  }
  for (const { start, end, rules } of rows) {
    check(start, rules)
    check(end - 1, rules)
  }
  const first = rows[0]!.start
  const last = rows.at(-1)!.end
  let seed = 1
  for (let i = 0; i < RANDOM_ADDRESSES; i++) {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
    const address = first + Math.floor((seed / 2 ** 32) * (last + 64 - first))
    const row = rows[lastAtOrBelow(rows, address)]
    check(address, row !== undefined && address < row.end ? row.rules : ['gap'])
  }
  return differences
}

/** As the sampler looks up: page, then row. */
function ruleAt(
  { basePage, pageFirst, pc, rule, rules }: CompiledTable,
  address: number,
  machine: number,
): string {
  const page = Math.floor(address / 65_536) - basePage
  if (page < 0 || page + 1 >= pageFirst.length) return 'gap'
  let from = pageFirst[page]!
  let to = pageFirst[page + 1]!
  if (from === to) return 'gap'
  while (to - from > 1) {
    const middle = (from + to) >>> 1
    if (pc[middle]! <= (address & 0xffff)) from = middle
    else to = middle
  }
  return showRule(rules, rule[from]!, machine)
}

function lastAtOrBelow(rows: readonly OracleRow[], address: number): number {
  let from = -1
  let to = rows.length
  while (to - from > 1) {
    const middle = (from + to) >>> 1
    if (rows[middle]!.start <= address) from = middle
    else to = middle
  }
  return from
}

/** Rows of all FDEs, sorted.
 *
 *    00000018 0000000000000024 0000001c FDE cie=00000000 pc=0000000000026000..0000000000026360
 *       LOC           CFA      rbp   ra
 *    0000000000026000 rsp+16   u     c-8
 *
 *  A CIE has one such row, which FDEs without rows take. */
function readRows(file: string): OracleRow[] {
  const cies = new Map<string, OracleCie>()
  const rows: { start: number; end: number; rules: readonly string[] }[] = []
  let cie: OracleCie = { isSignal: false, returnAddress: 0, rule: ['gap'] }
  let fde: { start: number; end: number } | undefined
  let fdeRows = 0
  let columns: string[] = []
  const finishFde = () => {
    if (fde === undefined) return
    if (fdeRows === 0 && fde.end > fde.start) rows.push({ ...fde, rules: cie.rule })
    fde = undefined
  }
  for (const line of linesOf(file)) {
    const words = line.trim().split(/ +/)
    if (words[3] === 'CIE') {
      finishFde()
      const returnAddress = Number(words.at(-1)!.slice('ra='.length))
      cie = { isSignal: words[4]!.includes('S'), returnAddress, rule: ['unsupported'] }
      cies.set(words[0]!, cie)
    } else if (words[3] === 'FDE') {
      finishFde()
      cie = cies.get(words[4]!.slice(4))!
      const [start, end] = words[5]!.slice(3).split('..')
      fde = { start: Number.parseInt(start!, 16), end: Number.parseInt(end!, 16) }
      fdeRows = 0
    } else if (words[0] === 'LOC') {
      columns = words
    } else if (/^[0-9a-f]{16} /.test(line)) {
      const rules = ruleOfReadelf(columns, joinHolders(words), cie)
      const start = Number.parseInt(words[0]!, 16)
      if (fde === undefined) cie.rule = rules
      else {
        if (fdeRows++ > 0) rows.at(-1)!.end = start
        rows.push({ start, end: fde.end, rules })
      }
    }
  }
  finishFde()
  return rows.filter(({ start, end }) => end > start).sort((one, other) => one.start - other.start)
}

/** "r9 (r9)" is one column: a register that holds another. */
function joinHolders(words: readonly string[]): string[] {
  return words.filter((word) => !word.startsWith('('))
}

function ruleOfReadelf(
  columns: readonly string[],
  words: readonly string[],
  cie: OracleCie,
): readonly string[] {
  const isArm = cie.returnAddress === 30
  const { sp, fp } = isArm ? { sp: 'sp', fp: 'x29' } : { sp: 'rsp', fp: 'rbp' }
  const column = (name: string) => words[columns.indexOf(name)] ?? 'u'
  const returnAddress = column('ra')
  if (cie.returnAddress !== 30 && cie.returnAddress !== 16) return ['gap'] // refused and counted
  const isUntouched = 'us'.includes(returnAddress)
  if (!isArm && returnAddress === 'u') return ['root']
  if (cie.isSignal && returnAddress === 'exp') return ['signal']
  if (!'us'.includes(column(sp))) return ['unsupported']
  if (isArm ? !isUntouched && !returnAddress.startsWith('c') : returnAddress !== 'c-8') return ['unsupported']
  const fpText = fpOfReadelf(column(fp))
  if (fpText === undefined) return ['unsupported']
  const [register, sum] = splitSum(words[columns.indexOf('CFA')]!)
  // readelf does not print expressions: their kinds are compared where each is drawn byte by byte.
  if (register === 'exp') return ANY_EXPRESSION
  if (isArm && register !== sp && register !== fp) return ['unsupported']
  const kind = register === sp ? 'sp' : register === fp ? 'fp' : register
  const isFar = (text: string) => Math.abs(Number.parseInt(text, 10)) > 32_767
  if (isArm && (isFar(sum) || (!isUntouched && isFar(returnAddress.slice(1))))) return ['unsupported']
  // readelf prints u for a register nobody touched as well as for one that is undefined.
  if (isArm && isUntouched)
    return kind === 'sp' && fpText === '' ? [`lr${sum}`, 'root'] : ['unsupported', 'root']
  if (isArm) return [`${kind}${sum}${fpText} ra@${returnAddress}`]
  const bxText = kind === 'sp' && isFar(sum) ? '' : bxOfReadelf(column('rbx')) // wide frames do not say it
  return [`${kind}${sum}${fpText}${bxText}`]
}

/** out  undefined: not where a rule can find it */
function fpOfReadelf(column: string): string | undefined {
  if (column.startsWith('c')) return ` fp@${column}`
  if (column === 'exp') return ' fp@fp+0' // what compilers write; proven by a walk elsewhere
  return 'us'.includes(column) ? '' : undefined
}

/** Where rbx is; an expression or another register is lost to a rule. */
function bxOfReadelf(column: string): string {
  if ('us'.includes(column)) return ''
  return /^c-/.test(column) ? ` bx@${column}` : ' bx?'
}

function splitSum(text: string): readonly [string, string] {
  const at = text.search(/[-+]/)
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at)]
}

function* linesOf(file: string): Generator<string> {
  const descriptor = openSync(file, 'r')
  const buffer = Buffer.alloc(1 << 20)
  let rest = ''
  for (;;) {
    const n = readSync(descriptor, buffer)
    if (n === 0) break
    const lines = (rest + buffer.toString('latin1', 0, n)).split('\n')
    rest = lines.pop()!
    yield* lines
  }
  closeSync(descriptor)
  yield rest
}

function printedBy(command: string, ...options: string[]): string {
  const { stdout } = spawnSync(command, options, { encoding: 'utf8' })
  return stdout?.trim() ?? ''
}

// Go code beside FDEs: drawn, by its law, and of real programs.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { failure, type Result, success } from '#profile/model/result'
import { bytesSource } from '../elf/byte-source.ts'
import { readElf } from '../elf/elf-file.ts'
import { GO_BARE, GO_FRAME_POINTER, GO_OUTERMOST, type GoStackRows } from '../elf/go-stack.ts'
import { readGoTable } from '../elf/go-table.ts'
import { compileGo, expectSuccess, goToolchains, nm, readBytes, readElfFile } from '../symbolize/testing.ts'
import type { CompiledTable } from './compiled-table.ts'
import { findGoCode } from './go-code.ts'
import { cfa, type DrawnEntry, drawnEhFrame, showRows, showRule } from './testing.ts'
import { compileEhFrame, compileUnwindTable } from './unwind-table.ts'

const CIE: DrawnEntry = { kind: 'cie' }
const KINDS = { '-': GO_FRAME_POINTER, bare: GO_BARE, outermost: GO_OUTERMOST }
type Drawn = readonly (readonly [address: number, kind: keyof typeof KINDS])[]

const goOf = (rows: Drawn, broken = 0): Result<GoStackRows> =>
  success({
    start: Float64Array.from(rows, ([address]) => address),
    kind: Uint8Array.from(rows, ([, kind]) => KINDS[kind]),
    switches: [],
    broken,
  })

const FOUR: Drawn = [
  [0x2000, 'bare'],
  [0x2100, '-'],
  [0x2200, 'outermost'],
  [0x2300, '-'],
]

describe('rows of Go code', () => {
  it('are those of a program without FDEs', () => {
    const { table } = compile([], { go: goOf(FOUR, 3) })
    expect(showRows(table!)).toEqual(['0 gap', '2000 sp+8', '2100 gap', '2200 root', '2300 gap'])
    expect(table!.counts.go).toEqual({ broken: 3, refused: undefined })
  })

  it('take the link register on arm64', () => {
    const { table } = compile([], { go: goOf(FOUR), machine: 183 })
    expect(showRows(table!)).toEqual(['0 gap', '2000 lr+0', '2100 gap', '2200 root', '2300 gap'])
  })

  it('give way where an FDE covers their code, and go on behind it', () => {
    const fdes = [fde(0x2080, 0x10), fde(0x20f0, 0x120)]
    expect(rowsOf([CIE, ...fdes], { go: goOf(FOUR) })).toEqual([
      '0 gap',
      '2000 sp+8',
      '2080 sp+16',
      '2090 sp+8',
      '20f0 sp+16',
      '2210 root',
      '2300 gap',
    ])
  })

  it('stay where an FDE gives no rows, and behind the rows that a broken one has given', () => {
    const empty: DrawnEntry = { kind: 'fde', start: 0x2040, range: 0 }
    const broken = { ...fde(0x2080, 0x10), program: [...SIXTEEN, ...cfa.advance(4), 0x3f] }
    const { table } = compile([CIE, empty, broken], { go: goOf(FOUR) })
    expect(showRows(table!)).toEqual([
      '0 gap',
      '2000 sp+8',
      '2080 sp+16',
      '2090 sp+8',
      '2100 gap',
      '2200 root',
      '2300 gap',
    ])
    expect(table!.counts.refused).toMatchObject({ malformed: 1, outside: 1 })
  })

  it('give way to trampolines of signals', () => {
    const trampolines = [{ start: 0x2041, end: 0x204a }]
    expect(rowsOf([], { go: goOf(FOUR), trampolines }).slice(0, 5)).toEqual([
      '0 gap',
      '2000 sp+8',
      '2040 signal',
      '204b sp+8', // the byte behind the system call is its own
      '2100 gap',
    ])
  })

  it('end with the code of the file', () => {
    const rows: Drawn = [
      [0x200, 'outermost'],
      [0x8000, 'bare'],
      [0x9100, '-'],
      [2 ** 40, 'outermost'],
    ]
    expect(rowsOf([], { go: goOf(rows) })).toEqual(['0 gap', '200 root', '8000 sp+8', '9000 gap'])
  })

  it('cost no FDE its rows when they are refused, and the reason is kept', () => {
    const { table } = compile([CIE, fde(0x2000, 8)], { go: failure('no table') })
    expect(showRows(table!)).toEqual(['0 gap', '2000 sp+16', '2008 gap'])
    expect(table!.counts.go).toEqual({ broken: 0, refused: 'no table' })
    expect(compile([CIE, fde(0x2000, 8)]).table!.counts.go).toBeUndefined()
  })

  it('are laid in slices, and refused when they are too many', () => {
    const rows: Drawn = Array.from({ length: 20_000 }, (_, i) => [
      0x1000 + 64 * i,
      i % 2 === 0 ? 'bare' : '-',
    ])
    const whole = compile([CIE, fde(0x1200, 8)], { go: goOf(rows), textEnd: 0x20_0000 })
    expect(whole.slices).toBeGreaterThan(3)
    const shown = showRows(whole.table!).filter((row) => !/^[0-9a-f]+0000 /.test(row))
    expect(shown.filter((row) => row.endsWith('gap')).length).toBeGreaterThan(9_700)
    const { message } = compile([CIE, fde(0x1200, 8)], { go: goOf(rows), textEnd: 0x20_0000, rowsMax: 9000 })
    expect(message).toBe('.eh_frame and Go code give more than 9000 rows; its stacks go by frame pointers')
  })

  it('by their law: an FDE where there is one, else what Go says, at every address', () => {
    const place = fc.integer({ min: 0x1000, max: 0x11ff })
    const kinds = fc.constantFrom<keyof typeof KINDS>('-', 'bare', 'outermost')
    const go = fc
      .uniqueArray(place, { maxLength: 30 })
      .chain((places) =>
        fc.tuple(...places.sort((a, b) => a - b).map((at) => fc.tuple(fc.constant(at), kinds))),
      )
    const fdes = fc.uniqueArray(fc.record({ start: place, range: fc.integer({ min: 1, max: 60 }) }), {
      maxLength: 8,
      selector: ({ start }) => start,
    })
    fc.assert(
      fc.property(go, fdes, (rows, ranges) => {
        const entries = ranges.map(({ start, range }) => fde(start, range))
        const { table } = compile([CIE, ...entries], { go: goOf(rows) })
        const wrong: string[] = []
        for (let address = 0x1000; address < 0x1300; address++) {
          const covering = ranges.some(
            ({ start, range }) =>
              address >= start &&
              address < start + range &&
              !ranges.some((other) => other.start > start && other.start <= address),
          )
          const kind = rows.findLast(([at]) => at <= address)?.[1] ?? '-'
          const expected = covering ? 'sp+16' : { '-': 'gap', bare: 'sp+8', outermost: 'root' }[kind]
          const got = ruleAt(table!, address)
          if (got !== expected) wrong.push(`${address.toString(16)}: ${got}, not ${expected}`)
        }
        expect(wrong).toEqual([])
      }),
      { numRuns: 300 },
    )
  })
})

const PROGRAM = `package main

//go:noinline
func leaf(n int) int { return n*n ^ 5 }

//go:noinline
func caller(n int) int { return leaf(n) + leaf(n+1) }

func main() { println(caller(7)) }
`
const CGO = `package main

// int twice(int n) { return n * 2; }
import "C"

func init() { _ = C.twice(4) }
`

describe.skipIf(goToolchains.length === 0 || process.arch !== 'x64')(
  'of programs (needs a Go toolchain)',
  () => {
    const rulesOf = (path: string, ...names: string[]) => {
      const table = expectSuccess(compileUnwindTable(bytesSource(readBytes(path))))
      const symbols = new Map(nm(path).map(({ name, address }) => [name, address]))
      expect(table.counts.go).toEqual({ broken: 0, refused: undefined })
      return names.map((name) => ruleAt(table, symbols.get(name)!))
    }
    it.each(goToolchains)('a leaf, its caller, the first frames: %s', (go) => {
      const names = ['main.leaf', 'main.caller', 'runtime.goexit.abi0', '_rt0_amd64_linux']
      expect(rulesOf(compileGo(PROGRAM, { go }), ...names)).toEqual(['sp+8', 'sp+8', 'root', 'root'])
    })
    it('with C in them have the rows of both, and Go’s way back from a signal', () => {
      const path = compileGo(PROGRAM, { files: { 'c.go': CGO } })
      const names = ['main.leaf', 'twice', 'runtime.goexit.abi0', 'runtime.systemstack.abi0', '_start']
      expect(rulesOf(path, ...names)).toEqual(['sp+8', 'sp+8', 'root', 'sp+8', 'root'])
      expect(rulesOf(path, 'runtime.sigreturn__sigaction.abi0')).toEqual(['signal'])
    })
    it('whose table is damaged keep the laws of tables; refused is only what is broken', () => {
      const path = compileGo(PROGRAM, { files: { 'c.go': CGO } })
      const bytes = readBytes(path)
      const { functionTable, functions, pcTables, names } = expectSuccess(readGoTable(readElfFile(path)))!
      const from = names.offset - 64 // its header stands there
      const parts = [
        { offset: from, size: 128 },
        functionTable,
        { ...functions, size: 65_536 },
        { ...pcTables, size: 65_536 },
      ]
      const change = fc.tuple(fc.nat(parts.length - 1), fc.nat(2 ** 31 - 1), fc.nat(255))
      const fdes = expectSuccess(compileUnwindTable(bytesSource(bytes))).counts.fdes
      fc.assert(
        fc.property(fc.array(change, { minLength: 1, maxLength: 200 }), (changes) => {
          const damaged = bytes.slice()
          for (const [part, at, value] of changes) {
            const { offset, size } = parts[part]!
            damaged[offset + (at % size)] = value
          }
          const table = expectSuccess(compileUnwindTable(bytesSource(damaged)))
          expect(table.counts.fdes).toBe(fdes)
          for (let page = 0; page + 1 < table.pageFirst.length; page++)
            for (let row = table.pageFirst[page]! + 1; row < table.pageFirst[page + 1]!; row++)
              if (table.pc[row]! <= table.pc[row - 1]!)
                throw new Error(`row ${row} is not above the one before`)
        }),
        { numRuns: 40 },
      )
    })
    it('of more functions or rows than are read are refused, and C has none at all', () => {
      const elf = readElfFile(compileGo(PROGRAM))
      const messageOf = (bounds: { functionsMax: number; rowsMax: number }) => {
        const read = last(findGoCode(elf, bounds))
        return read.ok ? 'read' : read.error.message
      }
      expect(messageOf({ functionsMax: 9, rowsMax: 9 })).toMatch(/Go functions, at most 9 are read/)
      expect(messageOf({ functionsMax: 1e6, rowsMax: 9 })).toBe('more than 9 rows of Go functions')
      const node = readElf(bytesSource(readBytes('/bin/sh')))
      expect(last(findGoCode(expectSuccess(node)))).toEqual(success(undefined))
    })
  },
)

const SIXTEEN = cfa.defCfaOffset(16)
function fde(start: number, range: number): DrawnEntry {
  return { kind: 'fde', start, range, program: SIXTEEN }
}

function compile(
  entries: readonly DrawnEntry[],
  {
    machine = 62,
    textEnd = 0x9000,
    ...beside
  }: { machine?: number; textEnd?: number } & NonNullable<Parameters<typeof compileEhFrame>[1]> = {},
): { table?: CompiledTable; message?: string; slices: number } {
  const work = compileEhFrame(drawnEhFrame(entries, { machine, textEnd }), beside)
  for (let slices = 0; ; slices++) {
    const { done, value } = work.next()
    if (done) return value.ok ? { table: value.value, slices } : { message: value.error.message, slices }
  }
}

const rowsOf = (...given: Parameters<typeof compile>) => showRows(compile(...given).table!)

function last<T>(work: Generator<void, T, void>): T {
  for (;;) {
    const { done, value } = work.next()
    if (done) return value
  }
}

/** As the sampler looks up: page, then the last row at or below. */
function ruleAt({ basePage, pageFirst, pc, rule, rules }: CompiledTable, address: number): string {
  const page = Math.floor(address / 65_536) - basePage
  if (page < 0 || page + 1 >= pageFirst.length) return 'gap'
  let found = -1
  for (let row = pageFirst[page]!; row < pageFirst[page + 1]! && pc[row]! <= (address & 0xffff); row++)
    found = row
  return found === -1 ? 'gap' : showRule(rules, rule[found]!)
}

import { execFileSync } from 'node:child_process'
import { describe, expect, it, vi } from 'vitest'
import { compileGo, expectSuccess, goToolchains, nm, readBytes, readElfFile } from '../symbolize/testing.ts'
import { bytesSource } from './byte-source.ts'
import { readElf } from './elf-file.ts'
import { goFunctionsAt } from './go-functions.ts'
import {
  GO_BARE,
  GO_FRAME_POINTER,
  GO_OUTERMOST,
  GO_STACK_BOUNDS,
  type GoStackRows,
  readGoStackRows,
} from './go-stack.ts'
import { type GoTable, readGoTable } from './go-table.ts'
import { pagedSource } from './paged-source.ts'

const PROGRAM = `package main

import "fmt"

//go:noinline
func leaf(n int) int { return n*n ^ 5 }

//go:noinline
func caller(n int) int { return leaf(n) + leaf(n+1) }

func main() { fmt.Println(caller(7)) }
`

const SWITCHING =
  /^(gogo|time[.]now|runtime[.](asmcgocall|callCgo\w+|clone|goexit|mcall|morestack(_noctxt)?|mstart|nanotime1|rt0_go|sig\w+|\w*systemstack|switchToCrashStack0|vgetrandom1|walltime))$/i

const tableOf = (path: string): GoTable => expectSuccess(readGoTable(readElfFile(path)))!

function kindAt({ start, kind }: GoStackRows, address: number): number {
  let low = 0
  let high = start.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (start[middle]! <= address) low = middle + 1
    else high = middle
  }
  return low === 0 ? GO_FRAME_POINTER : kind[low - 1]!
}

/** What the debug information says: where the frame of the caller begins, 8 bytes above the stack pointer or elsewhere. */
function* framesOfReadelf(path: string): Generator<{ readonly address: number; readonly isBare: boolean }> {
  const text = execFileSync('readelf', ['--debug-dump=frames-interp', path], {
    maxBuffer: 2 ** 28,
    stdio: ['ignore', 'pipe', 'ignore'],
  }).toString()
  for (const [, end, lines] of text.matchAll(
    /FDE .* pc=[0-9a-f]+[.][.]([0-9a-f]+)\n.*\n((?:[0-9a-f]{16} .*\n)*)/g,
  )) {
    const rows = [...lines!.matchAll(/^([0-9a-f]{16}) (\S+)/gm)].map(([, at, frame]) => {
      return { address: Number.parseInt(at!, 16), isBare: frame === 'rsp+8' || frame === 'sp+0' }
    })
    const last = Number.parseInt(end!, 16)
    for (const [i, row] of rows.entries()) if (row.address < (rows[i + 1]?.address ?? last)) yield row
  }
}

describe.skipIf(goToolchains.length === 0)('readGoStackRows (needs a Go toolchain)', () => {
  it.each(goToolchains)('says what the debug information says: %s', (go) => {
    const path = compileGo(PROGRAM, { go, flags: ['-ldflags=-compressdwarf=false'] })
    const table = tableOf(path)
    const rows = expectSuccess(readGoStackRows(table))
    let compared = 0
    const others = new Set<string>()
    for (const { address, isBare } of framesOfReadelf(path)) {
      const kind = kindAt(rows, address)
      compared++
      if (kind !== (isBare ? GO_BARE : GO_FRAME_POINTER)) others.add(goFunctionsAt(table, address)[0]!.name)
    }
    expect(compared).toBeGreaterThan(5000)
    // They switch stacks, or stacks begin there.
    expect([...others].filter((name) => !SWITCHING.test(name))).toEqual([])
    expect(rows.broken).toBe(0)
  })

  it('says what the debug information says of arm64', () => {
    vi.stubEnv('GOARCH', 'arm64')
    const path = compileGo(PROGRAM, { flags: ['-ldflags=-compressdwarf=false'] })
    vi.unstubAllEnvs()
    const table = tableOf(path)
    const rows = expectSuccess(readGoStackRows(table))
    const others = new Set<string>()
    let compared = 0
    for (const { address, isBare } of framesOfReadelf(path)) {
      compared++
      if (kindAt(rows, address) !== (isBare ? GO_BARE : GO_FRAME_POINTER))
        others.add(goFunctionsAt(table, address)[0]!.name)
    }
    expect(compared).toBeGreaterThan(5000)
    expect([...others].filter((name) => !SWITCHING.test(name))).toEqual([])
  })

  it('knows a leaf that saves nothing, its caller, and where stacks begin, in a stripped program too', () => {
    const path = compileGo(PROGRAM)
    const symbols = new Map(nm(path).map(({ name, address }) => [name, address]))
    execFileSync('strip', [path])
    const rows = expectSuccess(readGoStackRows(tableOf(path)))
    const at = (name: string, plus = 0) => kindAt(rows, symbols.get(name)! + plus)
    expect([0, 2, 5].map((plus) => at('main.leaf', plus))).toEqual([GO_BARE, GO_BARE, GO_BARE])
    expect([at('main.caller'), at('main.caller', 20)]).toEqual([GO_BARE, GO_FRAME_POINTER])
    expect([at('runtime.goexit.abi0'), at('runtime.mstart.abi0')]).toEqual([GO_OUTERMOST, GO_OUTERMOST])
    expect(at('runtime.systemstack.abi0')).toBe(GO_FRAME_POINTER) // it switches stacks
    const { start, kind } = rows
    expect(start.every((address, i) => i === 0 || (address > start[i - 1]! && kind[i] !== kind[i - 1]))).toBe(
      true,
    )
    expect(kind.at(-1)).toBe(GO_FRAME_POINTER)
  })

  it('finds the table by its bytes among small negative numbers', () => {
    const path = compileGo(PROGRAM)
    const bytes = readBytes(path)
    const elf = expectSuccess(readElf(bytesSource(bytes.slice())))
    const before = elf.sections.find(({ name }) => name === '.rodata')!
    bytes.fill(0, 0x28, 0x30) // e_shoff
    bytes.fill(0, 0x3c, 0x40) // e_shnum, e_shstrndx
    const negative = [0xf0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]
    for (let i = 0; i < 200; i++) bytes.set(negative, before.offset + 8 * i)
    const found = expectSuccess(readGoTable(expectSuccess(readElf(bytesSource(bytes)))))!
    expect(found.functions.offset).toBe(tableOf(path).functions.offset)
  })

  it('refuses more functions or rows than allowed', () => {
    const table = tableOf(compileGo(PROGRAM))
    const messageOf = (bounds: object) => {
      const read = readGoStackRows(table, { ...GO_STACK_BOUNDS, ...bounds })
      return read.ok ? 'read' : read.error.message
    }
    expect(messageOf({ functionsMax: 10 })).toBe(`${table.count} Go functions, at most 10 are read`)
    expect(messageOf({ rowsMax: 10 })).toBe('more than 10 rows of Go functions')
  })

  it('counts functions whose tables are broken, and says nothing of them', () => {
    const path = compileGo(PROGRAM)
    const bytes = readBytes(path)
    const { pcTables } = tableOf(path)
    bytes.fill(0xff, pcTables.offset + 1, pcTables.offset + pcTables.size)
    const table = expectSuccess(readGoTable(expectSuccess(readElf(bytesSource(bytes)))))!
    const rows = expectSuccess(readGoStackRows(table))
    expect(rows.broken).toBeGreaterThan(table.count / 2)
    expect(rows.kind.includes(GO_BARE)).toBe(false)
  })
})

interface DrawnFunction {
  readonly entry: number
  readonly name?: string
  /** Bits FLAG_…. */
  readonly flags?: number
  /** Bytes of its pc table of depths; none: it has no table. */
  readonly depths?: readonly number[]
}

const BARE_16 = [2, 16, 0] // depth 0 for 16 bytes
const FRAMED = [2, 4, 16, 8, 15, 4, 0] // depth 0 for 4 bytes, 8 for 8, 0 for 4

/** A table as Go 1.16 to 1.20 lay it out; the last function ends at `end`. */
function drawTable(drawn: readonly DrawnFunction[], { end = 0x2000, version = 18 as 16 | 18 } = {}): GoTable {
  const bytes: number[] = []
  const number = (value: number, length: number) => {
    for (let i = 0; i < length; i++) bytes.push(Math.floor(value / 256 ** i) % 256)
  }
  const part = (draw: () => void) => {
    const offset = bytes.length
    draw()
    return { offset, size: bytes.length - offset }
  }
  const field = version < 18 ? 8 : 4
  const recordBytes = field + 9 * 4
  const nameAt: number[] = []
  const names = part(() => {
    for (const { name = 'main.some' } of drawn) {
      nameAt.push(bytes.length)
      bytes.push(...[...name].map((letter) => letter.charCodeAt(0)), 0)
    }
  })
  const depthsAt: number[] = []
  const pcTables = part(() => {
    bytes.push(0)
    for (const { depths } of drawn) {
      depthsAt.push(depths ? bytes.length - names.size : 0)
      for (const byte of depths ?? []) bytes.push(byte) // too many to be arguments
    }
  })
  const functionTable = part(() => {
    for (const [i, { entry }] of drawn.entries()) {
      number(entry, field)
      number(i * recordBytes, field)
    }
    number(end, field)
  })
  const functions = part(() => {
    for (const [i, { entry, flags = 0 }] of drawn.entries()) {
      number(entry, field)
      for (const value of [nameAt[i]!, 0, 0, depthsAt[i]!, 0, 0, 0, 0]) number(value, 4)
      bytes.push(0, flags, 0, 0)
    }
  })
  const source = pagedSource(bytesSource(Uint8Array.from(bytes)))
  const rest = { isLittleEndian: true, pointerBytes: 8, quantum: 1, text: 0, inlineTrees: undefined } as const
  const parts = { names, fileTable: names, paths: names, pcTables, functionTable, functions }
  return { source, version, count: drawn.length, ...rest, ...parts }
}

function drawnRows(...given: Parameters<typeof drawTable>): string[] {
  const { start, kind, broken } = expectSuccess(readGoStackRows(drawTable(...given)))
  const rows = Array.from(start, (at, i) => `${at.toString(16)} ${['-', 'bare', 'outermost'][kind[i]!]}`)
  return broken === 0 ? rows : [...rows, `${broken} broken`]
}

describe('drawn functions', () => {
  it('are bare where nothing is on the stack', () => {
    expect(drawnRows([{ entry: 0x1000, depths: FRAMED }])).toEqual([
      '1000 bare',
      '1004 -',
      '100c bare',
      '1010 -',
    ])
    expect(drawnRows([{ entry: 0x1000 }])).toEqual([])
  })
  it('share a row over short filling, and not over long', () => {
    const two = (second: number) =>
      drawnRows([
        { entry: 0x1000, depths: BARE_16 },
        { entry: second, depths: FRAMED },
      ])
    expect(two(0x1010)).toEqual(['1000 bare', '1014 -', '101c bare', '1020 -'])
    expect(two(0x1050)).toEqual(['1000 bare', '1054 -', '105c bare', '1060 -'])
    expect(two(0x1051)).toEqual(['1000 bare', '1010 -', '1051 bare', '1055 -', '105d bare', '1061 -'])
    expect(
      drawnRows([
        { entry: 0x1000, depths: BARE_16 },
        { entry: 0x1020, flags: 2, depths: BARE_16 },
      ]),
    ).toEqual(['1000 bare', '1010 -'])
  })
  it('where stacks begin are outermost up to the next, or to the end of all', () => {
    const drawn = [
      { entry: 0x1000, depths: BARE_16 },
      { entry: 0x1010, flags: 1, depths: BARE_16 },
    ]
    expect(drawnRows(drawn)).toEqual(['1000 bare', '1010 outermost', '2000 -'])
    const rows = expectSuccess(readGoStackRows(drawTable(drawn), GO_STACK_BOUNDS, 0x1000))
    expect([...rows.start, ...rows.kind]).toEqual([0x1000, 0x2000, GO_OUTERMOST, GO_FRAME_POINTER])
  })
  it('of the runtime are left alone where its table has no flags', () => {
    const drawn = [
      { entry: 0x1000, name: 'runtime.gogo', depths: BARE_16 },
      { entry: 0x1020, name: 'main.leaf', depths: BARE_16 },
    ]
    expect(drawnRows(drawn, { version: 16 })).toEqual(['1020 bare', '1030 -'])
    expect(drawnRows(drawn, { version: 18 })).toEqual(['1000 bare', '1030 -'])
  })
  it('that are broken say nothing, and take nothing from the one before', () => {
    const endless = [2, 4, 16, 8, 15] // the parts behind it are no end
    const drawn = [
      { entry: 0x1000, depths: BARE_16 },
      { entry: 0x1010, depths: [...endless, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff] },
      { entry: 0x1040, depths: BARE_16 },
    ]
    expect(drawnRows(drawn)).toEqual(['1000 bare', '1010 -', '1040 bare', '1050 -', '1 broken'])
  })
  it('of one table that never ends cost a bounded walk', () => {
    const depths = Array.from({ length: 150_000 }, (_, i) => (i % 2 === 0 ? 2 : 1))
    expect(drawnRows([{ entry: 0x1000, depths: [...depths, 0] }])).toEqual(['1 broken'])
  })
})

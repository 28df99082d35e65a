import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
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

const PROGRAM = `package main

import "fmt"

//go:noinline
func leaf(n int) int { return n*n ^ 5 }

//go:noinline
func caller(n int) int { return leaf(n) + leaf(n+1) }

func main() { fmt.Println(caller(7)) }
`

const SWITCHING =
  /^(gogo|time[.]now|runtime[.](asmcgocall|callCgo\w+|clone|goexit|mcall|morestack|mstart|nanotime1|rt0_go|sig\w+|\w*systemstack|switchToCrashStack0|vgetrandom1))$/i

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
      return { address: Number.parseInt(at!, 16), isBare: frame === 'rsp+8' }
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

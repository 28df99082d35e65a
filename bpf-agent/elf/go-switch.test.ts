import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileGo, expectSuccess, goToolchains, nm, readElfFile } from '../symbolize/testing.ts'
import { fileOffsetOfAddress } from './elf-file.ts'
import {
  GO_BARE,
  GO_FRAME_POINTER,
  GO_OTHER_STACK,
  GO_OUTERMOST,
  GO_SWITCHED,
  readGoStackRows,
} from './go-stack.ts'
import { SWITCHING_BYTES_MAX, stackPointerWritten, switchedCode } from './go-switch.ts'
import { readGoTable } from './go-table.ts'

const bytes = (text: string) => Uint8Array.from(text.trim().split(/\s+/), (byte) => Number.parseInt(byte, 16))
const frameless = () => 0

// As Go 1.19 has it, from the switch on.
const CALL_OF_C = bytes(`
  48 8b 66 38   48 83 ec 40   48 83 e4 f0
  48 89 7c 24 30   48 8b 7f 08   48 29 d7   48 89 7c 24 28
  48 89 df   48 89 d9   ff d0
  48 8b 7c 24 30   48 8b 77 08   48 2b 74 24 28   64 48 89 3c 25 f8 ff ff ff   48 89 f4
  89 44 24 18   c3`)
// As Go 1.26 has it: places are 8 and 0, and 0 has a shorter instruction.
const CALL_OF_C_LATER = bytes(`
  48 8b 66 38   48 83 ec 10   48 83 e4 f0
  48 89 7c 24 08   48 8b 7f 08   48 29 d7   48 89 3c 24
  e8 7c ff ff ff
  48 8b 7c 24 08   48 8b 77 08   48 2b 34 24   64 48 89 3c 25 f8 ff ff ff   48 89 f4
  89 44 24 20   5d   c3`)
const ON_THE_SAME = bytes(
  `48 83 ec 40   48 83 e4 f0   48 89 54 24 28   ff d0   48 8b 74 24 28   48 89 f4   c3`,
)
const SYSTEM_STACK = bytes(`
  48 8b 5a 38   48 89 dc   48 89 fa   48 8b 3f   ff d7
  64 48 8b 04 25 f8 ff ff ff   48 8b 58 30   48 8b 83 c0 00 00 00   64 48 89 04 25 f8 ff ff ff   48 8b 60 38
  48 c7 40 38 00 00 00 00   c3`)
const LEAVING = bytes('4c 89 f0   49 89 f6   49 8b 66 38   50   4c 8b 22   41 ff d4   58')

describe('switchedCode', () => {
  it('reads where the call of C keeps the goroutine, from when that is written until the stack is back', () => {
    expect(switchedCode('runtime.asmcgocall', CALL_OF_C, frameless)).toEqual([
      { start: 29, end: 63, how: { kind: 'goroutine', place: 40, depth: 0 } },
    ])
    expect(switchedCode('runtime.asmcgocall', CALL_OF_C_LATER, () => 8)).toEqual([
      { start: 28, end: 58, how: { kind: 'goroutine', place: 0, depth: 8 } },
    ])
  })

  it('reads the call that needs no switch', () => {
    expect(switchedCode('runtime.asmcgocall', ON_THE_SAME, frameless)).toEqual([
      { start: 13, end: 23, how: { kind: 'kept', place: 40, depth: 0 } },
    ])
  })

  it('says nothing if goroutine and depth do not lie side by side, or were not stored', () => {
    const changed = (at: number, byte: number) => CALL_OF_C.with(at, byte)
    expect(CALL_OF_C[41]).toBe(0x30)
    expect(switchedCode('runtime.asmcgocall', changed(41, 0x38), frameless)).toEqual([])
    expect(switchedCode('runtime.asmcgocall', changed(28, 0x20), frameless)).toEqual([])
    expect(switchedCode('runtime.asmcgocall', CALL_OF_C.subarray(0, 55), frameless)).toEqual([])
  })

  it('reads how the current goroutine is found, where no frame pointer says it', () => {
    const how = { kind: 'current', variable: -8, thread: 0x30, current: 0xc0, kept: 0x38 }
    expect(switchedCode('runtime.systemstack', SYSTEM_STACK, frameless)).toEqual([{ start: 7, end: 48, how }])
    expect(switchedCode('runtime.systemstack', SYSTEM_STACK, () => 8)).toEqual([])
    expect(switchedCode('runtime.systemstack', SYSTEM_STACK.with(20, 0xf0), frameless)).toEqual([])
  })

  it('lets stacks begin where the thread leaves its goroutine for good', () => {
    for (const name of ['runtime.mcall', 'runtime.morestack'])
      expect(switchedCode(name, LEAVING, frameless)).toEqual([
        { start: 10, end: LEAVING.length, how: { kind: 'outermost' } },
      ])
    expect(switchedCode('runtime.mcall', bytes('48 8b 44 24 08 c3'), frameless)).toEqual([])
    expect(switchedCode('runtime.gogo', LEAVING, frameless)).toEqual([])
  })

  it('stays inside of any code, in order', () => {
    const names = ['runtime.mcall', 'runtime.morestack', 'runtime.asmcgocall', 'runtime.systemstack']
    const pieces = [CALL_OF_C, CALL_OF_C_LATER, ON_THE_SAME, SYSTEM_STACK, LEAVING]
    const code = fc
      .array(
        fc.oneof(
          fc.uint8Array({ maxLength: 12 }),
          fc.constantFrom(...pieces),
          cut(fc.constantFrom(...pieces)),
        ),
      )
      .map((parts) => Uint8Array.from(parts.flatMap((part) => [...part])).subarray(0, SWITCHING_BYTES_MAX))
    fc.assert(
      fc.property(fc.constantFrom(...names), code, (name, all) => {
        let before = 0
        for (const { start, end } of switchedCode(name, all, frameless)) {
          expect(start).toBeGreaterThanOrEqual(before)
          expect(end).toBeGreaterThan(start)
          before = end
        }
        expect(before).toBeLessThanOrEqual(all.length)
      }),
    )
  })
})

describe('stackPointerWritten', () => {
  it('knows loads, moves and sums, and nothing that only reads', () => {
    const at = (text: string) => stackPointerWritten(bytes(text))
    expect(at('90 48 8b 66 38')).toEqual({ start: 1, end: 5 })
    expect(at('90 49 8b 66 38')).toEqual({ start: 1, end: 5 })
    expect(at('48 89 dc 90')).toEqual({ start: 0, end: 3 })
    expect(at('48 83 ec 40')).toEqual({ start: 0, end: 4 })
    for (const other of ['48 89 e5 90', '48 8b 44 24 08', '48 8d 64 24 08', '48 83 c4 08', '48 8b 66', ''])
      expect(at(other)).toBeUndefined()
  })
})

const X64 = process.arch === 'x64'
describe.skipIf(goToolchains.length === 0 || !X64)('of real programs (needs a Go toolchain, x64)', () => {
  it.each(goToolchains)('every switch of the runtime is read: %s', (go) => {
    const path = compileGo('package main\n\nfunc main() {}\n', { go })
    const elf = readElfFile(path)
    const readCode = (address: number, length: number) =>
      elf.source.read(fileOffsetOfAddress(elf, address)!, length)
    const table = expectSuccess(readGoTable(elf))!
    const rows = expectSuccess(readGoStackRows(table, undefined, elf.entry, readCode))
    const symbols = new Map(nm(path).map(({ name, address, size }) => [name, { address, size }]))
    const kindsOf = (name: string) => {
      const { address } = symbols.get(name)!
      const next = Math.min(...[...symbols.values()].map((one) => one.address).filter((one) => one > address))
      const kinds = new Set<number>()
      for (let at = address; at < next; at++) kinds.add(kindAt(rows, at))
      return kinds
    }
    const hows = rows.switches.map(({ kind }) => kind)
    expect(hows).toContain('goroutine')
    expect(hows).toContain('kept')
    expect([...kindsOf('runtime.asmcgocall.abi0')].filter((kind) => kind >= GO_SWITCHED)).toHaveLength(2)
    expect(kindsOf('runtime.mcall')).toContain(GO_OUTERMOST)
    expect(kindsOf('runtime.morestack.abi0')).toContain(GO_OUTERMOST)
    expect(kindsOf('runtime.nanotime1.abi0')).toContain(GO_OTHER_STACK)
    const system = kindsOf('runtime.systemstack.abi0')
    expect(system.has(GO_OTHER_STACK) !== hows.includes('current')).toBe(true)
    expect(system).not.toContain(GO_FRAME_POINTER)
    expect(kindsOf('runtime.gogo.abi0')).toContain(GO_BARE)
  })
})

function kindAt(
  { start, kind }: { readonly start: Float64Array; readonly kind: Uint8Array },
  address: number,
): number {
  let found = GO_FRAME_POINTER
  for (let i = 0; i < start.length && start[i]! <= address; i++) found = kind[i]!
  return found
}

function cut(whole: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  return fc.tuple(whole, fc.nat(80)).map(([all, at]) => all.subarray(0, at))
}

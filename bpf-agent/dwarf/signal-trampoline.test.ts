// Trampolines by their bytes, in drawn text.
import { describe, expect, it } from 'vitest'
import { bytesSource } from '../elf/byte-source.ts'
import type { ElfFile, Segment } from '../elf/elf-file.ts'
import { architectureOf } from './architecture.ts'
import { findTrampolines } from './signal-trampoline.ts'
import { cfa, drawnEhFrame, showRows } from './testing.ts'
import { compileEhFrame } from './unwind-table.ts'

const CODE = [0x48, 0xc7, 0xc0, 15, 0, 0, 0, 0x0f, 0x05]
const CHUNK = 128 * 1024

describe('findTrampolines', () => {
  it('finds them anywhere, across chunks too, by rising address', () => {
    for (const at of [0, 5, CHUNK - 9, CHUNK - 8, CHUNK - 1, CHUNK, 3 * CHUNK - 9]) {
      const elf = elfWith(textWith(3 * CHUNK, [at]))
      expect(search(elf)).toEqual([{ start: 0x1000 + at, end: 0x1009 + at }])
    }
    const two = elfWith(textWith(100, [60, 20]))
    expect(search(two).map(({ start }) => start)).toEqual([0x1014, 0x103c])
  })
  it('finds none where it is cut, or another system call', () => {
    expect(search(elfWith(textWith(3 * CHUNK, [3 * CHUNK - 8])))).toEqual([])
    expect(search(elfWith(textWith(100, [20]).map((byte) => (byte === 15 ? 14 : byte))))).toEqual([])
  })
  it('knows those of arm64', () => {
    const text = Uint8Array.from([0, 0, 0, 0, 0x68, 0x11, 0x80, 0xd2, 0x01, 0, 0, 0xd4])
    expect(search(elfWith(text), 183)).toEqual([{ start: 0x1004, end: 0x100c }])
    expect(search(elfWith(text), 62)).toEqual([])
  })
  it('does not read files that need others', () => {
    const text = textWith(100, [20])
    expect(search(elfWith(text, [segment({ type: 3 })]))).toEqual([])
    const needed = Uint8Array.from({ length: 16 }, (_, i) => (i === 0 ? 1 : 0))
    const dynamic = segment({ type: 2, offset: text.length, fileSize: 16 })
    expect(search(elfWith(Uint8Array.from([...text, ...needed]), [dynamic]))).toEqual([])
    expect(search(elfWith(Uint8Array.from([...text, ...new Uint8Array(16)]), [dynamic]))).toHaveLength(1)
  })
  it('stops at sixteen', () => {
    const places = Array.from({ length: 40 }, (_, i) => 20 * i)
    expect(search(elfWith(textWith(1000, places)))).toHaveLength(16)
  })
})

describe('rows of trampolines', () => {
  const trampolines = [{ start: 0x2001, end: 0x200a }]
  const rows = (fdes: readonly { start: number; range: number }[]) => {
    const drawn = fdes.map((fde) => ({ kind: 'fde' as const, program: cfa.nop, ...fde }))
    const work = compileEhFrame(drawnEhFrame([{ kind: 'cie' }, ...drawn]), { trampolines })
    for (let slice = work.next(); ; slice = work.next())
      if (slice.done) return slice.value.ok ? showRows(slice.value.value) : []
  }
  it('begin one byte early, for the look-up at the return address minus 1', () => {
    expect(rows([])).toEqual(['0 gap', '2000 signal', '200a gap'])
  })
  it('fill gaps before, between and behind functions', () => {
    expect(rows([{ start: 0x3000, range: 8 }])).toContain('2000 signal')
    expect(rows([{ start: 0x1000, range: 8 }])).toContain('2000 signal')
    expect(rows([{ start: 0x1ff0, range: 0x10 }])).toContain('2000 signal')
  })
  it('give way to functions that cover them', () => {
    for (const start of [0x1ff0, 0x1ff1, 0x2000, 0x2009])
      expect(rows([{ start, range: 0x11 }])).not.toContain('2000 signal')
  })
})

function textWith(size: number, places: readonly number[]): Uint8Array {
  const text = new Uint8Array(size).fill(0x48) // the first byte of each, everywhere
  for (const at of places) text.set(CODE.slice(0, size - at), at)
  return text
}

const segment = (fields: Partial<Segment>): Segment => ({
  type: 1,
  flags: 5,
  offset: 0,
  address: 0x1000,
  fileSize: 0,
  memorySize: 0,
  ...fields,
})

function elfWith(bytes: Uint8Array, others: readonly Segment[] = []): ElfFile {
  const text = segment({ fileSize: bytes.length })
  const source = bytesSource(bytes)
  const none = { entry: 0, sections: [], buildId: '', debugLink: '', debugLinkCrc: 0 }
  return { source, segments: [text, ...others], is64: true, isLittleEndian: true, machine: 62, ...none }
}

function search(elf: ElfFile, machine = 62) {
  const work = findTrampolines(elf, architectureOf(machine)!)
  for (let slice = work.next(); ; slice = work.next()) if (slice.done) return slice.value
}

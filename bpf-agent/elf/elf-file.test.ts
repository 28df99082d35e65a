import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { compile, expectSuccess, libcPath, readBytes, readElfFile } from '../symbolize/testing.ts'
import { type ByteSource, bytesSource } from './byte-source.ts'
import { addressOfFileOffset, buildIdOfNotes, readElf } from './elf-file.ts'
import { readSymbols, symbolAt, symbolNames } from './symbols.ts'

const readelf = (...flags: string[]) =>
  execFileSync('readelf', flags, { maxBuffer: 2 ** 26, stdio: ['ignore', 'pipe', 'ignore'] }).toString()
const messageOf = (bytes: Uint8Array) => {
  const read = readElf(bytesSource(bytes))
  return read.ok ? 'read' : read.error.message
}

describe.each(['/bin/ls', process.execPath, libcPath()])('readElf of %s', (path) => {
  const elf = readElfFile(path)

  it('finds the build ID that readelf finds', () => {
    expect(elf.buildId).toBe(/Build ID: ([0-9a-f]+)/.exec(readelf('-nW', path))?.[1] ?? '')
  })

  it('lists the segments and sections that readelf lists', () => {
    const segments = [...readelf('-lW', path).matchAll(/^ {2}[A-Z]\w+ +0x([0-9a-f]+) 0x([0-9a-f]+) 0x/gm)]
    expect(elf.segments.map(({ offset, address }) => [offset, address])).toEqual(
      segments.map(([, offset, address]) => [Number.parseInt(offset!, 16), Number.parseInt(address!, 16)]),
    )
    const sections = [...readelf('-SW', path).matchAll(/^ {2}\[ *\d+\] (\S*) /gm)]
    expect(elf.sections.slice(1).map(({ name }) => name)).toEqual(sections.slice(1).map(([, name]) => name))
  })

  it('turns the file offset of the entry point into its address', () => {
    const load = elf.segments.find(
      (one) => elf.entry >= one.address && elf.entry < one.address + one.fileSize,
    )!
    expect(addressOfFileOffset(elf, elf.entry - load.address + load.offset)).toBe(elf.entry)
  })
})

describe('readElf', () => {
  let small: Uint8Array
  beforeAll(() => {
    small = readBytes(compile('int work(int n) { return n * 3; } int main(void) { return work(2); }', ['-s']))
  })

  it('says why it refuses what is no ELF file', () => {
    expect(messageOf(new Uint8Array())).toBe('not an ELF file: 0 bytes, a header has 52')
    expect(messageOf(new Uint8Array(100))).toBe('not an ELF file: it does not start with \\x7fELF')
    const odd = small.slice()
    odd[4] = 9
    expect(messageOf(odd)).toBe('ELF class 9 is neither 1 (32 bit) nor 2 (64 bit)')
    odd.set([2, 7], 4)
    expect(messageOf(odd)).toBe('ELF byte order 7 is neither 1 (little) nor 2 (big endian)')
  })

  it('refuses more program headers than a program can have', () => {
    const odd = small.slice()
    new DataView(odd.buffer).setUint16(56, 3000, true)
    expect(messageOf(odd)).toBe('3000 program headers, at most 2048 are read')
  })

  it('reads a file whose section table is gone, as a loader would', () => {
    const cut = small.slice(0, small.length - 64)
    const elf = expectSuccess(readElf(bytesSource(cut)))
    expect(elf.sections).toEqual([])
    expect(elf.buildId).toMatch(/^[0-9a-f]{40}$/)
    expect(readSymbols(elf)).toEqual({ ok: true, value: undefined })
  })

  it('reads 32 bit, big endian headers', () => {
    const bytes = new Uint8Array(52 + 32)
    const view = new DataView(bytes.buffer)
    bytes.set([0x7f, 0x45, 0x4c, 0x46, 1, 2, 1])
    view.setUint16(18, 20) // PowerPC
    view.setUint32(24, 0x1000_0054) // entry
    view.setUint32(28, 52) // program headers
    view.setUint16(42, 32)
    view.setUint16(44, 1)
    view.setUint32(52, 1) // PT_LOAD
    view.setUint32(60, 0x1000_0000)
    view.setUint32(68, 84)
    view.setUint32(76, 5)
    const elf = expectSuccess(readElf(bytesSource(bytes)))
    expect({ machine: elf.machine, entry: elf.entry }).toEqual({ machine: 20, entry: 0x1000_0054 })
    expect(addressOfFileOffset(elf, 0x54 - 1)).toBe(0x1000_0053)
    expect(addressOfFileOffset(elf, 0x54)).toBeUndefined()
  })

  it('takes code where one page of the file is mapped twice', () => {
    const load = (offset: number, address: number, flags: number) => {
      return { type: 1, flags, offset, address, fileSize: 0x1000, memorySize: 0x1000 }
    }
    const elf = {
      ...expectSuccess(readElf(bytesSource(small))),
      segments: [load(0, 0, 4), load(0x800, 0x5800, 5)],
    }
    expect(addressOfFileOffset(elf, 0x900)).toBe(0x5900)
    expect(addressOfFileOffset(elf, 0x700)).toBe(0x700)
  })

  it('survives any damage without a crash, and without reading more than the file holds', () => {
    const damage = fc.record({
      flips: fc.array(fc.tuple(fc.nat(small.length - 1), fc.integer({ min: 0, max: 255 })), {
        maxLength: 12,
      }),
      headerFlips: fc.array(fc.tuple(fc.nat(63), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
      length: fc.oneof(fc.constant(small.length), fc.nat(small.length)),
    })
    fc.assert(
      fc.property(damage, ({ flips, headerFlips, length }) => {
        const bytes = small.slice(0, length)
        for (const [at, value] of [...flips, ...headerFlips]) if (at > 5 && at < length) bytes[at] = value
        const source = counted(bytes)
        const read = readElf(source)
        if (!read.ok) return
        const table = readSymbols(read.value)
        if (table.ok && table.value) {
          for (let i = 0; i < table.value.address.length; i += 7) {
            const row = symbolAt(table.value, table.value.base + table.value.address[i]!)
            if (row >= 0) symbolNames(read.value, table.value, row)
          }
        }
        expect(source.bytesRead()).toBeLessThan(64 * bytes.length + 100_000)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('buildIdOfNotes', () => {
  it("reads the running kernel's", () => {
    const notes = readBytes('/sys/kernel/notes')
    expect(buildIdOfNotes(notes)).toMatch(/^[0-9a-f]{16,}$/)
  })

  it('takes no other note for it, and no length that leads outside', () => {
    const note = (nameBytes: number, valueBytes: number, type: number, text: string) => {
      const bytes = new Uint8Array(20)
      new DataView(bytes.buffer).setUint32(0, nameBytes, true)
      new DataView(bytes.buffer).setUint32(4, valueBytes, true)
      new DataView(bytes.buffer).setUint32(8, type, true)
      bytes.set(new TextEncoder().encode(text), 12)
      return bytes
    }
    expect(buildIdOfNotes(note(4, 4, 3, 'GNU\0abcd'))).toBe('61626364')
    expect(buildIdOfNotes(note(4, 3, 3, 'GNU\0abcd'))).toBe('616263')
    expect(buildIdOfNotes(note(4, 4, 4, 'GNU\0abcd'))).toBe('')
    expect(buildIdOfNotes(note(4, 4, 3, 'Go\0\0abcd'))).toBe('')
    expect(buildIdOfNotes(note(4, 2 ** 32 - 1, 3, 'GNU\0abcd'))).toBe('')
    expect(buildIdOfNotes(note(2 ** 32 - 1, 4, 3, 'GNU\0abcd'))).toBe('')
    expect(buildIdOfNotes(note(4, 0, 3, 'GNU\0'))).toBe('')
    expect(buildIdOfNotes(new Uint8Array(3))).toBe('')
  })
})

function counted(bytes: Uint8Array): ByteSource & { bytesRead(): number } {
  const source = bytesSource(bytes)
  let total = 0
  return {
    size: source.size,
    read(offset, length) {
      total += length
      return source.read(offset, length)
    },
    bytesRead: () => total,
  }
}

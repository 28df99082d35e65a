import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compile, expectSuccess, nm, readBytes, readElfFile } from '../symbolize/testing.ts'
import { bytesSource } from './byte-source.ts'
import { MalformedError } from './cursor.ts'
import { readElf } from './elf-file.ts'
import { readFunctionIndex } from './function-index.ts'
import { findStartCode } from './start-code.ts'

const PROGRAM = `
static __attribute__((noinline)) int hidden(int n) { return n * 3; }
static __attribute__((noinline)) int twice(int n) { return hidden(n) + hidden(n + 1); }
int main(int argc, char **argv) { return twice(argc); }`
const SEGMENT_EH_FRAME = 0x6474e550

function stripped(flags: readonly string[] = []) {
  const path = compile(PROGRAM, flags)
  const functions = new Map(nm(path).map(({ name, address, size }) => [name, { address, size }]))
  execFileSync('strip', [path])
  return { path, elf: readElfFile(path), of: (name: string) => functions.get(name)! }
}
const indexOf = (elf: ReturnType<typeof readElfFile>) => expectSuccess(readFunctionIndex(elf))!

describe('the index of functions', () => {
  it('knows where each function of a stripped program begins and ends', () => {
    const { elf, of } = stripped()
    const index = indexOf(elf)
    for (const name of ['hidden', 'twice', 'main', '_start']) {
      const { address, size } = of(name)
      expect(index.extentAt(address)?.start, name).toBe(address)
      expect(index.extentAt(address + size - 1)?.start, name).toBe(address)
    }
    expect(index.extentAt(0)).toBeUndefined()
    expect(index.extentAt(2 ** 40)).toBeUndefined()
  })

  const library = '/usr/bin/python3'
  it.skipIf(!existsSync(library))('agrees with the symbols of a large program', () => {
    const index = indexOf(readElfFile(library))
    const functions = nm(library, '-D').filter(({ type, size }) => type === 'T' && size > 1)
    const known = functions.filter(
      ({ address, size }) => index.extentAt(address + size - 1)?.start === address,
    )
    expect(functions.length).toBeGreaterThan(500)
    expect(known.length / functions.length).toBeGreaterThan(0.99) // a few are assembled by hand
  })

  it('is none where there is no table, or one of another shape', () => {
    const flags = ['-Wl,--no-eh-frame-hdr'] // static programs of Debian, too
    expect(readFunctionIndex(readElfFile(compile(PROGRAM, flags)))).toEqual({ ok: true, value: undefined })
    const { path, elf } = stripped()
    const bytes = readBytes(path)
    bytes[elf.segments.find(({ type }) => type === SEGMENT_EH_FRAME)!.offset + 3] = 0x1b
    const other = expectSuccess(readElf(bytesSource(bytes)))
    expect(readFunctionIndex(other)).toEqual({ ok: true, value: undefined })
  })

  it('survives any damage: it answers, or says MalformedError', () => {
    const { path, elf, of } = stripped()
    const whole = readBytes(path)
    const place = elf.segments.find(({ type }) => type === SEGMENT_EH_FRAME)!
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(place.fileSize + 200), fc.nat(255)), { minLength: 1, maxLength: 12 }),
        fc.nat(),
        (changes, into) => {
          const bytes = whole.slice()
          for (const [at, byte] of changes) bytes[place.offset + at] = byte
          const damaged = readElf(bytesSource(bytes))
          if (!damaged.ok) return
          const index = readFunctionIndex(damaged.value)
          if (!index.ok || index.value === undefined) return
          const address = of('main').address + (into % 5000) - 2500
          try {
            const extent = index.value.extentAt(address)
            if (extent) expect(extent.start <= address && address < extent.end).toBe(true)
            findStartCode(damaged.value, index.value)
          } catch (error) {
            if (!(error instanceof MalformedError)) throw error
          }
        },
      ),
    )
  })
})

describe('the start of a stripped program', () => {
  it.each([
    ['position independent', []],
    ['at a fixed address', ['-no-pie']],
    ['static and position independent', ['-static-pie']],
    ['of another linker', ['-fuse-ld=gold']],
  ] as const)('tells _start and main: %s', (_, flags) => {
    const { elf, of } = stripped(flags)
    const { start, main } = findStartCode(elf, indexOf(elf))
    expect(start?.start).toBe(of('_start').address)
    expect(main?.start).toBe(of('main').address)
    expect(main!.end).toBe(of('main').address + of('main').size)
  })

  it.each([
    '/usr/lib/x86_64-linux-gnu/libc.so.6',
    '/lib64/ld-linux-x86-64.so.2',
    '/usr/lib/x86_64-linux-gnu/libm.so.6',
  ])('is not looked for where there is none: %s', (path) => {
    if (!existsSync(path)) return
    const elf = readElfFile(path)
    expect(findStartCode(elf, indexOf(elf)).main).toBeUndefined()
  })

  it('is refused when the code is other, or calls what is no function', () => {
    const { elf } = stripped()
    const index = indexOf(elf)
    const change = (find: readonly number[], by: readonly number[]) => {
      const bytes = elf.source.read(0, elf.source.size).slice()
      const at = Buffer.from(bytes).indexOf(Buffer.from(find), elf.entry)
      bytes.set(by, at)
      return { ...elf, source: bytesSource(bytes) }
    }
    expect(findStartCode(change([0x48, 0x8d, 0x3d], [0x48, 0x8d, 0x35]), index)).toEqual({})
    const shifted = change([0x48, 0x8d, 0x3d], [0x48, 0x8d, 0x3d, 0x01])
    expect(findStartCode(shifted, index).main).toBeUndefined()
    expect(findStartCode({ ...elf, machine: 183 }, index)).toEqual({})
    expect(findStartCode({ ...elf, entry: elf.entry + 4 }, index)).toEqual({})
  })
})

import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bytesSource } from '../elf/byte-source.ts'
import { MalformedError } from '../elf/cursor.ts'
import { type Native, openNative } from './native.ts'
import { compile, expectSuccess, nm, readBytes, readElfFile } from './testing.ts'

const hasXz = spawnSync('xz', ['--version']).status === 0
const PROGRAM = `
static __attribute__((noinline)) int hidden(int n) { return n * 3; }
int main(int argc, char **argv) { return hidden(argc); }`

function open(path: string): Native {
  const native = expectSuccess(openNative(bytesSource(readBytes(path))))
  native.loadSymbols(() => undefined)
  return native
}
const namesAt = (native: Native, address: number) => native.functionsAt(address).map(({ name }) => name)

describe.skipIf(!hasXz)('symbols packed inside of a stripped binary (needs xz)', () => {
  /** As rpm's find-debuginfo makes it. */
  function pack(change: (packed: Uint8Array) => Uint8Array = (packed) => packed) {
    const path = compile(PROGRAM)
    const { address } = nm(path).find(({ name }) => name === 'hidden')!
    const [symbols, packed] = [`${path}.symbols`, `${path}.xz`]
    execFileSync('objcopy', ['--only-keep-debug', path, symbols])
    execFileSync('strip', [path])
    writeFileSync(packed, change(new Uint8Array(execFileSync('xz', ['-c', symbols]))))
    execFileSync('objcopy', [`--add-section=.gnu_debugdata=${packed}`, path])
    return { path, address }
  }

  it('name static functions', () => {
    const { path, address } = pack()
    const native = open(path)
    expect(namesAt(native, address)).toEqual(['hidden'])
    expect(namesAt(native, address + 1000)).toEqual([])
    expect(native.complaint).toBe('')
    const loaded = native.bytes
    native.unloadSymbols()
    expect(native.bytes).toBeLessThan(loaded)
    expect(namesAt(native, address)).toEqual([])
  })

  it('are refused with a reason when they are damaged', () => {
    const { path, address } = pack((packed) => packed.fill(0x55, 30, 60))
    const native = open(path)
    expect(namesAt(native, address)).toEqual([])
    expect(native.complaint).toMatch(/^[.]gnu_debugdata: /)
  })
})

describe('openNative', () => {
  it('does not believe a debug file of another build', () => {
    const path = compile(PROGRAM)
    const { address } = nm(path).find(({ name }) => name === 'hidden')!
    const whole = readBytes(path)
    execFileSync('strip', [path])
    const asked: unknown[] = []
    const named = (debug: Uint8Array) => {
      const native = expectSuccess(openNative(bytesSource(readBytes(path))))
      native.loadSymbols(({ buildId, debugLink, debugLinkCrc }) => {
        asked.push({ buildId, debugLink, debugLinkCrc })
        return bytesSource(debug)
      })
      return namesAt(native, address)
    }
    expect(named(whole)).toEqual(['hidden'])
    expect(named(readBytes(compile(`${PROGRAM} int more;`)))).toEqual([])
    expect(named(new Uint8Array(10))).toEqual([])
    const { buildId } = readElfFile(path)
    expect(asked[0]).toEqual({ buildId, debugLink: '', debugLinkCrc: 0 })
  })

  it('asks for no debug file where the symbols are there', () => {
    const native = expectSuccess(openNative(bytesSource(readBytes(compile(PROGRAM)))))
    native.loadSymbols(() => expect.unreachable('it has .symtab'))
  })

  it('survives any damage of any table, without reading more than its bounds', () => {
    const path = compile(`#include <stdio.h>\n${PROGRAM} int more(void) { return puts("x"); }`, ['-g0'])
    const whole = readBytes(path)
    const flip = fc.tuple(fc.nat(whole.length - 1), fc.nat(255))
    fc.assert(
      fc.property(fc.array(flip, { minLength: 1, maxLength: 30 }), (flips) => {
        const bytes = whole.slice()
        for (const [at, value] of flips) if (at > 5) bytes[at] = value
        let read = 0
        const native = openNative({
          size: bytes.length,
          read(offset, length) {
            read += length
            return bytesSource(bytes).read(offset, length)
          },
        })
        if (!native.ok) return
        native.value.loadSymbols(() => undefined)
        for (let address = 0; address < 0x4000; address += 0x55) namesOrMalformed(native.value, address)
        expect(read).toBeLessThan(64 * bytes.length + 100_000)
      }),
      { numRuns: 300 },
    )
  })
})

function namesOrMalformed(native: Native, address: number): string[] {
  try {
    return namesAt(native, address)
  } catch (error) {
    if (error instanceof MalformedError) return []
    throw error
  }
}

describe('a stripped program', () => {
  it('has a main and a _start all the same, and functions that begin somewhere', () => {
    const path = compile(PROGRAM)
    const functions = new Map(nm(path).map(({ name, address }) => [name, address]))
    execFileSync('strip', [path])
    const native = open(path)
    const [main, hidden] = [functions.get('main')!, functions.get('hidden')!]
    expect(namesAt(native, main + 3)).toEqual(['main'])
    expect(namesAt(native, functions.get('_start')!)).toEqual(['_start'])
    expect(namesAt(native, hidden)).toEqual([])
    expect(native.beginningOf(hidden + 2)).toBe(hidden)
    expect(native.beginningOf(0)).toBeUndefined()
    native.unloadSymbols()
    expect(native.beginningOf(hidden)).toBeUndefined()
    expect(namesAt(native, main)).toEqual([])
  })
})

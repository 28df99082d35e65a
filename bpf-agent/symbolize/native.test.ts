import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { bytesSource } from '../elf/byte-source.ts'
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
})

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { bytesSource } from '../elf/byte-source.ts'
import { readElf } from '../elf/elf-file.ts'
import { findSymbols } from '../elf/find-symbols.ts'
import { compile, expectSuccess } from '../symbolize/testing.ts'
import { findColdPart } from './cold-part.ts'
import { interpretersHere } from './interpreters-testing.ts'

const LOOP = '_PyEval_EvalFrameDefault'

function partsIn(file: string, name: string) {
  const elf = expectSuccess(readElf(bytesSource(new Uint8Array(readFileSync(file)))))
  const symbols = findSymbols(elf, [name], () => true)
  const hot = symbols.find((symbol) => symbol.name === name)!
  const cold = symbols.find((symbol) => symbol.name.startsWith(`${name}.cold`))
  return { found: findColdPart(elf, { start: hot.address, end: hot.address + hot.size }), cold }
}

describe('findColdPart', () => {
  const libraries = interpretersHere()
    .map(
      ([version, python]) =>
        [version, python.replace(/\/bin\/[^/]*$/, `/lib/libpython${version}.so.1.0`)] as const,
    )
    .filter(([, library]) => library.includes('.pyenv'))
  it.each(libraries)('finds what has a name in the library of %s', (version, library) => {
    const { found, cold } = partsIn(library, LOOP)
    if (cold === undefined || cold.size < 1024) return // few jumps lead to some lines
    expect(found?.start, version).toBe(cold.address)
    expect(found!.end - found!.start).toBeGreaterThanOrEqual(cold.size)
    expect(found!.end - found!.start).toBeLessThan(cold.size + 64)
  })

  it('finds it in a program of its own, and nothing where nothing was moved', () => {
    const cases = Array.from(
      { length: 20 },
      (_, i) => `if (__builtin_expect(x == ${100 + i}, 0)) fail(x + ${i}, ${i});`,
    )
    const source = `#include <stdlib.h>
      __attribute__((cold, noinline)) void fail(int x, int y) { if (x != y) abort(); }
      __attribute__((noinline)) int moved(int x) { ${cases.join('\n')} return x; }
      __attribute__((noinline)) int whole(int x) { return x * 3; }
      int main(int n, char **words) { return moved(n) + whole(n); }`
    const file = compile(source, ['-O2', '-freorder-blocks-and-partition'])
    const { found, cold } = partsIn(file, 'moved')
    expect(cold).toBeDefined()
    expect(found?.start).toBe(cold!.address)
    expect(partsIn(file, 'whole').found).toBeUndefined()
  })

  it('reads a damaged table as none, or says what is wrong with it', () => {
    const file = compile('int main(void) { return 0; }')
    const bytes = readFileSync(file)
    const elf = expectSuccess(readElf(bytesSource(bytes)))
    const { address } = elf.segments.find(({ type }) => type === 0x6474e550)!
    bytes[address + 3] = 0x1b
    expect(findColdPart(elf, { start: elf.entry, end: elf.entry + 16 })).toBeUndefined()
    bytes[address + 3] = 0x3b
    bytes.writeUInt32LE(0xfffff, address + 8)
    expect(() => findColdPart(elf, { start: elf.entry, end: elf.entry + 16 })).toThrow('.eh_frame_hdr')
  })
})

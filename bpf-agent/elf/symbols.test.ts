import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { compile, expectSuccess, libcPath, nm, readElfFile } from '../symbolize/testing.ts'
import type { ElfFile } from './elf-file.ts'
import { readSymbols, type SymbolTable, symbolAt, symbolNames } from './symbols.ts'

const isFunction = (line: { readonly type: string }) => 'TtWi'.includes(line.type)
const tableOf = (elf: ElfFile): SymbolTable => expectSuccess(readSymbols(elf))!
const namesAt = (elf: ElfFile, table: SymbolTable, address: number) => {
  const row = symbolAt(table, address)
  return row === -1 ? [] : symbolNames(elf, table, row)
}

const PROGRAM = `
static __attribute__((noinline)) int hidden(int n) { return n * 3; }
__attribute__((noinline)) int visible(int n) { return hidden(n) + 1; }
int also_visible(int n) __attribute__((alias("visible")));
int data_is_no_function = 7;
int main(int argc, char **argv) { return visible(argc) + also_visible(2); }`

describe('readSymbols', () => {
  it('names functions as nm does, first byte to last', () => {
    const path = compile(PROGRAM)
    const elf = readElfFile(path)
    const table = tableOf(elf)
    const lines = nm(path).filter(isFunction)
    expect(lines.map(({ name }) => name)).toContain('hidden')
    for (const { address, size, name } of lines.filter((line) => line.size > 0)) {
      expect(namesAt(elf, table, address)).toContain(name)
      expect(namesAt(elf, table, address + size - 1)).toContain(name)
    }
    const visible = lines.find(({ name }) => name === 'visible')!
    expect(namesAt(elf, table, visible.address).sort()).toEqual(['also_visible', 'visible'])
  })

  it('does not give the space behind a function to it', () => {
    const path = compile(PROGRAM, ['-falign-functions=64'])
    const elf = readElfFile(path)
    const { address, size } = nm(path).find(({ name }) => name === 'hidden')!
    expect(size).toBeLessThan(64)
    expect(namesAt(elf, tableOf(elf), address + size)).toEqual([])
  })

  it('gives a symbol without size its section at most: `_init` does not own the .plt', () => {
    const path = compile('#include <stdio.h>\nint main(void) { return puts("x"); }', [
      '-no-pie',
      '-fcf-protection=none',
    ])
    const elf = readElfFile(path)
    const init = elf.sections.find(({ name }) => name === '.init')!
    const plt = elf.sections.find(({ name }) => name === '.plt')!
    expect(namesAt(elf, tableOf(elf), init.address + init.size - 1)).toEqual(['_init'])
    expect(namesAt(elf, tableOf(elf), plt.address + 1)).toEqual([])
  })

  it('names no data', () => {
    const path = compile(PROGRAM)
    const elf = readElfFile(path)
    const { address } = nm(path).find(({ name }) => name === 'data_is_no_function')!
    expect(namesAt(elf, tableOf(elf), address)).toEqual([])
  })

  it('falls back to .dynsym in a stripped file, and says so when that is missing too', () => {
    const path = compile(PROGRAM, ['-rdynamic'])
    const { address } = nm(path).find(({ name }) => name === 'visible')!
    execFileSync('strip', [path])
    const elf = readElfFile(path)
    expect(namesAt(elf, tableOf(elf), address)).toContain('visible')
    const bare = readElfFile(compile(PROGRAM, ['-static', '-s', '-nostdlib', '-nostartfiles', '-Wl,-e,main']))
    expect(expectSuccess(readSymbols(bare))).toBeUndefined()
  })

  it.each([
    [libcPath(), '-D'],
    [process.execPath, ''],
  ])('agrees with nm on %s', (path, flag) => {
    const elf = readElfFile(path)
    const table = tableOf(elf)
    const lines = nm(path, ...(flag ? [flag] : [])).filter((line) => isFunction(line) && line.size > 0)
    const names = new Map<number, Set<string>>()
    for (const { address, name } of lines) {
      const known = names.get(address)
      if (known) known.add(name)
      else names.set(address, new Set([name]))
    }
    const step = Math.max(1, Math.floor(lines.length / 2000))
    let compared = 0
    for (let i = 0; i < lines.length; i += step) {
      const found = namesAt(elf, table, lines[i]!.address)
      expect(found.length).toBeGreaterThan(0)
      // nm may list data in code sections ("lpstub") under other letters; all of ours must be known to it.
      if (found.every((name) => names.get(lines[i]!.address)?.has(name))) compared++
    }
    expect(compared).toBeGreaterThan((lines.length / step) * 0.99)
  })

  it('refuses tables beyond its bounds, and says which', () => {
    const elf = readElfFile(compile(PROGRAM))
    expect(readSymbols(elf, { entriesMax: 3, functionsMax: 100 })).toMatchObject({
      ok: false,
      error: { message: expect.stringMatching(/^\.symtab: \d+ entries, at most 3 are read$/) },
    })
    expect(readSymbols(elf, { entriesMax: 1000, functionsMax: 2 })).toMatchObject({
      ok: false,
      error: { message: '.symtab: more than 2 functions, which would not fit the memory budget' },
    })
  })

  it('refuses a table that points outside the file or has no strings', () => {
    const elf = readElfFile(compile(PROGRAM))
    const withTable = (change: object) => ({
      ...elf,
      sections: elf.sections.map((section) =>
        section.name === '.symtab' ? { ...section, ...change } : section,
      ),
    })
    expect(readSymbols(withTable({ size: 24 * 4_000_000 }))).toMatchObject({ ok: false })
    expect(readSymbols(withTable({ link: 999 }))).toMatchObject({ ok: false })
    expect(readSymbols(withTable({ entrySize: 25 }))).toMatchObject({ ok: false })
  })
})

describe('symbolAt', () => {
  const table = (rows: readonly (readonly [address: number, size: number])[]): SymbolTable => ({
    base: 100,
    address: Uint32Array.from(rows, ([address]) => address - 100),
    size: Uint32Array.from(rows, ([, size]) => size),
    name: new Uint32Array(rows.length),
    strings: { offset: 0, size: 0 },
  })

  it('finds the innermost of nested functions, and the outer one behind it', () => {
    //   100 .. outer ........ 200
    //        120 . inner . 130
    const nested = table([[100, 100], [120, 10]]) // biome-ignore format: a drawing
    expect([99, 100, 119, 120, 129, 130, 199, 200].map((at) => symbolAt(nested, at))).toEqual(
      [-1, 0, 0, 1, 1, 0, 0, -1], // biome-ignore format: a drawing
    )
  })

  it('answers for addresses that no table can hold', () => {
    for (const address of [-1, 0, 2 ** 40, Number.NaN]) expect(symbolAt(table([[100, 1]]), address)).toBe(-1)
    expect(symbolAt(table([]), 100)).toBe(-1)
  })
})

import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compile, expectSuccess, readBytes, readElfFile } from '../symbolize/testing.ts'
import { bytesSource } from './byte-source.ts'
import { type ElfFile, readElf } from './elf-file.ts'
import { readPltStubs } from './plt.ts'
import { symbolAt, symbolNames } from './symbols.ts'

const PROGRAM = `
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(int argc, char **argv) {
  void *(*allocate)(size_t) = argc > 5 ? malloc : 0;
  char *text = allocate ? allocate(9) : malloc(strlen(argv[0]));
  return puts(text) + atoi(argv[1]); }`

/** Address by name, as the disassembler of binutils names stubs. */
function stubsOfObjdump(path: string): Map<number, string> {
  const text = execFileSync('objdump', ['-d', '-j.plt', '-j.plt.sec', '-j.plt.got', path], {
    maxBuffer: 2 ** 28,
    stdio: ['ignore', 'pipe', 'ignore'],
  }).toString()
  const stubs = new Map<number, string>()
  for (const [, address, name] of text.matchAll(/^([0-9a-f]+) <([^>]+)@plt>:$/gm))
    if (!name!.startsWith('*ABS*')) stubs.set(Number.parseInt(address!, 16), name!.replace(/@.*/, ''))
  return stubs
}

const tableOf = (elf: ElfFile) => expectSuccess(readPltStubs(elf))!
const namesAt = (elf: ElfFile, address: number) => {
  const table = tableOf(elf)
  const row = symbolAt(table, address)
  return row === -1 ? [] : symbolNames(elf, table, row)
}

describe('readPltStubs', () => {
  const real = ['/usr/bin/git', '/usr/bin/gcc', '/usr/lib/x86_64-linux-gnu/libstdc++.so.6', process.execPath]
  it.each([
    ['lazy', ['-Wl,-z,lazy', '-fcf-protection=none']],
    ['lazy with branch protection', ['-Wl,-z,lazy', '-Wl,-z,ibtplt', '-fcf-protection=full']],
    ['bound at once', ['-Wl,-z,now', '-fcf-protection=none']],
    ['at a fixed address', ['-no-pie']],
    ['of another linker', ['-fuse-ld=gold']],
    ...real.filter((path) => existsSync(path)).map((path) => [path, []] as const),
  ] as const)('names the stubs that objdump names: %s', (path, flags) => {
    const file = path.startsWith('/') ? path : compile(PROGRAM, flags)
    const elf = readElfFile(file)
    const stubs = stubsOfObjdump(file)
    expect(stubs.size).toBeGreaterThan(0)
    const table = tableOf(elf)
    for (const [address, name] of stubs) {
      for (const at of [address, address + 7])
        expect([at, symbolNames(elf, table, symbolAt(table, at))]).toEqual([at, [name]])
    }
  })

  it('names the lazy half of a stub with branch protection too', () => {
    const elf = readElfFile(compile(PROGRAM, ['-Wl,-z,lazy', '-Wl,-z,ibtplt', '-fcf-protection=full']))
    const plt = elf.sections.find(({ name }) => name === '.plt')!
    expect(namesAt(elf, plt.address)).toEqual([]) // its header belongs to no function
    expect(namesAt(elf, plt.address + 16)).toHaveLength(1)
  })

  it('says that a program without stubs has none', () => {
    const flags = ['-static', '-nostdlib', '-nostartfiles', '-Wl,-e,main']
    expect(readPltStubs(readElfFile(compile('int main(void) { return 1; }', flags)))).toEqual({
      ok: true,
      value: undefined,
    })
  })

  it('reads stubs of arm64', () => {
    //   0x10000: adrp x16, 0x20000; ldr x17, [x16, #0x18]; add; br     slot 0x20018 is symbol 1, "puts"
    const bytes = new Uint8Array(0x200)
    const view = new DataView(bytes.buffer)
    view.setUint32(0, 0x9000_0090, true) // adrp x16, page + 0x10
    view.setUint32(4, 0xf940_0e11, true)
    view.setUint32(0x100, 0x2_0018, true)
    view.setUint32(0x108, 1026, true)
    view.setUint32(0x10c, 1, true)
    view.setUint32(0x140 + 24, 1, true)
    bytes.set(new TextEncoder().encode('\0puts\0'), 0x180)
    const section = (name: string, type: number, offset: number, size: number, rest: object = {}) => {
      return { name, type, flags: 0, address: 0, offset, size, link: 0, entrySize: 24, ...rest }
    }
    const elf: ElfFile = {
      ...readElfFile('/bin/ls'),
      machine: 183,
      source: bytesSource(bytes),
      sections: [
        section('', 0, 0, 0),
        section('.dynsym', 11, 0x140, 48, { link: 2 }),
        section('.dynstr', 3, 0x180, 6),
        section('.rela.plt', 4, 0x100, 24, { link: 1 }),
        section('.plt', 1, 0, 16, { flags: 4, address: 0x1_0000, entrySize: 16 }),
      ],
    }
    expect(namesAt(elf, 0x1_0004)).toEqual(['puts'])
    view.setUint32(0, 0xd503_201f, true) // nop
    expect(readPltStubs(elf)).toEqual({ ok: true, value: undefined })
  })

  it('refuses stubs without strings, outside the file, or too many', () => {
    const elf = readElfFile(compile(PROGRAM))
    const withSection = (name: string, change: object) =>
      readPltStubs({
        ...elf,
        sections: elf.sections.map((one) => (one.name === name ? { ...one, ...change } : one)),
      })
    expect(withSection('.dynsym', { link: 999 })).toMatchObject({ ok: false })
    expect(withSection('.rela.plt', { offset: 2 ** 40 })).toMatchObject({ ok: false })
    expect(withSection('.plt', { size: 2 ** 30 })).toMatchObject({
      ok: false,
      error: { message: '.plt: stubs of more than 4194304 bytes' },
    })
  })

  it('survives any damage', () => {
    const whole = readBytes(compile(PROGRAM))
    const flip = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 40 })
    fc.assert(
      fc.property(flip, (flips) => {
        const bytes = whole.slice()
        for (const [at, value] of flips) if (at > 5) bytes[at] = value
        const elf = readElf(bytesSource(bytes))
        if (!elf.ok) return
        const table = readPltStubs(elf.value)
        if (!table.ok || !table.value) return
        for (const address of table.value.address)
          symbolNames(elf.value, table.value, Math.max(0, symbolAt(table.value, table.value.base + address)))
      }),
      { numRuns: 500 },
    )
  })
})

import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileGo, expectSuccess, goToolchains, nm, readBytes } from '../symbolize/testing.ts'
import { type ByteSource, bytesSource } from './byte-source.ts'
import { MalformedError } from './cursor.ts'
import { type ElfFile, readElf } from './elf-file.ts'
import { type GoFunction, goFunctionsAt } from './go-functions.ts'
import { type GoTable, readGoTable } from './go-table.ts'

/** Asks Go's own runtime: addresses come in, what lies there goes out; and one stack with inlined calls. */
const PROGRAM = `
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"
)

func base() uint64 {
	maps, _ := os.ReadFile("/proc/self/maps")
	for _, line := range strings.Split(string(maps), "\\n") {
		var start uint64
		if strings.HasSuffix(line, os.Args[0]) {
			fmt.Sscanf(line, "%x-", &start)
			return start
		}
	}
	panic("not mapped")
}

//go:noinline
func leaf() []uintptr {
	pcs := make([]uintptr, 16)
	return pcs[:runtime.Callers(2, pcs)]
}

func tiny() []uintptr { return leaf() }

func small() []uintptr { return tiny() }

//go:noinline
func burn() []uintptr { return small() }

func main() {
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	low := base()
	pcs := burn()
	fmt.Fprintln(out, uint64(pcs[0])-1-low)
	frames := runtime.CallersFrames(pcs)
	for {
		frame, more := frames.Next()
		fmt.Fprintln(out, frame.Function, frame.File, frame.Line)
		if !more {
			break
		}
	}
	fmt.Fprintln(out)
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		var address uint64
		fmt.Sscan(in.Text(), &address)
		frames := runtime.CallersFrames([]uintptr{uintptr(low + address + 1), 1}) // the second lies nowhere
		for {
			frame, more := frames.Next()
			fmt.Fprint(out, frame.Function, " ", frame.File, " ", frame.Line)
			if !more {
				break
			}
			fmt.Fprint(out, ", ")
		}
		fmt.Fprintln(out)
	}
}
`

const CGO = `
package main

// static int twice(int n) { return n * 2; }
import "C"

func init() { _ = C.twice(4) }
`

let stripped: string | undefined
const strippedProgram = () => (stripped ??= compileGo(PROGRAM, { flags: ['-ldflags=-s -w'] }))

const lineOf = ({ name, file, line }: GoFunction) => `${name} ${file || '?'} ${line}`
const elfOf = (bytes: Uint8Array): ElfFile => expectSuccess(readElf(bytesSource(bytes)))
const tableOf = (elf: ElfFile): GoTable => expectSuccess(readGoTable(elf))!

/** What the program says of some addresses of its code, and of one stack; the numbers count from its first byte. */
function ask(path: string, addresses: readonly number[]) {
  const text = execFileSync(path, { input: addresses.join('\n'), maxBuffer: 2 ** 26 }).toString()
  const [stack, answers] = text.split('\n\n') as [string, string]
  const [pc, ...frames] = stack.split('\n')
  return { pc: Number(pc), frames, answers: answers.trimEnd().split('\n') }
}

describe.skipIf(goToolchains.length === 0)('goFunctionsAt (needs a Go toolchain)', () => {
  const kinds = [
    ['stripped', ['-ldflags=-s -w'], {}],
    ['position independent and stripped', ['-buildmode=pie', '-ldflags=-s -w'], {}],
    ['linked with C', ['-ldflags=-s -w -linkmode=external'], { 'c.go': CGO }],
    [
      'linked with C, position independent',
      ['-buildmode=pie', '-ldflags=-s -w -linkmode=external'],
      { 'c.go': CGO },
    ],
  ] as const
  const cases = goToolchains.flatMap((go, i) =>
    // Old toolchains: the plainest and the most different of them.
    kinds
      .filter((_, kind) => i === 0 || kind === 0 || kind === 3)
      .map(([kind, flags, files]) => ({ what: `${go}, ${kind}`, go, flags, files })),
  )
  it.each(cases)('says what the runtime of the program says: $what', ({ go, flags, files }) => {
    const path = compileGo(PROGRAM, { go, flags, files })
    const elf = elfOf(readBytes(path))
    const table = tableOf(elf)
    const first = elf.segments.find(({ type }) => type === 1)!.address
    const text = elf.sections.find(({ name }) => name === '.text')!
    // None is the last byte before a function: the runtime takes the byte after it for the question.
    const step = Math.floor(text.size / 2000 / 16) * 16
    const addresses = Array.from({ length: 2000 }, (_, i) => text.address + step * i + (i % 15))
    const asked = ask(path, addresses.map((address) => address - first)) // biome-ignore format: one call
    let same = 0
    addresses.forEach((address, i) => {
      const functions = goFunctionsAt(table, address)
      const said = asked.answers[i]!.split(', ')
      // The runtime has no word for the first name of its table, nor for code of other languages.
      if (said.some((one) => one.startsWith(' '))) return
      // It hides wrappers and type arguments, and before 1.21 tells only the innermost function.
      const shown = functions.map((one) => lineOf({ ...one, name: one.name.replace(/\[.*\]/, '[...]') }))
      expect([address, shown.filter((one) => said.includes(one))]).toEqual([address, said])
      if (shown.length === said.length) same++
    })
    expect(same).toBeGreaterThan(table.version < 20 ? 1000 : 1900)
    const chain = goFunctionsAt(table, asked.pc + first)
    expect(chain.map(lineOf)).toEqual(asked.frames.slice(0, 3))
    expect(chain.map(({ name }) => name)).toEqual(['main.tiny', 'main.small', 'main.burn'])
    if (table.version === 20) expect(chain.map(({ startLine }) => startLine)).toEqual([30, 32, 35])
  })

  it('tells nothing of code that is not Go', () => {
    const path = compileGo(PROGRAM, { flags: ['-ldflags=-linkmode=external'], files: { 'c.go': CGO } })
    const table = tableOf(elfOf(readBytes(path)))
    const symbols = new Map(nm(path).map(({ name, address }) => [name, address]))
    expect(goFunctionsAt(table, symbols.get('main.main')!).map(({ name }) => name)).toEqual(['main.main'])
    const twice = [...symbols].find(([name]) => /twice$/.test(name) && !name.startsWith('main.'))!
    expect(goFunctionsAt(table, twice[1])).toEqual([])
    expect(goFunctionsAt(table, symbols.get('_start')!)).toEqual([])
    for (const address of [-1, 0, 2 ** 60, Number.NaN]) expect(goFunctionsAt(table, address)).toEqual([])
  })

  it('finds the table without sections, as a loader would see the program', () => {
    const bytes = readBytes(strippedProgram())
    const elf = elfOf(bytes)
    const bare = bytes.slice()
    bare.fill(0, 40, 48) // where the section headers are
    const table = tableOf(elfOf(bare))
    expect(elfOf(bare).sections).toEqual([])
    expect({ ...table, source: 0, names: 0 }).toMatchObject({
      text: tableOf(elf).text,
      count: tableOf(elf).count,
    })
    expect(goFunctionsAt(table, elf.entry).map(({ name }) => name)).toEqual(['_rt0_amd64_linux'])
  })

  it('survives any damage: an answer or a MalformedError, within its reads', () => {
    const whole = readBytes(strippedProgram())
    const elf = elfOf(whole)
    const { functionTable, pcTables, functions } = tableOf(elf)
    const start = elf.sections.find(({ name }) => name === '.gopclntab')!
    const module = elf.sections.find(({ name }) => name === '.go.module' || name === '.noptrdata')!
    const near = (offset: number, length: number) => fc.nat(length - 1).map((at) => offset + at)
    const place = fc.oneof(
      near(start.offset, 72),
      near(functionTable.offset, 400),
      near(functions.offset + functionTable.size, 4000),
      near(pcTables.offset, 4000),
      near(module.offset, Math.min(module.size, 400)),
    )
    fc.assert(
      fc.property(fc.array(fc.tuple(place, fc.nat(255)), { minLength: 1, maxLength: 8 }), (flips) => {
        const bytes = whole.slice()
        for (const [at, value] of flips) bytes[at] = value
        let read = 0
        const source: ByteSource = {
          size: bytes.length,
          read(offset, length) {
            read += length
            return bytesSource(bytes).read(offset, length)
          },
        }
        const table = readGoTable(expectSuccess(readElf(source)))
        for (let i = 0; table.ok && table.value && i < 40; i++) {
          try {
            for (const { name, line } of goFunctionsAt(table.value, elf.entry - 2000 + i * 100)) {
              expect(name.length).toBeLessThanOrEqual(4096)
              expect(line).toBeGreaterThanOrEqual(0)
            }
          } catch (error) {
            if (!(error instanceof MalformedError)) throw error
          }
        }
        expect(read).toBeLessThan(8 * whole.length)
      }),
      { numRuns: 100 },
    )
  })
})

describe('readGoTable', () => {
  /** A program of one function of 32 bytes, `main.work` in /a.go, with the table of an old Go. */
  function old(version: 2 | 16, change: (bytes: DataView) => void = () => {}): ElfFile {
    const bytes = new Uint8Array(0x200)
    const view = new DataView(bytes.buffer)
    const text = (at: number, words: string) => bytes.set(new TextEncoder().encode(words), at)
    const word = (at: number, value: number) => view.setUint32(at, value, true)
    word(0, version === 2 ? 0xffff_fffb : 0xffff_fffa)
    bytes.set([0, 0, 1, 8], 4)
    word(8, 1)
    text(0x100, 'main.work\0')
    text(0x128, '/a.go\0')
    const functions = version === 2 ? 0 : 0x140
    const list = version === 2 ? 16 : 0x140
    word(list, 0x40_1000) // its entry
    word(list + 8, 0x180 - functions)
    word(list + 16, 0x40_1020)
    word(list + 24, 0x120) // in 1.2: where the files are
    const parts = version === 16 ? [0x100, 0x120, 0x128, 0x130, 0x140] : []
    for (const [i, part] of parts.entries()) word(24 + 8 * i, part)
    word(0x120, version === 2 ? 1 : 0)
    word(0x124, 0x128)
    bytes.set([version === 2 ? 4 : 2, 0x20, 0], 0x131) // value 1, or 0: one file
    word(0x180, 0x40_1000)
    word(0x188, version === 2 ? 0x100 : 0)
    word(0x188 + 16, version === 2 ? 0x131 : 1)
    word(0x188 + 20, version === 2 ? 0x131 : 1)
    change(view)
    const like = elfOf(readBytes('/bin/ls'))
    const section = { name: '.gopclntab', type: 1, flags: 2, address: 0x50_0000, offset: 0, size: bytes.length, link: 0, entrySize: 0 } // biome-ignore format: a row
    return { ...like, source: bytesSource(bytes), segments: [], sections: [section] }
  }

  it.each([2, 16] as const)(
    'names functions of Go since 1.%i, without the lines of what may be inlined',
    (version) => {
      const elf = old(version)
      const table = tableOf(elf)
      expect(table.version).toBe(version)
      const work = [{ name: 'main.work', file: '/a.go', line: 0, startLine: 0 }]
      expect([0xfff, 0x1000, 0x101f, 0x1020].map((at) => goFunctionsAt(table, 0x40_0000 + at))).toEqual(
        [[], work, work, []], // biome-ignore format: a row
      )
    },
  )

  it('says why it refuses a table', () => {
    const messageOf = (change: (bytes: DataView) => void) => {
      const read = readGoTable(old(16, change))
      return read.ok ? 'read' : read.error.message
    }
    expect(messageOf((bytes) => bytes.setUint8(0, 7))).toBe('no table of Go functions')
    expect(messageOf((bytes) => bytes.setUint8(7, 4))).toBe('no table of Go functions')
    expect(messageOf((bytes) => bytes.setUint32(8, 0x7fff_ffff, true))).toBe(
      'a Go program of 2147483647 functions, at most 16777216 are read',
    )
    expect(messageOf((bytes) => bytes.setUint32(24, 0x1000, true))).toMatch(/^table of Go functions: bytes /)
    expect(messageOf((bytes) => bytes.setUint32(0x140, 0, true))).toMatch(
      /^a relocatable Go program older than/,
    )
  })

  it('says nothing of programs that are no Go', () => {
    expect(readGoTable(elfOf(readBytes('/bin/ls')))).toEqual({ ok: true, value: undefined })
  })
})

// Damaged and hostile tables: whatever the bytes, a result comes, its columns keep their laws, and the work is bounded by
// the size of the input.
import { existsSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bytesSource } from '../elf/byte-source.ts'
import { readElf } from '../elf/elf-file.ts'
import type { CompiledTable } from './compiled-table.ts'
import { type EhFrame, findEhFrame } from './find-eh-frame.ts'
import { cfa, type DrawnEntry, drawEhFrame, drawnEhFrame } from './testing.ts'
import { compileEhFrame, compileUnwindTable } from './unwind-table.ts'

const PAGE_ROWS_MAX = 8191
const real = realEhFrame()

describe('whatever the bytes, the table keeps its laws', () => {
  it.skipIf(real === undefined)('where single bytes of a real one were changed', () => {
    const size = real!.bytes.length
    const change = fc.tuple(fc.nat(size - 1), fc.nat(255))
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 300 }), (changes) => {
        const bytes = real!.bytes.slice()
        for (const [at, value] of changes) bytes[at] = value
        expectLawful({ ...real!, bytes })
      }),
      { numRuns: 150 },
    )
  })
  it.skipIf(real === undefined)('where a real one was cut, moved, or belongs to other text', () => {
    const size = real!.bytes.length
    fc.assert(
      fc.property(
        fc.nat(size),
        fc.nat(64),
        fc.nat(2 ** 31),
        fc.boolean(),
        (end, start, length, isOpenEnded) => {
          const bytes = real!.bytes.slice(start, end)
          const textEnd = real!.textStart + 1 + length
          expectLawful({ ...real!, bytes, textEnd, isOpenEnded })
        },
      ),
      { numRuns: 60 },
    )
  })
  it('of random bytes', () => {
    const shape = { minLength: 0, maxLength: 2000 }
    fc.assert(
      fc.property(fc.uint8Array(shape), fc.boolean(), (bytes, isOpenEnded) => {
        expectLawful({ ...drawnEhFrame([], { isOpenEnded }), bytes })
      }),
      { numRuns: 2000 },
    )
  })
  it('of random programs in sound entries, on both machines', () => {
    const program = fc.array(fc.nat(255), { maxLength: 200 })
    const fde = fc.record({
      start: fc.integer({ min: 0x1000, max: 0x4_0000 }),
      range: fc.nat(0x4_0000),
      program,
    })
    fc.assert(
      fc.property(fc.array(fde, { maxLength: 20 }), program, fc.boolean(), (fdes, cieProgram, isArm) => {
        const cie: DrawnEntry = {
          kind: 'cie',
          augmentation: 'zRS',
          returnAddress: isArm ? 30 : 16,
          program: cieProgram,
        }
        const entries = [cie, ...fdes.map((fields) => ({ kind: 'fde' as const, ...fields }))]
        expectLawful(drawnEhFrame(entries, { machine: isArm ? 183 : 62, textEnd: 0x10_0000 }))
      }),
      { numRuns: 2000 },
    )
  })
})

describe('a table made to cost', () => {
  const fde = (start: number): DrawnEntry => ({ kind: 'fde', start, range: 1 })

  it('of malformed entries without end is given up', () => {
    const fields = Array.from({ length: 10_100 }, () => ({ ...fde(0x2000), program: [0x3f] }))
    expect(compile(drawnEhFrame([{ kind: 'cie' }, ...fields])).message).toMatch(/more than 10000 malformed/)
    const orphan = [12, 0, 0, 0, 99, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    const orphans = new Uint8Array(10_100 * orphan.length).map((_, i) => orphan[i % orphan.length]!)
    expect(compile({ ...drawnEhFrame([]), bytes: orphans }).message).toMatch(/more than 10000 malformed/)
  })
  it('of CIEs without end is given up', () => {
    const cie = drawEhFrame([{ kind: 'cie' }])
    const cies = new Uint8Array(65_600 * cie.length).map((_, i) => cie[i % cie.length]!)
    expect(compile({ ...drawnEhFrame([]), bytes: cies }).message).toMatch(/more than 65536 CIEs/)
  })
  it('of too many rows is given up', () => {
    const fields = Array.from({ length: 1000 }, (_, i) => fde(0x1000 + 2 * i)) // two rows each
    expect(compile(drawnEhFrame([{ kind: 'cie' }, ...fields]), 1500).message).toMatch(/more than 1500 rows/)
    expect(compile(drawnEhFrame([{ kind: 'cie' }, ...fields]), 2001).table?.pc).toHaveLength(2001)
  })
  it('of a row for every byte of code keeps no page', () => {
    const program = Array.from({ length: 80_000 }, (_, i) => [
      ...cfa.advance(1),
      ...cfa.defCfaOffset(8 + 8 * (i & 1)),
    ])
    const fields = Array.from({ length: 5 }, (_, i): DrawnEntry => {
      return { kind: 'fde', start: 0x2_0000 * (i + 1), range: 0x2_0000, program: program.flat() }
    })
    const { table } = compile(drawnEhFrame([{ kind: 'cie' }, ...fields], { textEnd: 0x1000_0000 }))
    expect(table?.counts.pagesTooDense).toBe(10)
    expect(table?.pc).toHaveLength(0)
  })
})

describe('a binary', () => {
  it.skipIf(real === undefined)('without section headers gives the same rows', () => {
    const bytes = realBinary()!.slice()
    const whole = compileUnwindTable(bytesSource(bytes))
    bytes.fill(0, 0x28, 0x30) // e_shoff
    bytes.fill(0, 0x3c, 0x40) // e_shnum, e_shstrndx
    const stripped = compileUnwindTable(bytesSource(bytes))
    if (!whole.ok || !stripped.ok) throw new Error('libm is not readable')
    expect(stripped.value.pc.length).toBeGreaterThan(1000)
    expect(stripped.value).toEqual(whole.value)
  })
  it.skipIf(real === undefined)('whose .eh_frame has no bytes, or is too large, is told apart', () => {
    const source = bytesSource(realBinary()!)
    const elf = readElf(source)
    if (!elf.ok) throw new Error(elf.error.message)
    const sections = (change: object) =>
      elf.value.sections.map((section) =>
        section.name === '.eh_frame' ? { ...section, ...change } : section,
      )
    const noSegment = elf.value.segments.filter(({ type }) => type !== 0x6474e550)
    const bare = { ...elf.value, sections: sections({ type: 8 }), segments: noSegment }
    expect(findEhFrame(bare)).toMatchObject({ ok: true, value: { bytes: new Uint8Array(0) } })
    const large = findEhFrame({ ...elf.value, sections: sections({ size: 65 * 1024 * 1024 }) })
    expect(large).toMatchObject({ ok: false, error: { message: expect.stringMatching(/at most 67108864/) } })
    const beyond = findEhFrame({ ...elf.value, sections: sections({ offset: 2 ** 40 }) })
    expect(beyond.ok).toBe(false)
    const other = findEhFrame({ ...elf.value, machine: 3 })
    expect(other).toMatchObject({ ok: false, error: { message: expect.stringMatching(/machine 3/) } })
    const noText = findEhFrame({ ...elf.value, segments: [] })
    expect(noText).toEqual({ ok: true, value: undefined })
  })
  it.skipIf(real === undefined)('damaged anywhere in its headers gives a result', () => {
    const binary = realBinary()!
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(0x400), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        (changes) => {
          const bytes = binary.slice()
          for (const [at, value] of changes) bytes[at] = value
          const result = compileUnwindTable(bytesSource(bytes))
          if (result.ok) expectColumnsLawful(result.value)
        },
      ),
      { numRuns: 60 },
    )
  })
})

function compile(
  ehFrame: EhFrame,
  rowsMax?: number,
): { table?: CompiledTable; message?: string; slices: number } {
  let slices = 0
  const work = compileEhFrame(ehFrame, rowsMax === undefined ? {} : { rowsMax })
  for (let slice = work.next(); ; slice = work.next(), slices++) {
    if (!slice.done) continue
    return slice.value.ok
      ? { table: slice.value.value, slices }
      : { message: slice.value.error.message, slices }
  }
}

function expectLawful(ehFrame: EhFrame): void {
  const { table, message, slices } = compile(ehFrame)
  const { length } = ehFrame.bytes
  // Two rounds of slices of 16 KiB, and three passes of sorting.
  expect(slices).toBeLessThanOrEqual(2 * Math.ceil(length / 16_384) + 5)
  if (table === undefined) {
    expect(message).toMatch(/its stacks go by frame pointers/)
    return
  }
  // A row costs at least one byte, a page has one more, a gap belongs to an entry.
  expect(table.pc.length).toBeLessThanOrEqual(length + table.pageFirst.length)
  const { counts } = table
  const refused =
    counts.refused.malformed + counts.refused.encoding + counts.refused.outside + counts.refused.too_long
  expect(refused).toBeLessThanOrEqual(counts.fdes + 1)
  expectColumnsLawful(table)
}

function expectColumnsLawful({ pageFirst, pc, rule, rules }: CompiledTable): void {
  const broken: string[] = []
  const check = (isRight: boolean, what: string) => {
    if (!isRight) broken.push(what)
  }
  check(pageFirst[0] === 0 && pageFirst.at(-1) === pc.length, 'pages cover all rows')
  check(rule.length === pc.length, 'columns are equally long')
  check(rules.length % 8 === 0 && rules[0] === 4, 'rule 0 is the gap')
  for (let page = 0; page + 1 < pageFirst.length; page++) {
    const [from, to] = [pageFirst[page]!, pageFirst[page + 1]!]
    check(to >= from && to - from <= PAGE_ROWS_MAX, `page ${page} has rows from ${from} to ${to}`)
    if (from < to) check(pc[from] === 0, `page ${page} begins at 0`)
    for (let row = from; row < to; row++) {
      if (rule[row]! >= rules.length / 8) check(false, `rule of row ${row} exists`)
      if (row > from && pc[row]! <= pc[row - 1]!) check(false, `row ${row} is above the row before`)
      if (row > from && rule[row] === rule[row - 1]) check(false, `row ${row} differs from the row before`)
    }
  }
  expect(broken).toEqual([])
}

function realBinary(): Uint8Array | undefined {
  const paths = [
    '/lib/x86_64-linux-gnu/libm.so.6',
    '/usr/lib64/libm.so.6',
    '/lib/aarch64-linux-gnu/libm.so.6',
  ]
  const path = paths.find((path) => existsSync(path))
  return path === undefined ? undefined : new Uint8Array(readFileSync(path))
}

function realEhFrame(): EhFrame | undefined {
  const bytes = realBinary()
  const elf = bytes && readElf(bytesSource(bytes))
  const found = elf?.ok ? findEhFrame(elf.value) : undefined
  return found?.ok ? found.value : undefined
}

// Drawn functions and the rows they must give.
import { describe, expect, it } from 'vitest'
import { bytesSource } from '../elf/byte-source.ts'
import type { CompiledTable } from './compiled-table.ts'
import type { EhFrame } from './find-eh-frame.ts'
import { cfa, type DrawnEntry, drawnEhFrame, showRows } from './testing.ts'
import { compileEhFrame, compileUnwindTable, startCompilation } from './unwind-table.ts'

const RSP = 7
const RBP = 6
const RBX = 3
const R10 = 10
const RIP = 16
const CIE: DrawnEntry = { kind: 'cie' }
const PUSH_RBP = [...cfa.advance(1), ...cfa.defCfaOffset(16), ...cfa.offset(RBP, -16)]
const PLT_EXPRESSION = [0x77, 0x08, 0x80, 0x00, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22]

describe('rows of one function', () => {
  it('follow push, mov and leave', () => {
    const program = [
      ...PUSH_RBP,
      ...cfa.advance(3),
      ...cfa.defCfaRegister(RBP),
      ...cfa.advance(0x60),
      ...cfa.defCfa(RSP, 8),
    ]
    expect(rowsOf({ start: 0x2010, range: 0x80, program })).toEqual([
      '0 gap',
      '2010 sp+8',
      '2011 sp+16 fp@c-16',
      '2014 fp+16 fp@c-16',
      '2074 sp+8 fp@c-16',
      '2090 gap',
    ])
  })

  it('merge where nothing that matters changes: other registers, no advance, the same again', () => {
    const program = [
      ...cfa.advance(2),
      ...cfa.offset(12, -16),
      ...cfa.advance(2),
      ...cfa.defCfaOffset(8),
      ...cfa.advance(2),
      ...cfa.defCfaOffset(24),
      ...cfa.nop,
      ...cfa.defCfaOffset(8),
    ]
    expect(rowsOf({ start: 0x2000, range: 0x20, program })).toEqual(['0 gap', '2000 sp+8', '2020 gap'])
  })

  it('come back to what was remembered, CFA included', () => {
    const program = [
      ...PUSH_RBP,
      ...cfa.rememberState,
      ...cfa.advance(4),
      ...cfa.restore(RBP),
      ...cfa.defCfaOffset(8),
      ...cfa.advance(1),
      ...cfa.restoreState,
    ]
    expect(rowsOf({ start: 0x2000, range: 0x20, program })).toEqual([
      '0 gap',
      '2000 sp+8',
      '2001 sp+16 fp@c-16',
      '2005 sp+8',
      '2006 sp+16 fp@c-16',
      '2020 gap',
    ])
  })

  it('stop at the end of the function, wherever its program goes', () => {
    const program = [
      ...cfa.advance(0x10),
      ...cfa.defCfaOffset(16),
      ...cfa.advance(0x20),
      ...cfa.defCfaOffset(99),
    ]
    expect(rowsOf({ start: 0x2000, range: 0x20, program })).toEqual([
      '0 gap',
      '2000 sp+8',
      '2010 sp+16',
      '2020 gap',
    ])
  })

  it('follow a program that names addresses', () => {
    const entry: DrawnEntry = {
      kind: 'fde',
      start: 0x42_0000,
      range: 0x20,
      encoding: 0x04,
      program: setLocation(0x42_0010),
    }
    const table = tableOf([{ kind: 'cie', augmentationData: [0x04] }, entry], {
      textStart: 0x40_1000,
      textEnd: 0x50_0000,
    })
    expect(showRows(table)).toEqual(['420000 sp+8', '420010 sp+16', '420020 gap'])
  })

  it('skip the sizes of arguments', () => {
    const program = [0x2e, 16, ...cfa.advance(4), ...cfa.defCfaOffset(16)]
    expect(rowsOf({ start: 0x2000, range: 8, program })).toEqual([
      '0 gap',
      '2000 sp+8',
      '2004 sp+16',
      '2008 gap',
    ])
  })
})

describe('rules', () => {
  const ruleOf = (program: readonly number[]) => rowsOf({ start: 0x2000, range: 16, program })[1]!.slice(5)

  it('know the lazy PLT stub by its bytes and take its number', () => {
    expect(ruleOf(cfa.defCfaExpression(PLT_EXPRESSION))).toBe('plt11')
    expect(ruleOf(cfa.defCfaExpression(PLT_EXPRESSION.with(6, 0x3a)))).toBe('plt10')
    expect(ruleOf(cfa.defCfaExpression(PLT_EXPRESSION.with(9, 0x1e)))).toBe('unsupported')
    expect(ruleOf(cfa.defCfaExpression(PLT_EXPRESSION.with(6, 0x20)))).toBe('unsupported')
  })
  it('know realigned frames, whose frame pointer is found by itself', () => {
    const program = [...cfa.defCfaExpression([0x76, 0x78, 0x06]), ...cfa.expression(RBP, [0x76, 0x00])]
    expect(ruleOf(program)).toBe('*(fp-8)+0 fp@fp+0')
    expect(ruleOf(cfa.defCfaExpression([0x77, 0x98, 0x01, 0x06, 0x23, 0x08]))).toBe('*(sp+152)+8')
    expect(ruleOf(cfa.defCfaExpression([0x77, 0x98, 0x01, 0x06, 0x23, 0x08, 0x06]))).toBe('unsupported')
    expect(ruleOf(cfa.defCfaExpression([0x7a, 0x00, 0x06]))).toBe('unsupported') // r10
    expect(ruleOf(cfa.defCfaExpression([]))).toBe('unsupported')
  })
  it('end the stack where the return address is undefined', () => {
    expect(ruleOf([...cfa.undefined(RIP), ...cfa.defCfaExpression([1, 2, 3])])).toBe('root')
  })
  it('hold frames of more than 32 KiB', () => {
    expect(ruleOf(cfa.defCfaOffset(32_760))).toBe('sp+32760')
    expect(ruleOf(cfa.defCfaOffset(32_776))).toBe('sp+32776')
    expect(ruleOf(cfa.defCfaOffset(0x12_3458))).toBe(`sp+${0x12_3458}`)
    expect(ruleOf(cfa.defCfaOffset(2 ** 31))).toBe('unsupported')
    expect(ruleOf(cfa.defCfaOffset(2 ** 40))).toBe('unsupported')
  })
  it('follow rbx, on which hand-written code hangs its frame', () => {
    expect(ruleOf([...cfa.defCfaOffset(24), ...cfa.offset(RBX, -24)])).toBe('sp+24 bx@c-24')
    expect(ruleOf([...cfa.defCfa(RBX, 32), ...cfa.offset(RBX, -32)])).toBe('rbx+32 bx@c-32')
    expect(ruleOf([...cfa.defCfa(RBX, 32)])).toBe('rbx+32')
    expect(ruleOf([...cfa.offset(RBX, -16), ...cfa.restore(RBX)])).toBe('sp+8')
    expect(ruleOf([...cfa.offset(RBX, -16), ...cfa.offset(RBP, -24)])).toBe('sp+8 fp@c-24 bx@c-16')
  })
  it('know of rbx where they lose it: another register, an expression, a place too far or without meaning', () => {
    const lost = [
      cfa.register(RBX, R10),
      cfa.expression(RBX, [0x77, 0x08]),
      cfa.undefined(RBX),
      cfa.offset(RBX, -40_000),
      cfa.offset(RBX, 0), // no number of its own: 0 says that it is in the register
    ]
    for (const program of lost) expect(ruleOf(program)).toBe('sp+8 bx?')
    expect(ruleOf([...cfa.defCfa(RBX, 16), ...cfa.register(RBX, R10)])).toBe('rbx+16 bx?')
    expect(ruleOf([...cfa.defCfa(RBX, 16), ...cfa.offset(RBX, -8184)])).toBe('rbx+16 bx@c-8184')
    expect(ruleOf([...cfa.defCfa(RBX, 16), ...cfa.offset(RBX, -8192)])).toBe('rbx+16 bx?')
  })
  it('know vectors of a length that a register holds, on which OpenSSL hangs its frame', () => {
    const indexed = [0x77, 0x08, 0x79, 0x00, 0x38, 0x1e, 0x22, 0x06, 0x23, 0x08]
    expect(ruleOf(cfa.defCfaExpression(indexed))).toBe('*(sp+8+r9*8)+8')
    expect(ruleOf(cfa.defCfaExpression(indexed.slice(0, 8)))).toBe('*(sp+8+r9*8)+0')
    expect(ruleOf([...cfa.defCfaExpression(indexed), ...cfa.offset(RBP, -24)])).toBe('*(sp+8+r9*8)+8 fp@c-24')
    for (const [at, byte] of [
      [1, 0x09], // no whole word
      [2, 0x90], // no register
      [3, 0x01],
      [4, 0x34],
      [7, 0x94],
      [8, 0x22],
    ] as const)
      expect(ruleOf(cfa.defCfaExpression(indexed.with(at, byte)))).toBe('unsupported')
    expect(ruleOf(cfa.defCfaExpression([...indexed, 0x06]))).toBe('unsupported')
    for (const length of [2, 3, 5, 7])
      expect(ruleOf(cfa.defCfaExpression(indexed.slice(0, length)))).toBe('unsupported')
  })
  it('hang on any other register, too: the sampler has those of the leaf', () => {
    expect(ruleOf(cfa.defCfa(R10, 0))).toBe('r10+0')
    expect(ruleOf([...cfa.defCfa(0, 8), ...cfa.offset(RBP, -24)])).toBe('rax+8 fp@c-24')
  })
  it('refuse what they cannot say, each under its reason', () => {
    const program = (bytes: readonly number[]) =>
      tableOf([CIE, { kind: 'fde', start: 0x2000, range: 16, program: bytes }]).counts.unsupported
    expect(program(cfa.defCfa(RIP, 0))).toMatchObject({ cfa_register: 1 })
    expect(program(cfa.defCfa(2 ** 31, 0))).toMatchObject({ cfa_register: 1 })
    expect(program(cfa.defCfa(R10, 40_000))).toMatchObject({ offset: 1 })
    expect(program(cfa.defCfaExpression([0x96]))).toMatchObject({ cfa_expression: 1 })
    expect(program(cfa.offset(RIP, -16))).toMatchObject({ return_address: 1 })
    expect(program(cfa.register(RBP, 9))).toMatchObject({ frame_pointer: 1 })
    expect(program(cfa.offset(RSP, -16))).toMatchObject({ stack_pointer: 1 })
    expect(program(cfa.offset(RBP, -80_000))).toMatchObject({ offset: 1 })
  })
  it('know signals by the mark of the CIE and the place of the return address', () => {
    const cie: DrawnEntry = { kind: 'cie', augmentation: 'zRS', augmentationData: [0x1b] }
    const at = (n: number) => [
      ...cfa.defCfaExpression([0x77, 0xa0, 0x01, 0x06]),
      ...cfa.expression(RIP, [0x77, n, 0x01]),
    ]
    const rows = (entries: readonly DrawnEntry[]) => showRows(tableOf(entries))[1]
    const fde = (program: readonly number[]): DrawnEntry => ({
      kind: 'fde',
      start: 0x2000,
      range: 9,
      program,
    })
    expect(rows([cie, fde(at(0xa8))])).toBe('2000 signal') // 168
    expect(rows([cie, fde(at(0xa0))])).toBe('2000 unsupported')
    expect(rows([CIE, fde(at(0xa8))])).toBe('2000 unsupported')
    expect(rows([cie, fde([])])).toBe('2000 sp+8')
  })
  it('of arm64 take the return address from the link register or the frame', () => {
    const cie: DrawnEntry = { kind: 'cie', returnAddress: 30, program: cfa.defCfa(31, 0) }
    const push = [
      0x2d, // the return address is signed
      ...cfa.advance(4),
      ...cfa.defCfaOffset(32),
      ...cfa.offset(29, -32),
      ...cfa.offset(30, -24),
      ...cfa.advance(4),
      ...cfa.defCfaRegister(29),
    ]
    const table = tableOf([cie, { kind: 'fde', start: 0x2000, range: 32, program: push }], { machine: 183 })
    expect(showRows(table, { machine: 183 })).toEqual([
      '0 gap',
      '2000 lr+0',
      '2004 sp+32 fp@c-32 ra@c-24',
      '2008 fp+32 fp@c-32 ra@c-24',
      '2020 gap',
    ])
  })
})

describe('functions', () => {
  it('are sorted by address and leave gaps between them', () => {
    expect(showRows(tableOf([CIE, fde(0x3000, 0x10), fde(0x2000, 0x10), fde(0x2010, 0x10)]))).toEqual([
      '0 gap',
      '2000 sp+8',
      '2020 gap',
      '3000 sp+8',
      '3010 gap',
    ])
  })
  it('that begin inside another end it, counted', () => {
    const inner: DrawnEntry = { kind: 'fde', start: 0x2010, range: 8, program: cfa.defCfaOffset(24) }
    const table = tableOf([CIE, fde(0x2000, 0x100), inner])
    expect(showRows(table)).toEqual(['0 gap', '2000 sp+8', '2010 sp+24', '2018 gap'])
    expect(table.counts.refused.overlap).toBe(1)
  })
  it('go on behind terminators, as linkers join sections', () => {
    const entries: DrawnEntry[] = [CIE, fde(0x2000, 8), { kind: 'terminator' }, CIE, fde(0x3000, 8)]
    expect(showRows(tableOf(entries))).toContain('3000 sp+8')
    expect(showRows(tableOf(entries, { isOpenEnded: true }))).not.toContain('3000 sp+8')
  })
  it('are found by every readable encoding, behind extended lengths too', () => {
    for (const encoding of [0x00, 0x03, 0x04, 0x0b, 0x0c, 0x1b, 0x1c]) {
      const cie: DrawnEntry = { kind: 'cie', augmentationData: [encoding] }
      const entry: DrawnEntry = { kind: 'fde', start: 0x2000, range: 8, encoding, isExtended: true }
      expect(showRows(tableOf([cie, entry]))).toEqual(['0 gap', '2000 sp+8', '2008 gap'])
    }
  })
  it('of CIEs without augmentation have absolute addresses', () => {
    const bytes = drawnEhFrame([
      { kind: 'cie', augmentation: '' },
      { kind: 'fde', start: 0x2000, range: 8, encoding: 0x00 },
    ]).bytes
    // Without z there is no length of augmentation data: the zero drawn for it is a nop.
    expect(showRows(tableOfBytes(bytes))).toEqual(['0 gap', '2000 sp+8', '2008 gap'])
  })
  it('with personality and language data are read', () => {
    const cie: DrawnEntry = {
      kind: 'cie',
      augmentation: 'zPLR',
      augmentationData: [0x9b, 1, 2, 3, 4, 0x1b, 0x1b],
    }
    expect(showRows(tableOf([cie, fde(0x2000, 8)]))).toHaveLength(3)
  })
  it('that cannot be used are counted, and the others stay', () => {
    const table = tableOf([
      CIE,
      fde(0x100, 8), // before the text
      fde(0x9000, 8), // behind it
      fde(0x2000, 0), // of no length
      { kind: 'fde', start: 0x2100, range: 8, program: [0x3f] }, // no such instruction
      { kind: 'fde', start: 0x2200, range: 8, program: cfa.restoreState },
      { kind: 'fde', start: 0x2300, range: 8, program: [0x0f, 0x70] }, // expression ends behind it
      { kind: 'fde', start: 0x2400, range: 8, program: Array.from({ length: 40 }, () => 0x0a) },
      { kind: 'fde', start: 0x2500, range: 8, program: Array.from({ length: 270_000 }, () => 0) },
      fde(0x3000, 8),
      { kind: 'cie', augmentation: 'zRq', augmentationData: [0x1b] },
      fde(0x4000, 8),
      { kind: 'cie', version: 9 },
      fde(0x4000, 8),
      { kind: 'cie', augmentationData: [0x9b] }, // indirect
      fde(0x4000, 8),
      { kind: 'cie', returnAddress: 30 },
      fde(0x4000, 8),
      { kind: 'cie', program: [0x3f] },
      fde(0x4000, 8),
    ])
    expect(showRows(table)).toEqual(['0 gap', '3000 sp+8', '3008 gap'])
    expect(table.counts.refused).toEqual({ outside: 3, malformed: 5, too_long: 1, encoding: 4, overlap: 0 })
    expect(table.counts.fdes).toBe(14)
  })
  it('before a chain that breaks stay', () => {
    const lost: DrawnEntry = { kind: 'raw', bytes: [0xf0, 0xff, 0xff, 0x00, 1, 2, 3, 4] }
    const table = tableOf([CIE, fde(0x2000, 8), lost, fde(0x3000, 8)])
    expect(showRows(table)).toEqual(['0 gap', '2000 sp+8', '2008 gap'])
    expect(table.counts.refused.malformed).toBe(1)
  })
  it('point only at CIEs that were read before', () => {
    const table = tableOf([{ kind: 'raw', bytes: [8, 0, 0, 0, 77, 0, 0, 0, 0, 0, 0, 0] }])
    expect(table.counts.refused.malformed).toBe(1)
  })
})

describe('pages', () => {
  const text = { textStart: 0x1000, textEnd: 0x100_0000 }

  it('begin with the rule carried in', () => {
    const table = tableOf([CIE, { kind: 'fde', start: 0x1_fff0, range: 0x2_0020 }, fde(0x5_0000, 8)], text)
    expect(showRows(table)).toEqual([
      '10000 gap', // the page before is empty
      '1fff0 sp+8',
      '20000 sp+8',
      '30000 sp+8',
      '40000 sp+8',
      '40010 gap',
      '50000 sp+8',
      '50008 gap',
    ])
    expect([...table.pageFirst]).toEqual([0, 0, 2, 3, 4, 6, 8])
    expect(table.basePage).toBe(0)
  })
  it('count from the first page of the text, however high it lies', () => {
    const high = 2 ** 40
    const cie: DrawnEntry = { kind: 'cie', augmentationData: [0x04] }
    const entry: DrawnEntry = { kind: 'fde', start: high + 0x2_0000, range: 8, encoding: 0x04 }
    const table = tableOf([cie, entry], { textStart: high + 0x1000, textEnd: high + 2 ** 33 })
    expect(table.basePage).toBe(2 ** 24)
    expect(showRows(table)).toEqual([
      `${(high + 0x2_0000).toString(16)} sp+8`,
      `${(high + 0x2_0008).toString(16)} gap`,
    ])
    const beyond: DrawnEntry = { kind: 'fde', start: high + 2 ** 32, range: 8, encoding: 0x04 }
    const outside = tableOf([cie, beyond], { textStart: high, textEnd: high + 2 ** 33 })
    expect(outside.counts.refused.outside).toBe(1)
    expect(outside.pc).toHaveLength(0)
  })
  it('of more rows than the sampler can search stay empty, counted', () => {
    const program: number[] = []
    for (let i = 0; i < 9000; i++) program.push(...cfa.advance(1), ...cfa.defCfaOffset(8 + 8 * (i & 1)))
    const table = tableOf([CIE, { kind: 'fde', start: 0x1_0000, range: 0x1_8000, program }], text)
    expect(table.counts.pagesTooDense).toBe(1)
    expect(showRows(table)).toEqual(['20000 sp+16', '28000 gap'])
  })
  it('turn into unsupported rows when there are more rules than the sampler holds', () => {
    const program: number[] = []
    for (let i = 0; i < 9000; i++) program.push(...cfa.advance(32), ...cfa.defCfaOffset(8 * i))
    const table = tableOf([CIE, { kind: 'fde', start: 0x1_0000, range: 0x5_0000, program }], text)
    expect(table.rules).toHaveLength(8 * 8191)
    expect(table.counts.unsupported.rules_full).toBeGreaterThan(700)
  })
})

describe('compiling', () => {
  it('in slices gives the same table', () => {
    const entries = [
      CIE,
      ...Array.from({ length: 20_000 }, (_, i) => fde(0x1000 + 16 * ((i * 7919) % 20_000), 16)),
    ]
    const slices = compileEhFrame(drawnEhFrame(entries, { textStart: 0x1000, textEnd: 0x100_0000 }))
    let yields = 0
    let slice = slices.next()
    for (; !slice.done; slice = slices.next()) yields++
    expect(yields).toBeGreaterThan(40)
    expect(slice.value.ok && slice.value.value.counts.refused.overlap).toBe(0)
    expect(slice.value.ok && showRows(slice.value.value)).toHaveLength(1 + 1 + 4 + 1) // 5 pages of one function each
  })
  it('stops when its time is over, by the clock it was given', () => {
    let now = 0
    const compilation = startCompilation(bytesSource(new Uint8Array(64)), () => now++)
    expect(compilation.step(5)).toMatchObject({ ok: false })
  })
  it('refuses what is no binary of a known machine', () => {
    const messages = [new Uint8Array(0), new Uint8Array(100)].map((bytes) =>
      compileUnwindTable(bytesSource(bytes)),
    )
    for (const result of messages) expect(result.ok).toBe(false)
  })
})

function setLocation(address: number): number[] {
  const bytes = Array.from({ length: 8 }, (_, i) => Math.floor(address / 2 ** (8 * i)) & 0xff)
  return [0x01, ...bytes, ...cfa.defCfaOffset(16)]
}

function fde(start: number, range: number): DrawnEntry {
  return { kind: 'fde', start, range }
}

function rowsOf(entry: { start: number; range: number; program: readonly number[] }): string[] {
  return showRows(tableOf([CIE, { kind: 'fde', ...entry }]))
}

function tableOf(
  entries: readonly DrawnEntry[],
  shape: Parameters<typeof drawnEhFrame>[1] = {},
): CompiledTable {
  return finish(drawnEhFrame(entries, shape))
}

const tableOfBytes = (bytes: Uint8Array) => finish({ ...drawnEhFrame([]), bytes })

function finish(ehFrame: EhFrame): CompiledTable {
  const slices = compileEhFrame(ehFrame)
  for (;;) {
    const slice = slices.next()
    if (!slice.done) continue
    if (!slice.value.ok) throw new Error(slice.value.error.message)
    return slice.value.value
  }
}

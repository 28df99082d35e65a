import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CompiledTable } from '../dwarf/compiled-table.ts'
import type { KernelTables } from './kernel-tables.ts'
import { createRowStore, type PlacedTable } from './row-store.ts'
import { createMemoryKernel, drawTable, shown } from './testing.ts'

const SIZES = { vmas: 16, pages: 64, rules: 64, rows: 1 << 18, shardRows: 65_536, procs: 16 }

/** A process that maps the table's pages at 0. */
function lookInto(kernel: ReturnType<typeof createMemoryKernel>, placed: PlacedTable, pages: number) {
  const { pageBase, firstPage, nPages } = placed
  kernel.writeVmas(0, [{ start: 0, lenPages: pages, bias: 0, pageBase, firstPage, nPages }])
  kernel.setProc(1, { firstVma: 0, nVma: 1, startTicks: 1, runtime: 0 })
  return (address: number) => shown(kernel.lookUp(1, 1, address))
}

function placed(result: ReturnType<ReturnType<typeof createRowStore>['place']>): PlacedTable {
  if (typeof result === 'string') throw new Error(result)
  return result
}

describe('the rows of a file in the kernel', () => {
  it('are found by every address of it, and by no other', () => {
    const kernel = createMemoryKernel(SIZES)
    const store = createRowStore(kernel, SIZES.rows)
    const table = drawTable('0x10000: 8 16 . | | . 24')
    const at = lookInto(kernel, placed(store.place(table)), 64)
    expect([0x0, 0xffff].map(at)).toEqual(['no_rows', 'no_rows'])
    expect([0x10000, 0x10fff, 0x11000, 0x12000, 0x1ffff].map(at)).toEqual([8, 8, 16, '.', '.'])
    expect([0x20000, 0x2ffff].map(at)).toEqual(['no_rows', 'no_rows'])
    expect([0x30000, 0x30fff, 0x31000, 0x3ffff].map(at)).toEqual(['.', '.', 24, 24])
  })

  it('leave rows of other files in the same chunk as they are', () => {
    const kernel = createMemoryKernel(SIZES)
    const store = createRowStore(kernel, SIZES.rows)
    const first = placed(store.place(drawTable('0: 8 16')))
    const second = placed(store.place(drawTable('0: 24 32 8')))
    expect([first.firstRow, second.firstRow]).toEqual([0, 2])
    expect(lookInto(kernel, first, 16)(0x1000)).toBe(16)
    expect(lookInto(kernel, second, 16)(0x2000)).toBe(8)
    store.remove(first)
    placed(store.place(drawTable('0: 40')))
    const at = lookInto(kernel, second, 16)
    expect([0, 0x1000, 0x2000].map(at)).toEqual([24, 32, 8])
  })

  it('cross chunks and shards', () => {
    const kernel = createMemoryKernel(SIZES)
    const store = createRowStore(kernel, SIZES.rows)
    const n = 70_000
    placed(store.place(drawTable('0: 1 2 3')))
    const pages = 10
    const per = n / pages
    const table: CompiledTable = {
      ...drawTable('0: 8 16'),
      pageFirst: Uint32Array.from({ length: pages + 1 }, (_, i) => i * per),
      pc: Uint16Array.from({ length: n }, (_, i) => (i % per) * 9),
      rule: Uint16Array.from({ length: n }, (_, i) => 1 + (i % 2)),
    }
    const at = lookInto(kernel, placed(store.place(table)), 160)
    for (const row of [0, 1, 4091, 4092, 4093, 4094, 65_531, 65_532, 65_533, 65_534, 69_999]) {
      const address = Math.floor(row / per) * 65_536 + (row % per) * 9
      expect([row, at(address), at(address + 8)]).toEqual([row, row % 2 ? 16 : 8, row % 2 ? 16 : 8])
    }
    expect(kernel.shards).toEqual([0, 1])
  })

  it('give shards back when nothing is left in them', () => {
    const kernel = createMemoryKernel(SIZES)
    const store = createRowStore(kernel, SIZES.rows)
    const big = { ...drawTable('0: 8'), pc: new Uint16Array(65_536), rule: new Uint16Array(65_536) }
    const one = placed(store.place(big))
    const other = placed(store.place(drawTable('0: 8')))
    expect(store.usage).toEqual({ rows: 65_537, pages: 2, rules: 2, bytes: 2 * 262_144 })
    store.remove(one)
    store.trim()
    store.trim()
    expect(kernel.shards).toEqual([1])
    store.remove(other)
    store.trim()
    expect([kernel.shards, store.usage]).toEqual([[], { rows: 0, pages: 0, rules: 1, bytes: 0 }])
  })

  it('are refused whole where there is no room, and nothing is lost by that', () => {
    const store = createRowStore(createMemoryKernel({ ...SIZES, pages: 3 }), 5)
    expect(store.place(drawTable('0: 8 16 | 8 | 8 | 8'))).toBe('pages_full')
    expect(store.place(drawTable('0: 8 16 8 16 8 16'))).toBe('rows_over_budget')
    expect(store.usage).toMatchObject({ rows: 0, pages: 0, rules: 1 })
    expect(placed(store.place(drawTable('0: 8 16 8 16 8'))).nRows).toBe(5)
  })

  it('are gaps where their rule found no room', () => {
    const kernel = createMemoryKernel({ ...SIZES, rules: 3 })
    const store = createRowStore(kernel, SIZES.rows)
    const at = lookInto(kernel, placed(store.place(drawTable('0: 8 16 24 32 8'))), 16)
    expect([0, 0x1000, 0x2000, 0x3000, 0x4000].map(at)).toEqual([8, 16, '.', '.', 8])
    expect(store.rulesRefused).toBe(2)
  })

  it('hold a rule that files share once, until the last of them goes', () => {
    const store = createRowStore(createMemoryKernel(SIZES), SIZES.rows)
    const first = placed(store.place(drawTable('0: 8 16')))
    const second = placed(store.place(drawTable('0: 16 24')))
    expect(store.usage.rules).toBe(4)
    store.remove(first)
    expect(store.usage.rules).toBe(3)
    expect([...placed(store.place(drawTable('0: 40'))).ruleIds]).toContain(first.ruleIds[1])
    store.remove(second)
    expect(store.usage.rules).toBe(2)
  })

  it('are each file’s own, whatever comes and goes', () => {
    const table = fc.record({
      pages: fc.array(fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 6 }), {
        minLength: 1,
        maxLength: 4,
      }),
      base: fc.nat(3),
    })
    const step = fc.oneof(
      table.map((one) => ({ add: one })),
      fc.nat(9).map((remove) => ({ remove })),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const kernel: KernelTables & ReturnType<typeof createMemoryKernel> = createMemoryKernel({
          ...{ ...SIZES, pages: 20, rules: 200 },
        })
        const store = createRowStore(kernel, 60)
        const living: { table: CompiledTable; base: number; cfas: number[][]; placed: PlacedTable }[] = []
        steps.forEach((one, i) => {
          if ('add' in one) {
            // Each file has rules that no other has.
            const cfas = one.add.pages.map((page) =>
              page.map((kind) => (kind === 0 ? 0 : 10 * (i + 1) + kind)),
            )
            const drawn = cfas.map((page) => page.map((cfa) => cfa || '.').join(' ')).join('|')
            const made = drawTable(`${one.add.base * 65_536}:${drawn}`)
            const result = store.place(made)
            if (typeof result === 'object')
              living.push({ table: made, base: one.add.base, cfas, placed: result })
          } else if (living.length > 0) store.remove(living.splice(one.remove % living.length, 1)[0]!.placed)
          for (const file of living) {
            const at = lookInto(kernel, file.placed, 128)
            file.cfas.forEach((page, p) => {
              page.forEach((cfa, k) => {
                expect(at((file.base + p) * 65_536 + k * 0x1000 + 5)).toBe(cfa || '.')
              })
            })
          }
        })
      }),
      { numRuns: 60 },
    )
  })
})

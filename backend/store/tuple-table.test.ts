import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TupleTable } from './tuple-table.ts'

const small = fc.integer({ min: 0, max: 3 })
const word = fc.oneof(small, fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.constant(-1))

describe('TupleTable', () => {
  it('numbers rows like a map of text keys does, at every width', () => {
    const rows = fc.array(fc.tuple(word, word, word, word, word), { maxLength: 400 })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), rows, (width, tuples) => {
        const table = new TupleTable(width)
        const naive = new Map<string, number>()
        for (const tuple of tuples) {
          const row = tuple.slice(0, width).map((value) => value >>> 0)
          const key = row.join(' ')
          if (!naive.has(key)) naive.set(key, naive.size)
          expect(table.intern(...(tuple.slice(0, width) as [number]))).toBe(naive.get(key))
        }
        expect(table.count).toBe(naive.size)
        const columns = Array.from({ length: width }, (_, i) => table.column(i))
        for (const [key, id] of naive) expect(columns.map((column) => column[id]).join(' ')).toBe(key)
      }),
    )
  })

  it('goes on after loading where the saved one stopped', () => {
    const saved = new TupleTable(2)
    for (let i = 0; i < 1_000; i++) saved.intern(i, i % 7)
    const loaded = new TupleTable(2)
    loaded.load([saved.column(0), saved.column(1)])
    expect(loaded.idOf(500, 3)).toBe(500)
    expect(loaded.intern(999, 5)).toBe(999)
    expect(loaded.intern(999, 6)).toBe(1_000)
  })

  it('says -1 for what is not there, also when empty', () => {
    const table = new TupleTable(4)
    expect(table.idOf(1, 2, 3, 4)).toBe(-1)
    table.intern(1, 2, 3, 4)
    expect(table.idOf(1, 2, 3, 4)).toBe(0)
    expect(table.idOf(1, 2, 3, 5)).toBe(-1)
  })

  it('keeps views right while it grows', () => {
    const table = new TupleTable(1)
    table.intern(42)
    const view = table.column(0)
    for (let i = 0; i < 10_000; i++) table.intern(i)
    expect([...view]).toEqual([42])
  })
})

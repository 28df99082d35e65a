import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PlacedTable } from './row-store.ts'
import { createSharedTables } from './shared-tables.ts'
import { drawTable } from './testing.ts'

/** A store of so many rows, that knows what lies in it. */
function createStore(rowsMax: number) {
  const placed = new Set<PlacedTable>()
  const used = () => [...placed].reduce((sum, { nRows }) => sum + nRows, 0)
  return {
    placed,
    used,
    place(table: { readonly pc: Uint16Array }) {
      if (used() + table.pc.length > rowsMax) return 'rows_over_budget' as const
      const one = { pageBase: 0, firstPage: 0, nPages: 1, firstRow: 0, nRows: table.pc.length }
      const made = { ...one, ruleIds: new Uint16Array() }
      placed.add(made)
      return made
    },
    remove(table: PlacedTable) {
      if (!placed.delete(table)) throw new Error('removed twice')
    },
  }
}

describe('tables of several files', () => {
  it('lie once in the store when they are equal, until the last file is gone', () => {
    const store = createStore(100)
    const tables = createSharedTables(store)
    const one = tables.place(drawTable('0: 7 . 9')) as PlacedTable
    expect(tables.place(drawTable('0: 7 . 9'))).toBe(one)
    expect(store.used()).toBe(3)
    tables.remove(one)
    expect(store.used()).toBe(3)
    tables.remove(one)
    expect(store.used()).toBe(0)
    expect(tables.place(drawTable('0: 7 . 9'))).not.toBe(one)
  })

  it.each([
    ['one rule', '0: 7 . 8'],
    ['the page where they begin', '0x10000: 7 . 9'],
    ['where a page ends', '0: 7 . | 9'],
    ['one row', '0: 7 . 9 .'],
  ])('are two when they differ in %s', (_, other) => {
    const tables = createSharedTables(createStore(100))
    expect(tables.place(drawTable(other))).not.toBe(tables.place(drawTable('0: 7 . 9')))
  })

  it('say why there is no room, and hold nothing then', () => {
    const store = createStore(3)
    const tables = createSharedTables(store)
    const one = tables.place(drawTable('0: 7 . 9')) as PlacedTable
    expect(tables.place(drawTable('0: 1 2'))).toBe('rows_over_budget')
    tables.remove(one)
    expect(typeof tables.place(drawTable('0: 1 2'))).toBe('object')
  })

  it('take as much as their distinct ones, whatever comes and goes', () => {
    const drawings = ['0: 1', '0: 1 2', '0: 1 2 3', '0x10000: 1 2 3']
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(3)), { maxLength: 40 }), (steps) => {
        const store = createStore(1000)
        const tables = createSharedTables(store)
        const held: { readonly drawing: number; readonly placed: PlacedTable }[] = []
        for (const [isPlaced, drawing] of steps) {
          const at = held.findIndex((one) => one.drawing === drawing)
          if (isPlaced)
            held.push({ drawing, placed: tables.place(drawTable(drawings[drawing]!)) as PlacedTable })
          else if (at !== -1) tables.remove(held.splice(at, 1)[0]!.placed)
          expect(store.placed).toEqual(new Set(held.map(({ placed }) => placed)))
        }
        expect(store.placed.size).toBe(new Set(held.map(({ drawing }) => drawing)).size)
      }),
    )
  })
})

// Have these rows a place already? Copies of a library, in every container of an image, give equal tables, and the kernel
// needs them once. Equal is what was compiled, byte for byte: a build ID is a stranger's word, and a file that copies
// another's would give it false rows.
import { createHash } from 'node:crypto'
import type { CompiledTable } from '../dwarf/compiled-table.ts'
import type { NoRoom, PlacedTable, RowStore } from './row-store.ts'

export interface SharedTables {
  /** Places a table, or finds where an equal one lies. Each call is to be followed by one of `remove`.
   *  cost hashing 4 bytes a row: 1 ms per 500,000 */
  place(table: CompiledTable): PlacedTable | NoRoom
  /** The last one to remove a table frees it; no vma may have named it for a second. */
  remove(placed: PlacedTable): void
}

/** Starts with none. */
export function createSharedTables(store: Pick<RowStore, 'place' | 'remove'>): SharedTables {
  const byContent = new Map<string, PlacedTable>()
  const held = new Map<PlacedTable, { readonly content: string; count: number }>()
  return {
    place(table) {
      const content = contentOf(table)
      const known = byContent.get(content)
      if (known) {
        held.get(known)!.count++
        return known
      }
      const placed = store.place(table)
      if (typeof placed === 'string') return placed
      byContent.set(content, placed)
      held.set(placed, { content, count: 1 })
      return placed
    },
    remove(placed) {
      const holding = held.get(placed)!
      if (--holding.count > 0) return
      byContent.delete(holding.content)
      held.delete(placed)
      store.remove(placed)
    },
  }
}

/** The lengths stand before the columns, so that no byte can move from one to another. */
function contentOf({ basePage, pageFirst, pc, rule, rules }: CompiledTable): string {
  const hash = createHash('sha256')
  hash.update(Uint32Array.of(basePage, pageFirst.length, pc.length, rules.length))
  for (const column of [pageFirst, pc, rule, rules]) hash.update(column)
  return hash.digest('base64')
}

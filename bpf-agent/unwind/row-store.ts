// Where do the rows of a file lie in the kernel? A compiled table becomes contiguous rows and contiguous pages; a chunk
// that two files share is read, patched and written, and its neighbours' rows stay as they are, byte for byte.
import type { CompiledTable } from '../dwarf/compiled-table.ts'
import { CHUNK_ROWS, type KernelTables } from './kernel-tables.ts'
import { createRuleIds } from './rule-ids.ts'
import { createSpace } from './space.ts'

/** A table in the kernel. */
export interface PlacedTable {
  /** As vmas name it. */
  readonly pageBase: number
  readonly firstPage: number
  readonly nPages: number
  readonly firstRow: number
  readonly nRows: number
  readonly ruleIds: Uint16Array
}
export type NoRoom = 'rows_over_budget' | 'pages_full'

export interface RowStore {
  /** Writes rules, rows and pages, in this order; nobody reads them before a vma names them.
   *  out  why not, if there is no room
   *  cost 10 µs per chunk of 4,096 rows */
  place(table: CompiledTable): PlacedTable | NoRoom
  /** Frees it; no vma may have named it for a second. */
  remove(placed: PlacedTable): void
  /** Gives the memory of one empty shard back, if there is one.  cost 20 to 50 ms then: for quiet moments */
  trim(): void
  readonly usage: {
    readonly rows: number
    readonly pages: number
    readonly rules: number
    /** Memory of shards. */
    readonly bytes: number
  }
  /** Rules that became gaps because the table of rules was full. */
  readonly rulesRefused: number
  /** The most rows that will ever be in use. */
  readonly rowsMax: number
}

const RULE_GAP_KIND = 4 // enum rule_kind of bpf/abi.h
const GAP = Uint8Array.of(RULE_GAP_KIND, 0, 0, 0, 0, 0, 0, 0)

/** An empty store.
 *  in   rowsMax  budget of rows; the kernel's own room is a bound too */
export function createRowStore(kernel: KernelTables, rowsMax: number): RowStore {
  const rows = createSpace(Math.min(rowsMax, kernel.sizes.rows))
  const pages = createSpace(kernel.sizes.pages)
  const rules = createRuleIds(kernel, GAP)
  const shards = new Set<number>()
  const chunk = new Uint32Array(CHUNK_ROWS)
  const { shardRows } = kernel.sizes
  let rulesRefused = 0

  function place(table: CompiledTable): PlacedTable | NoRoom {
    const nRows = table.pc.length
    const nPages = table.pageFirst.length - 1
    const firstPage = pages.take(nPages)
    if (firstPage === -1) return 'pages_full'
    const firstRow = rows.take(nRows)
    if (firstRow === -1) {
      pages.give(firstPage, nPages)
      return 'rows_over_budget'
    }
    const { ids, refused } = rules.take(table.rules)
    rulesRefused += refused
    writeRows(table, firstRow, ids)
    const ranges = new Uint32Array(2 * nPages)
    for (let i = 0; i < nPages; i++) {
      ranges[2 * i] = firstRow + table.pageFirst[i]!
      ranges[2 * i + 1] = table.pageFirst[i + 1]! - table.pageFirst[i]!
    }
    kernel.writePages(firstPage, ranges)
    return { pageBase: table.basePage, firstPage, nPages, firstRow, nRows, ruleIds: ids }
  }

  function writeRows({ pc, rule }: CompiledTable, firstRow: number, ids: Uint16Array): void {
    for (let done = 0; done < pc.length; ) {
      const row = firstRow + done
      const index = Math.floor(row / CHUNK_ROWS)
      const from = row - index * CHUNK_ROWS
      const n = Math.min(CHUNK_ROWS - from, pc.length - done)
      if (n < CHUNK_ROWS) kernel.readChunk(index, chunk)
      for (let i = 0; i < n; i++) chunk[from + i] = (pc[done + i]! << 16) | ids[rule[done + i]!]!
      kernel.writeChunk(index, chunk)
      shards.add(Math.floor(row / shardRows))
      done += n
    }
  }

  function remove({ firstPage, nPages, firstRow, nRows, ruleIds }: PlacedTable): void {
    pages.give(firstPage, nPages)
    rows.give(firstRow, nRows)
    rules.give(ruleIds)
  }

  function trim(): void {
    for (const shard of shards) {
      const end = Math.min((shard + 1) * shardRows, rows.size)
      if (!rows.isFree(shard * shardRows, end)) continue
      kernel.dropShard(shard)
      shards.delete(shard)
      return
    }
  }

  return {
    place,
    remove,
    trim,
    get usage() {
      const bytes = 4 * shardRows * shards.size
      return { rows: rows.used, pages: pages.used, rules: rules.used, bytes }
    },
    get rulesRefused() {
      return rulesRefused
    },
    rowsMax: rows.size,
  }
}

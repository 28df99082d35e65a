// What does the sampler find in its tables? The same pages, rows and rules, read back by user space for stacks that are
// walked here. Rows come by the chunk, a system call each, so the last ones are kept; whoever writes does so through
// `kernel`, and what was kept of an older chunk is forgotten.
import { CHUNK_ROWS, type KernelTables } from './kernel-tables.ts'

/** struct rule of bpf/abi.h. */
export interface Rule {
  readonly kind: number
  readonly fpKind: number
  readonly cfa: number
  readonly fpOff: number
  readonly aux: number
}

export interface RowReader {
  /** The tables, for whoever writes them. */
  readonly kernel: KernelTables
  /** First row of a page, and how many it has; 0 rows where no page is. The array is used again by the next call. */
  range(page: number): Uint32Array
  /** ROW_ABSENT where no row is.  cost a Map look-up; 5 µs when its chunk must be read */
  rowAt(index: number): number
  ruleAt(id: number): Rule | undefined
}

export const ROW_ABSENT = 0xffff_ffff
const CHUNKS_KEPT = 64 // 16 KB each: libc, ld.so and the hot half of a compiler's 117

/** Starts with nothing read. */
export function createRowReader(tables: KernelTables): RowReader {
  const kept = new Map<number, Uint32Array<ArrayBuffer>>() // least recently used first
  const rules = new Map<number, Rule>()
  const range = new Uint32Array(2)
  const chunksPerShard = tables.sizes.shardRows / CHUNK_ROWS
  let [last, lastRows] = [-1, new Uint32Array()]

  function chunkAt(chunk: number): Uint32Array<ArrayBuffer> {
    if (chunk === last) return lastRows
    const known = kept.get(chunk)
    kept.delete(chunk)
    let rows = known
    if (rows === undefined) {
      const oldest = kept.size >= CHUNKS_KEPT ? kept.entries().next().value : undefined
      if (oldest) kept.delete(oldest[0])
      rows = oldest?.[1] ?? new Uint32Array(CHUNK_ROWS)
      tables.readChunk(chunk, rows)
    }
    kept.set(chunk, rows)
    ;[last, lastRows] = [chunk, rows]
    return rows
  }

  function forget(chunk: number): void {
    kept.delete(chunk)
    if (last === chunk) last = -1
  }

  return {
    kernel: {
      ...tables,
      writeChunk(chunk, rows) {
        forget(chunk)
        tables.writeChunk(chunk, rows)
      },
      dropShard(shard) {
        for (let i = 0; i < chunksPerShard; i++) forget(shard * chunksPerShard + i)
        tables.dropShard(shard)
      },
      writeRule(id, bytes) {
        rules.delete(id)
        tables.writeRule(id, bytes)
      },
    },
    range(page) {
      tables.readPage(page, range)
      return range
    },
    rowAt(index) {
      if (index >= tables.sizes.rows) return ROW_ABSENT
      return chunkAt(Math.floor(index / CHUNK_ROWS))[index % CHUNK_ROWS]!
    },
    ruleAt(id) {
      const known = rules.get(id)
      if (known) return known
      const bytes = tables.readRule(id)
      if (bytes === undefined) return undefined
      const rule = ruleOf(bytes)
      rules.set(id, rule)
      return rule
    },
  }
}

function ruleOf(bytes: Uint8Array): Rule {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return {
    kind: bytes[0]!,
    fpKind: bytes[1]!,
    cfa: view.getInt16(2, true),
    fpOff: view.getInt16(4, true),
    aux: view.getInt16(6, true),
  }
}

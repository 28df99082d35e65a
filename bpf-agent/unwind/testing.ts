// What would the sampler find? The unwinder's tables on arrays in memory, with the same look-up as bpf/unwind.h, and with
// poison where memory was given back; and files so small that a test can draw them. For tests only.
import { success } from '#profile/model/result'
import type { CompiledTable } from '../dwarf/compiled-table.ts'
import type { Mappings } from '../host/mappings.ts'
import type { RawStacks } from '../kernel/raw-stack.ts'
import { copyRecord, joinRecords, withUserFrames } from '../kernel/stack-batch.ts'
import type { Compilation } from './compile-queue.ts'
import { CHUNK_ROWS, type KernelTables, type ProcRow, type VmaRow } from './kernel-tables.ts'
import type { Snapshots } from './snapshots.ts'
import type { Unwinder } from './unwinder.ts'

/** `gap` and `rule` say which rule of 8 bytes the row names. */
export type Found =
  | { readonly kind: 'unknown' | 'no_mapping' | 'no_rows' }
  | { readonly kind: 'rule'; readonly rule: Uint8Array }

export interface MemoryKernel extends KernelTables {
  /** What on_tick would see. */
  lookUp(tgid: number, startTicks: number, address: number): Found
  /** What a walk would see that had read its process's row before. */
  lookUpBy(row: ProcRow, address: number): Found
  /** What on_fork and on_exec do. */
  fork(parentTgid: number, childTgid: number, startTicks: number): void
  exec(tgid: number): void
  readonly shards: readonly number[]
}

const POISON = 0xdead_dead

/** in  onWrite  called after each single write, as the sampler may tick between any two */
export function createMemoryKernel(
  sizes: KernelTables['sizes'] & { readonly procs: number },
  onWrite: () => void = () => {},
): MemoryKernel {
  const { shardRows } = sizes
  const shards = new Map<number, Uint32Array>()
  const pages = new Uint32Array(2 * sizes.pages).fill(POISON)
  const vmas: (VmaRow | undefined)[] = []
  const rules: (Uint8Array | undefined)[] = []
  const procs = new Map<number, ProcRow>()

  function rowAt(row: number): number {
    return shards.get(Math.floor(row / shardRows))?.[row % shardRows] ?? POISON
  }

  function lookUp(tgid: number, startTicks: number, address: number): Found {
    const proc = procs.get(tgid)
    return proc?.startTicks === startTicks ? lookUpBy(proc, address) : { kind: 'unknown' }
  }

  function lookUpBy(proc: ProcRow, address: number): Found {
    let found: VmaRow | undefined
    for (let i = proc.firstVma; i < proc.firstVma + proc.nVma; i++) {
      const vma = vmas[i]
      if (vma === undefined) throw new Error(`vma ${i} was never written`)
      if (vma.start <= address && (found === undefined || vma.start >= found.start)) found = vma
    }
    if (found === undefined || address >= found.start + found.lenPages * 4096) return { kind: 'no_mapping' }
    if (found.nPages === 0) return { kind: 'no_rows' }
    const inFile = address - found.bias
    const page = Math.floor(inFile / 65_536) - found.pageBase
    if (page < 0 || page >= found.nPages) return { kind: 'no_rows' }
    const first = pages[2 * (found.firstPage + page)]!
    const n = pages[2 * (found.firstPage + page) + 1]!
    if (n > 8191) throw new Error(`a page of ${n} rows`)
    let low = 0
    let high = n
    while (low < high) {
      const middle = (low + high) >>> 1
      if (rowAt(first + middle) >>> 16 <= inFile % 65_536) low = middle + 1
      else high = middle
    }
    if (low === 0) return { kind: 'no_rows' }
    const rule = rules[rowAt(first + low - 1) & 0xffff]
    if (rule === undefined) throw new Error(`rule ${rowAt(first + low - 1) & 0xffff} was never written`)
    return { kind: 'rule', rule }
  }

  return {
    sizes,
    get shards() {
      return [...shards.keys()]
    },
    readChunk(chunk, rows) {
      const at = (chunk * CHUNK_ROWS) % shardRows
      const shard = shards.get(Math.floor((chunk * CHUNK_ROWS) / shardRows))
      if (shard) rows.set(shard.subarray(at, at + CHUNK_ROWS))
      else rows.fill(0)
    },
    writeChunk(chunk, rows) {
      const index = Math.floor((chunk * CHUNK_ROWS) / shardRows)
      const shard = shards.get(index) ?? new Uint32Array(shardRows).fill(POISON)
      shards.set(index, shard)
      shard.set(rows, (chunk * CHUNK_ROWS) % shardRows)
      onWrite()
    },
    dropShard(shard) {
      shards.delete(shard)
      onWrite()
    },
    readPage(page, range) {
      range[0] = pages[2 * page] ?? 0
      range[1] = pages[2 * page + 1] ?? 0
    },
    readRule: (id) => rules[id],
    writePages(first, ranges) {
      pages.set(ranges, 2 * first)
      onWrite()
    },
    writeVmas(first, rows) {
      rows.forEach((row, i) => {
        vmas[first + i] = row
        onWrite()
      })
    },
    writeRule(id, bytes) {
      rules[id] = bytes.slice()
      onWrite()
    },
    setProc(tgid, row) {
      if (!procs.has(tgid) && procs.size >= sizes.procs) return false
      procs.set(tgid, row)
      onWrite()
      return true
    },
    proc: (tgid) => procs.get(tgid),
    deleteProc(tgid) {
      procs.delete(tgid)
      onWrite()
    },
    procIds: () => [...procs.keys()],
    lookUp,
    lookUpBy,
    fork(parentTgid, childTgid, startTicks) {
      const parent = procs.get(parentTgid)
      if (parent) procs.set(childTgid, { ...parent, startTicks })
    },
    exec(tgid) {
      procs.delete(tgid)
    },
  }
}

/** A table of one rule and gaps.
 *    in   '0x10000: 7 . 7'   from page 1 on: rows at 0, 0x1000, 0x2000; rule of cfa 7, gap, rule of cfa 7 */
export function drawTable(drawing: string): CompiledTable {
  const [head = '0', ...lines] = drawing.split(/[:|]/)
  const cfas = [...new Set(lines.join(' ').match(/\d+/g) ?? [])].map(Number)
  const pageFirst: number[] = [0]
  const pc: number[] = []
  const rule: number[] = []
  for (const line of lines) {
    line
      .trim()
      .split(/\s+/)
      .filter((word) => word !== '')
      .forEach((word, i) => {
        pc.push(i * 0x1000)
        rule.push(word === '.' ? 0 : cfas.indexOf(Number(word)) + 1)
      })
    pageFirst.push(pc.length)
  }
  const rules = new Uint8Array(8 * (cfas.length + 1))
  rules[0] = 4
  cfas.forEach((cfa, i) => {
    rules.set([0, 0, cfa & 0xff, cfa >> 8], 8 * (i + 1))
  })
  return {
    basePage: Number(head) >>> 16,
    pageFirst: Uint32Array.from(pageFirst),
    pc: Uint16Array.from(pc),
    rule: Uint16Array.from(rule),
    rules,
    counts: {
      fdes: 1,
      refused: { malformed: 0, encoding: 0, outside: 0, too_long: 0, overlap: 0 },
      unsupported: {
        ...{ cfa_register: 0, cfa_expression: 0, return_address: 0, frame_pointer: 0, stack_pointer: 0 },
        ...{ offset: 0, rules_full: 0 },
      },
      pagesTooDense: 0,
    },
  }
}

/** The cfa of a rule that `drawTable` has drawn; '.' for a gap. */
export const shown = (found: Found): number | string =>
  found.kind !== 'rule' ? found.kind : found.rule[0] === 4 ? '.' : found.rule[2]! + 256 * found.rule[3]!

/** The smallest ELF file: one executable segment, `entry` to tell it from others. */
export function drawElf({ entry, bytes }: { readonly entry: number; readonly bytes: number }): Uint8Array {
  const file = new Uint8Array(120)
  const view = new DataView(file.buffer)
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
  view.setUint16(16, 3, true) // a shared object
  view.setUint16(18, 62, true) // x86-64
  view.setUint32(20, 1, true)
  view.setBigUint64(24, BigInt(entry), true)
  view.setBigUint64(32, 64n, true) // segments stand here
  view.setUint16(52, 64, true)
  view.setUint16(54, 56, true)
  view.setUint16(56, 1, true)
  view.setUint16(58, 64, true)
  view.setUint32(64, 1, true) // PT_LOAD
  view.setUint32(68, 5, true) // readable, executable
  view.setBigUint64(96, BigInt(bytes), true)
  view.setBigUint64(104, BigInt(bytes), true)
  return file
}

/** A compilation that ends in its nth step. */
export function slowly(table: CompiledTable, steps: number): Compilation {
  let done = 0
  return { step: () => (++done >= steps ? success(table) : undefined) }
}

/** Mappings by hand: [start, pages of 4,096 bytes, file, offset]. */
export function drawMappings(
  rows: readonly (readonly [start: number, pages: number, file: string, offset?: number, path?: string])[],
): Mappings {
  const sorted = rows.toSorted((one, other) => one[0] - other[0])
  return {
    start: Float64Array.from(sorted, ([start]) => start),
    end: Float64Array.from(sorted, ([start, pages]) => start + pages * 4096),
    offset: Float64Array.from(sorted, (row) => row[3] ?? 0),
    file: sorted.map(([, , file]) => file),
    path: sorted.map(([, , file, , path]) => path ?? (file === '' ? '' : `/${file}`)),
  }
}

/** An unwinder that only remembers what it was told. */
export function fakeUnwinder(log: string[]): Unwinder & { isBusy: boolean } {
  return {
    isBusy: false,
    onFork: (tgid) => log.push(`unwinder fork ${tgid}`),
    onExec: (tgid) => log.push(`unwinder exec ${tgid}`),
    onExit: (tgid) => log.push(`unwinder exit ${tgid}`),
    see: (tgid) => log.push(`unwinder see ${tgid}`),
    miss: (tgid, _, why) => log.push(`${why} ${tgid}`),
    runtimeOf: () => 0,
    tick() {
      return this.isBusy
    },
    scan: async () => {
      log.push('scan')
    },
    facts: () => ({
      ...{
        processes: 0,
        remembered: 0,
        vmas: 0,
        files: 0,
        waiting: 0,
        rows: 0,
        pages: 0,
        rules: 1,
        bytes: 0,
      },
      compileSeconds: 0,
      refused: new Map(),
    }),
    close: () => log.push('unwinder closed'),
  }
}

/** Who holds each snapshot until it is told that its time has come; then its sample goes on with another end.
 *  in  stopNames  "unknown" becomes "root" */
export function fakeSnapshots(stopNames: readonly string[]): Snapshots & { isReady: boolean } {
  let waiting: RawStacks[] = []
  let ready: RawStacks[] = []
  const restopped = new Map<string, number>()
  return {
    isReady: false,
    take(batch, record) {
      if (batch.snapshotBytes[record] === 0) return false
      waiting.push(copyRecord(batch, record))
      return true
    },
    resolve(isLast) {
      if (!isLast && !this.isReady) return
      for (const sample of waiting) {
        restopped.set('unknown', (restopped.get('unknown') ?? 0) - 1)
        restopped.set('root', (restopped.get('root') ?? 0) + 1)
        ready.push(withUserFrames(sample, 0, { frames: [0x99n], stop: stopNames.indexOf('root') }))
      }
      waiting = []
    },
    walked() {
      const batch = joinRecords(ready)
      ready = []
      return batch
    },
    get held() {
      return waiting.length
    },
    restopped,
    facts: () => ({ walked: 0, gaveUp: new Map(), heldBytes: 0 }),
  }
}

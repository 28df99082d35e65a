// Does the walk in TypeScript see what the C sees? The same lines that replay.c reads, walked by walk-snapshot.ts over
// arrays. For tests only.
import { CHUNK_ROWS, type KernelTables, type VmaRow } from './kernel-tables.ts'
import { createRowReader } from './row-reader.ts'
import type { Arch } from './user-registers.ts'
import { type Walked, walkSnapshot } from './walk-snapshot.ts'

/** Walks a snapshot; undefined: its process is unknown, which is no work of this walk. */
export function walkLines(lines: readonly string[], arch: Arch): Walked | undefined {
  const vmas: VmaRow[] = []
  const pages: number[][] = []
  const rows: number[] = []
  const rules: Uint8Array[] = []
  const words = new Map<bigint, bigint>()
  const start = { pc: 0n, sp: 0n, fp: 0n, lr: 0n, thread: 0n, leaf: new BigUint64Array(34) }
  let framesMax = 512
  const big = (word: string | undefined) => BigInt(`0x${word}`)
  const number = (word: string | undefined) => Number.parseInt(word ?? '', 16)
  for (const line of lines) {
    const [kind, ...rest] = line.trim().split(/\s+/)
    const [a, b, c, d, e, f] = rest
    if (kind === 'unknown') return undefined
    if (kind === 'registers') Object.assign(start, { pc: big(a), sp: big(b), fp: big(c), lr: big(d) })
    else if (kind === 'thread') start.thread = big(a)
    else if (kind === 'register') start.leaf[number(a)] = big(b)
    else if (kind === 'depth') framesMax = number(a)
    else if (kind === 'rule') rules.push(ruleBytes(rest.map(Number)))
    else if (kind === 'row') rows.push(number(a))
    else if (kind === 'page') pages.push([number(a), number(b)])
    else if (kind === 'word') words.set(big(a), big(b))
    else if (kind === 'vma')
      vmas.push({
        ...{ start: number(a), lenPages: number(b), pageBase: number(c) },
        ...{ bias: Number(BigInt.asIntN(64, big(d))), firstPage: number(e), nPages: number(f) },
      })
  }
  const reader = createRowReader(arrays({ pages, rows, rules }))
  return walkSnapshot({
    start,
    memory: { word: (address) => words.get(address) },
    tables: {
      ...reader,
      rowAt: (index) => (index < rows.length ? reader.rowAt(index) : 0xffff_ffff),
      vmaAt: (pc) => vmas.findLast(({ start, lenPages }) => start <= pc && pc < start + lenPages * 4096),
    },
    arch,
    // Of more than a record has room for: replay.c has no kernel frames, and user frames go on into theirs.
    framesMax: Math.min(framesMax, 576),
  })
}

function ruleBytes([kind = 0, fpKind = 0, cfa = 0, fpOff = 0, aux = 0]: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(8)
  const view = new DataView(bytes.buffer)
  bytes.set([kind, fpKind])
  ;[cfa, fpOff, aux].forEach((value, i) => {
    view.setInt16(2 + 2 * i, value, true)
  })
  return bytes
}

/** Tables that are only read. */
function arrays(tables: {
  readonly pages: readonly (readonly number[])[]
  readonly rows: readonly number[]
  readonly rules: readonly Uint8Array[]
}): KernelTables {
  const refuse = (): never => {
    throw new Error('a replay writes nothing')
  }
  return {
    sizes: {
      vmas: 0,
      pages: tables.pages.length,
      rules: tables.rules.length,
      rows: 2 ** 32,
      shardRows: CHUNK_ROWS,
    },
    readChunk(chunk, into) {
      for (let i = 0; i < CHUNK_ROWS; i++) into[i] = tables.rows[chunk * CHUNK_ROWS + i] ?? 0
    },
    readPage(page, range) {
      range[0] = tables.pages[page]?.[0] ?? 0
      range[1] = tables.pages[page]?.[1] ?? 0
    },
    readRule: (id) => tables.rules[id],
    ...{ writeChunk: refuse, dropShard: refuse, writePages: refuse, writeVmas: refuse, writeRule: refuse },
    ...{ setProc: refuse, proc: refuse, deleteProc: refuse, procIds: refuse },
  }
}

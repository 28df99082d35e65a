// How do tables get into the real kernel? Arrays through memory, processes and chunks of rows by system calls; where
// each field lies, the object's own manifest says.
import { createMap, deleteElem, lookUpElem, mmapArray, unmapArray, updateElem } from '../kernel/maps.ts'
import { constantOf, type MapSpec, type ObjectSpec, offsetOf, sizeOf } from '../kernel/object-spec.ts'
import { addressOf, bpf, closeFd, SyscallError } from '../kernel/syscalls.ts'
import { CHUNK_ROWS, type KernelTables, type ProcRow, type VmaRow } from './kernel-tables.ts'

/** The loaded object: `KernelSampler` is one. */
export interface LoadedTables {
  readonly spec: ObjectSpec
  mapFd(name: string): number
}
export interface BpfTables extends KernelTables {
  /** Before the object is closed; nothing may be called afterwards. */
  close(): void
}

const GET_NEXT_KEY = 4 // enum bpf_cmd
const PROCS_MAX = 1 << 20

/** Opens the tables of a loaded object.
 *  throws  SyscallError; Error when object and agent disagree on the shape of a table */
export function openBpfTables({ spec, mapFd }: LoadedTables): BpfTables {
  const mapOf = (name: string): MapSpec => spec.maps.find((map) => map.name === name)!
  const entriesOf = (name: string) => mapOf(name).entries
  const shard = mapOf('rows').inner
  if (shard === undefined || shard.valueBytes !== 4 * CHUNK_ROWS)
    throw new Error(
      `a shard of ${shard?.entries} chunks of ${shard?.valueBytes} bytes: agent and BPF object disagree`,
    )
  const shardSpec = shard
  const shardChunks = shard.entries
  const [vmaBytes, rangeBytes, ruleBytes, procBytes] = ['vma', 'range', 'rule', 'proc'].map((name) =>
    sizeOf(spec, name),
  ) as [number, number, number, number]
  const vmas = mmapArray(mapFd('vmas'), entriesOf('vmas') * vmaBytes)
  const pages = mmapArray(mapFd('pages'), entriesOf('pages') * rangeBytes)
  const rules = mmapArray(mapFd('rules'), entriesOf('rules') * ruleBytes)
  const shards = new Map<number, number>()
  const key = Buffer.alloc(8)
  const procValue = Buffer.alloc(procBytes)
  const vmaAt = fieldsOf(spec, 'vma', ['start', 'len_pages', 'page_base', 'bias', 'first_page', 'n_pages'])
  const rangeAt = fieldsOf(spec, 'range', ['first', 'n'])
  const procAt = fieldsOf(spec, 'proc', ['first_vma', 'n_vma', 'start_ticks', 'flags', 'runtime'])
  const flags = constantOf(spec, 'proc_flag', 'PROC_TAKE')

  const keyOf = (value: number): Buffer => {
    key.writeUInt32LE(value)
    return key
  }
  const bytesOf = (rows: Uint32Array) => Buffer.from(rows.buffer, rows.byteOffset, rows.byteLength)

  function shardFd(index: number): number {
    const known = shards.get(index)
    if (known !== undefined) return known
    const fd = createMap(shardSpec, 'shard')
    const value = Buffer.alloc(4)
    value.writeInt32LE(fd)
    try {
      updateElem(mapFd('rows'), keyOf(index), value)
    } catch (error) {
      closeFd(fd)
      throw error
    }
    shards.set(index, fd)
    return fd
  }

  function writeVma(at: number, vma: VmaRow): void {
    vmas.writeBigUInt64LE(BigInt(vma.start), at + vmaAt.start)
    vmas.writeUInt32LE(vma.lenPages, at + vmaAt.len_pages)
    vmas.writeUInt32LE(vma.pageBase, at + vmaAt.page_base)
    vmas.writeBigUInt64LE(BigInt.asUintN(64, BigInt(vma.bias)), at + vmaAt.bias)
    vmas.writeUInt32LE(vma.firstPage, at + vmaAt.first_page)
    vmas.writeUInt32LE(vma.nPages, at + vmaAt.n_pages)
  }

  function setProc(tgid: number, row: ProcRow): boolean {
    procValue.fill(0)
    procValue.writeUInt32LE(row.firstVma, procAt.first_vma)
    procValue.writeUInt32LE(row.nVma, procAt.n_vma)
    procValue.writeUInt32LE(row.startTicks, procAt.start_ticks)
    procValue.writeUInt16LE(flags, procAt.flags)
    procValue.writeUInt16LE(row.runtime, procAt.runtime)
    try {
      updateElem(mapFd('procs'), keyOf(tgid), procValue)
      return true
    } catch (error) {
      if (error instanceof SyscallError && error.word === 'E2BIG') return false
      throw error
    }
  }

  function proc(tgid: number): ProcRow | undefined {
    if (!lookUpElem(mapFd('procs'), keyOf(tgid), procValue)) return undefined
    return {
      firstVma: procValue.readUInt32LE(procAt.first_vma),
      nVma: procValue.readUInt32LE(procAt.n_vma),
      startTicks: procValue.readUInt32LE(procAt.start_ticks),
      runtime: procValue.readUInt16LE(procAt.runtime),
    }
  }

  /** A key that is deleted while we walk sends the kernel back to the first one: a set, and a bound. */
  function procIds(): readonly number[] {
    const ids = new Set<number>()
    const next = Buffer.alloc(8)
    for (let i = 0, before: Buffer | undefined; i < PROCS_MAX; i++, before = keyOf(next.readUInt32LE())) {
      if (!nextKey(mapFd('procs'), before, next)) break
      ids.add(next.readUInt32LE())
    }
    return [...ids]
  }

  return {
    sizes: {
      vmas: entriesOf('vmas'),
      pages: entriesOf('pages'),
      rules: entriesOf('rules'),
      rows: entriesOf('rows') * shardChunks * CHUNK_ROWS,
      shardRows: shardChunks * CHUNK_ROWS,
    },
    readChunk(chunk, rows) {
      const fd = shards.get(Math.floor(chunk / shardChunks))
      if (fd === undefined || !lookUpElem(fd, keyOf(chunk % shardChunks), bytesOf(rows))) rows.fill(0)
    },
    writeChunk: (chunk, rows) =>
      updateElem(shardFd(Math.floor(chunk / shardChunks)), keyOf(chunk % shardChunks), bytesOf(rows)),
    dropShard(index) {
      const fd = shards.get(index)
      if (fd === undefined) return
      deleteElem(mapFd('rows'), keyOf(index))
      closeFd(fd)
      shards.delete(index)
    },
    readPage(page, range) {
      const at = page * rangeBytes
      const isThere = page >= 0 && at + rangeBytes <= pages.length
      range[0] = isThere ? pages.readUInt32LE(at + rangeAt.first) : 0
      range[1] = isThere ? pages.readUInt32LE(at + rangeAt.n) : 0
    },
    readRule(id) {
      const at = id * ruleBytes
      return id >= 0 && at + ruleBytes <= rules.length ? rules.subarray(at, at + ruleBytes) : undefined
    },
    writePages(first, ranges) {
      for (let i = 0; i < ranges.length; i += 2) {
        const at = (first + i / 2) * rangeBytes
        pages.writeUInt32LE(ranges[i]!, at + rangeAt.first)
        pages.writeUInt32LE(ranges[i + 1]!, at + rangeAt.n)
      }
    },
    writeVmas(first, rows) {
      rows.forEach((row, i) => {
        writeVma((first + i) * vmaBytes, row)
      })
    },
    writeRule: (id, bytes) => {
      rules.set(bytes, id * ruleBytes)
    },
    setProc,
    proc,
    deleteProc: (tgid) => {
      deleteElem(mapFd('procs'), keyOf(tgid))
    },
    procIds,
    close() {
      for (const fd of shards.values()) closeFd(fd)
      shards.clear()
      for (const array of [vmas, pages, rules]) unmapArray(array)
    },
  }
}

function fieldsOf<Name extends string>(
  spec: ObjectSpec,
  struct: string,
  names: readonly Name[],
): Readonly<Record<Name, number>> {
  return Object.fromEntries(names.map((name) => [name, offsetOf(spec, struct, name)])) as Record<Name, number>
}

/** The key after another one, in the kernel's order; after none, the first.  out  false: there is no more */
function nextKey(mapFd: number, before: Buffer | undefined, next: Buffer): boolean {
  const attributes = Buffer.alloc(32)
  attributes.writeUInt32LE(mapFd, 0)
  if (before) attributes.writeBigUInt64LE(addressOf(before), 8)
  attributes.writeBigUInt64LE(addressOf(next), 16)
  try {
    bpf(GET_NEXT_KEY, attributes, 'listing a BPF map')
    return true
  } catch (error) {
    if (error instanceof SyscallError && error.word === 'ENOENT') return false
    throw error
  }
}

// How does one read the records of a Go function table? Rows, the record of a function, and its pc tables, which say for
// each instruction what is true there: file, line, inlined call, depth of the stack.
import type { Part } from './byte-source.ts'
import { MalformedError, wordAt } from './cursor.ts'
import type { GoTable } from './go-table.ts'

const PC_CHUNK_BYTES = 128
/** Stacks begin in this function. */
export const FLAG_TOP_FRAME = 1
/** It moves the stack pointer in ways that its table does not tell. */
export const FLAG_WRITES_STACK_POINTER = 2
/** Written in assembly. */
export const FLAG_ASSEMBLY = 4

/** Steps of pc tables that may still be taken: a crafted table would go on for ever. */
export interface Steps {
  left: number
}

/** Row of the function whose code holds an ELF address; -1: none.  cost a binary search */
export function rowAt(table: GoTable, address: number): number {
  const wanted = address - table.text
  if (!(wanted >= 0)) return -1
  let low = 0
  let high = table.count + 1
  while (low < high) {
    const middle = (low + high) >>> 1
    if (entryOf(table, middle) <= wanted) low = middle + 1
    else high = middle
  }
  return low === table.count + 1 ? -1 : low - 1
}

const fieldBytes = ({ version, pointerBytes }: GoTable) => (version < 18 ? pointerBytes : 4)

/** Where a function begins, relative to the table's text; row `count`: where the last one ends. */
export function entryOf(table: GoTable, row: number): number {
  const field = fieldBytes(table)
  return wordAt(partView(table, table.functionTable, 2 * row * field, field), 0, field, table.isLittleEndian)
}

/** The fixed part of a function's record, and where its variable part begins. */
export interface Code {
  readonly entry: number
  readonly name: number
  /** Places of pc tables: depth of the stack, file, line. */
  readonly depths: number
  readonly files: number
  readonly lines: number
  readonly unit: number
  readonly startLine: number
  readonly pcdataCount: number
  readonly funcdataCount: number
  /** Bits FLAG_…, since Go 1.17; 0 before. */
  readonly flags: number
  /** Place after the fixed part. */
  readonly rest: number
}

/** {entry, name, arguments, deferreturn, depths, files, lines, number of pcdata, [unit, [start line]], ids, number of
 *  funcdata}: entry has a pointer's size before 1.18; unit came with 1.16, the start line with 1.20. */
export function readFunction(table: GoTable, row: number): Code {
  const { version, isLittleEndian: little, functions, pointerBytes } = table
  const field = fieldBytes(table)
  const pair = partView(table, table.functionTable, (2 * row + 1) * field, field)
  const place = wordAt(pair, 0, field, little)
  const entryBytes = version < 18 ? pointerBytes : 4
  const numbers = version === 2 ? 8 : version === 20 ? 10 : 9 // fields of 4 bytes behind the entry
  const bytes = entryBytes + 4 * numbers
  const record = partView(table, functions, place, bytes)
  const number = (index: number) => record.getUint32(entryBytes + 4 * index, little)
  return {
    entry: table.text + wordAt(record, 0, entryBytes, little),
    name: number(0),
    depths: number(3),
    files: number(4),
    lines: number(5),
    pcdataCount: number(6),
    unit: version === 2 ? 0 : number(7),
    startLine: version === 20 ? number(8) : 0,
    flags: version === 2 ? 0 : record.getUint8(bytes - 3),
    funcdataCount: record.getUint8(bytes - 1),
    rest: place + bytes,
  }
}

/** What a pc table says of an address; -1 where there is no table or it ends before the address. Throws MalformedError */
export function valueAt(
  table: GoTable,
  code: Code,
  { place, address }: { readonly place: number; readonly address: number },
  steps: Steps,
): number {
  let found = -1
  eachValue(table, { place, entry: code.entry }, steps, (value, end) => {
    if (address < end) found = value
    return address >= end
  })
  return found
}

/** Walks a pc table: pairs of (difference of value, zigzag; length), both LEB128, from value -1 on at the function's entry;
 *  a difference of 0 ends them.
 *  in   place  0: there is no table
 *       take   gets a value and the ELF address at which it ends; false ends the walk
 *  Throws MalformedError */
export function eachValue(
  table: GoTable,
  { place, entry }: { readonly place: number; readonly entry: number },
  steps: Steps,
  take: (value: number, end: number) => boolean,
): void {
  if (place === 0) return
  const next = byteReader(table, place)
  let value = -1
  let end = entry
  for (let isFirst = true; ; isFirst = false) {
    if (steps.left-- <= 0) throw new MalformedError('a Go function whose pc tables do not end')
    const difference = uleb32(next)
    if (difference === 0 && !isFirst) return
    value = (value + (difference & 1 ? ~(difference >>> 1) : difference >>> 1)) | 0
    end += uleb32(next) * table.quantum
    if (!take(value, end)) return
  }
}

function byteReader(table: GoTable, place: number): () => number {
  const { pcTables } = table
  let chunk: Uint8Array = new Uint8Array()
  let at = 0
  let position = place
  return () => {
    if (at === chunk.length) {
      const length = Math.min(PC_CHUNK_BYTES, pcTables.size - position)
      if (length <= 0) throw new MalformedError(`a Go pc table at ${place} of ${pcTables.size} has no end`)
      chunk = table.source.read(pcTables.offset + position, length)
      position += length
      at = 0
    }
    return chunk[at++]!
  }
}

function uleb32(next: () => number): number {
  let value = 0
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = next()
    value |= (byte & 0x7f) << shift
    if (byte < 0x80) return value >>> 0
  }
  throw new MalformedError('a number of more than 5 bytes in a Go pc table')
}

/** Bytes of a part. Throws MalformedError outside of it. */
export function partView({ source }: GoTable, part: Part, place: number, length: number): DataView {
  if (!(place >= 0 && place + length <= part.size))
    throw new MalformedError(`table of Go functions: ${length} bytes wanted at ${place} of ${part.size}`)
  const bytes = source.read(part.offset + place, length)
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

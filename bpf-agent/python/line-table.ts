// Which line does an instruction belong to? CPython has packed it in three ways; all are tables of pairs that are walked
// from the start. Hostile tables are only tables: they end where their bytes end.
//   to 3.9   co_lnotab     {bytes, lines} steps; the lines are signed
//   3.10     co_linetable  {bytes, lines} ranges; -128: no line
//   3.11 on  co_linetable  entries of {kind, length in units} and what the kind says; the first byte has its top bit set
// Sources: Objects/lnotab_notes.txt and Objects/locations.md (later InternalDocs/code_objects.md) of CPython.
import type { Layout } from './layout.ts'

/** in   unit  of 2 bytes, from the first instruction
 *  out  the line; 0: the table says none
 *  cost a byte of the table per step, some microseconds for long functions */
export function lineAt(
  table: Uint8Array,
  {
    kind,
    firstLine,
    unit,
  }: { readonly kind: Layout['lines']; readonly firstLine: number; readonly unit: number },
): number {
  if (kind === 'lnotab') return inSteps(table, firstLine, 2 * unit)
  return kind === 'ranges' ? inRanges(table, firstLine, 2 * unit) : inLocations(table, firstLine, unit)
}

function inSteps(table: Uint8Array, firstLine: number, byte: number): number {
  let line = firstLine
  let start = 0
  for (let i = 0; i + 1 < table.length; i += 2) {
    start += table[i]!
    if (start > byte) break
    line += signed(table[i + 1]!)
  }
  return line
}

function inRanges(table: Uint8Array, firstLine: number, byte: number): number {
  let line = firstLine
  let end = 0
  for (let i = 0; i + 1 < table.length; i += 2) {
    const lines = signed(table[i + 1]!)
    end += table[i]!
    if (lines !== -128) line += lines
    if (byte < end) return lines === -128 ? 0 : line
  }
  return 0
}

const KIND_NONE = 15
const KIND_LONG = 14
const KIND_NO_COLUMNS = 13
const KIND_ONE_LINE_FIRST = 10

function inLocations(table: Uint8Array, firstLine: number, unit: number): number {
  let line = firstLine
  let end = 0
  for (let i = 0; i < table.length; ) {
    const head = table[i++]!
    const kind = (head >> 3) & 15
    end += (head & 7) + 1
    if (kind === KIND_LONG || kind === KIND_NO_COLUMNS) line += signedVariable(table, i)
    else if (kind >= KIND_ONE_LINE_FIRST && kind < KIND_NO_COLUMNS) line += kind - KIND_ONE_LINE_FIRST
    if (unit < end) return kind === KIND_NONE ? 0 : line
    while (i < table.length && table[i]! < 128) i++
  }
  return 0
}

/** Six bits a byte, lowest first; the lowest bit of the whole is the sign. */
function signedVariable(table: Uint8Array, at: number): number {
  let value = 0
  for (let i = at, shift = 0; i < table.length && shift < 30; i++, shift += 6) {
    value |= (table[i]! & 63) << shift
    if ((table[i]! & 64) === 0) break
  }
  return value & 1 ? -(value >>> 1) : value >>> 1
}

const signed = (byte: number) => (byte << 24) >> 24

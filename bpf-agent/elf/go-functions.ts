// Which Go function, file and line is this address, and which calls were inlined there? Look-ups in the function table
// of a Go program (go-table.ts), a few reads each.
// Refuses to give the line of an inlined function to the function around it: where the tree of inlined calls cannot be
// read, the outer function has no line.
import { textAt } from './byte-source.ts'
import { malformedAsFailure } from './elf-file.ts'
import { type Code, readFunction, rowAt, type Steps, valueAt, partView as view } from './go-records.ts'
import type { GoTable } from './go-table.ts'

export interface GoFunction {
  readonly name: string
  /** Path of the source file when it was compiled; "" if unknown. */
  readonly file: string
  /** Of the code at the address, or of the call of the inlined function before it; 0: unknown. */
  readonly line: number
  /** Where the function begins in its file; 0: unknown, as before Go 1.20. */
  readonly startLine: number
}

const STEPS_MAX = 65_536 // of pc tables for one address; a function of 10,000 lines has some 20,000
const DEPTH_MAX = 64 // inlined calls at one address; compilers stop far earlier
const PCDATA_INLINED = 2
const FUNCDATA_INLINED = 3
const NO_OFFSET = 0xffff_ffff

/** Functions at an ELF address, the innermost inlined one first, the function that holds the code last.
 *  out  [] where no Go function lies
 *  cost a binary search and three pc tables: 20 to 50 µs. Throws MalformedError on a broken table, and what the source throws */
export function goFunctionsAt(table: GoTable, address: number): GoFunction[] {
  const row = rowAt(table, address)
  if (row === -1) return []
  const code = readFunction(table, row)
  const name = nameOf(table, code.name)
  if (name === '') return []
  // A function whose lines or inlined calls are broken still has its name.
  const read = malformedAsFailure(() => withInlined(table, code, { name, address }))
  return read.ok ? read.value : [{ name, file: '', line: 0, startLine: code.startLine }]
}

function withInlined(
  table: GoTable,
  code: Code,
  { name, address }: { readonly name: string; readonly address: number },
): GoFunction[] {
  const steps = { left: STEPS_MAX }
  const functions: GoFunction[] = []
  let at = address
  for (let depth = 0; table.version >= 18 && depth < DEPTH_MAX; depth++) {
    const call = inlinedCallAt(table, code, at, steps)
    if (call === 'unreadable') break
    const position = positionAt(table, code, at, steps)
    if (call === 'none') return [...functions, { name, ...position, startLine: code.startLine }]
    functions.push({ name: nameOf(table, call.name), ...position, startLine: call.startLine })
    // The call stands where the instruction of its parent says.
    at = code.entry + call.parent
  }
  const { file } = positionAt(table, code, code.entry, steps)
  return [{ name, file, line: 0, startLine: code.startLine }]
}

interface Position {
  readonly file: string
  readonly line: number
}

function positionAt(table: GoTable, code: Code, address: number, steps: Steps): Position {
  const file = valueAt(table, code, { place: code.files, address }, steps)
  const line = valueAt(table, code, { place: code.lines, address }, steps)
  return { file: fileName(table, code, file), line: Math.max(0, line) }
}

function fileName(table: GoTable, { unit }: Code, file: number): string {
  if (file < (table.version === 2 ? 1 : 0)) return ''
  // In 1.2 files count from 1, and the first number of the table is that of all of them.
  const place = 4 * (table.version === 2 ? file : unit + file)
  if (place + 4 > table.fileTable.size) return ''
  const offset = view(table, table.fileTable, place, 4).getUint32(0, table.isLittleEndian)
  return offset === NO_OFFSET ? '' : textAt(table.source, table.paths, offset)
}

const nameOf = (table: GoTable, offset: number) => textAt(table.source, table.names, offset)

interface InlinedCall {
  readonly name: number
  readonly startLine: number
  /** Bytes from the entry of the function around it to the instruction that stands for the call. */
  readonly parent: number
}

/** Since 1.20 {id, name, parent's pc, start line}, before {parent, id, file, line, name, parent's pc}; 4 bytes each but
 *  for the first two. */
function inlinedCallAt(
  table: GoTable,
  code: Code,
  address: number,
  steps: Steps,
): InlinedCall | 'none' | 'unreadable' {
  if (code.pcdataCount <= PCDATA_INLINED || code.funcdataCount <= FUNCDATA_INLINED) return 'none'
  const place = numberOf(table, code.rest + 4 * PCDATA_INLINED)
  const tree = numberOf(table, code.rest + 4 * (code.pcdataCount + FUNCDATA_INLINED))
  if (place === 0 || tree === NO_OFFSET) return 'none'
  const index = valueAt(table, code, { place, address }, steps)
  if (index < 0) return 'none'
  if (table.inlineTrees === undefined) return 'unreadable'
  const isNew = table.version === 20
  const bytes = isNew ? 16 : 20
  const record = view(table, table.inlineTrees, tree + bytes * index, bytes)
  const number = (at: number) => record.getInt32(at, table.isLittleEndian)
  const name = number(isNew ? 4 : 12)
  const parent = number(isNew ? 8 : 16)
  if (name < 0 || parent < 0) return 'unreadable'
  return { name, parent, startLine: isNew ? Math.max(0, number(12)) : 0 }
}

const numberOf = (table: GoTable, place: number) =>
  view(table, table.functions, place, 4).getUint32(0, table.isLittleEndian)

// How does a table lie in a file? Head, counts, columns, checksum; little-endian, each column at a multiple of 4 bytes.
//
//   magic "FTUT"  format  crc32 of the rest │ basePage  pages  rows  rules  counts… │ pageFirst │ pc │ rule │ rules
//
// A file may have been cut, or written by a stranger: everything that the kernel relies on is checked again.
import { crc32 } from 'node:zlib'
import { failure, type Result, success } from '#profile/model/result'
import {
  type CompiledTable,
  REFUSED_REASONS,
  type TableCounts,
  UNSUPPORTED_REASONS,
} from '../dwarf/compiled-table.ts'
import { RULE_BYTES } from './kernel-tables.ts'

const MAGIC = 0x54555446 // "FTUT"
/** Another number whenever the layout changes, or the compiler finds other rows than before. */
const FORMAT = 2
const HEAD_WORDS = 3
const SIZE_WORDS = 4
const COUNT_WORDS = 2 + REFUSED_REASONS.length + UNSUPPORTED_REASONS.length
const PAGE_ROWS_MAX = 8191
const PAGES_MAX = 65_536

const padded = (bytes: number) => Math.ceil(bytes / 4) * 4

/** in   isLittleEndian machine, as all of ours are.  out  bytes of their own */
export function tableToBytes(table: CompiledTable): Uint8Array {
  const { pageFirst, pc, rule, rules, counts } = table
  const columns = [pageFirst, pc, rule, rules].map(bytesOf)
  const headBytes = 4 * (HEAD_WORDS + SIZE_WORDS + COUNT_WORDS)
  const bytes = new Uint8Array(columns.reduce((sum, column) => sum + padded(column.length), headBytes))
  const words = new Uint32Array(bytes.buffer, 0, headBytes / 4)
  words.set([MAGIC, FORMAT, 0, table.basePage, pageFirst.length - 1, pc.length, rules.length / RULE_BYTES])
  words.set(countsToWords(counts), HEAD_WORDS + SIZE_WORDS)
  let at = headBytes
  for (const column of columns) {
    bytes.set(column, at)
    at += padded(column.length)
  }
  words[2] = crc32(bytes.subarray(4 * HEAD_WORDS))
  return bytes
}

/** out  columns that share no memory with what was given; or why these are no table */
export function tableOfBytes(given: Uint8Array): Result<CompiledTable> {
  const bytes = bytesOf(given) // a Buffer's `slice` would share its memory
  const headBytes = 4 * (HEAD_WORDS + SIZE_WORDS + COUNT_WORDS)
  if (bytes.length < headBytes) return failure(`a table of ${bytes.length} bytes; its head has ${headBytes}`)
  const words = new Uint32Array(bytes.slice(0, headBytes).buffer)
  if (words[0] !== MAGIC || words[1] !== FORMAT)
    return failure(`a table of format ${words[1]}; this agent reads ${FORMAT}`)
  const [, , checksum, basePage, pages, rows, ruleCount] = words as unknown as number[]
  const lengths = [4 * (pages! + 1), 2 * rows!, 2 * rows!, RULE_BYTES * ruleCount!]
  if (pages! > PAGES_MAX || lengths.reduce((sum, length) => sum + padded(length), headBytes) !== bytes.length)
    return failure(`a table of ${pages} pages and ${rows} rows in ${bytes.length} bytes`)
  if (crc32(bytes.subarray(4 * HEAD_WORDS)) !== checksum) return failure('the checksum is wrong')
  let at = headBytes
  const [pageFirst, pc, rule, rules] = lengths.map((length) => {
    const column = bytes.slice(at, at + length)
    at += padded(length)
    return column
  })
  const table = {
    basePage: basePage!,
    pageFirst: new Uint32Array(pageFirst!.buffer),
    pc: new Uint16Array(pc!.buffer),
    rule: new Uint16Array(rule!.buffer),
    rules: rules!,
    counts: countsOfWords(words.subarray(HEAD_WORDS + SIZE_WORDS)),
  }
  const wrong = whatIsWrong(table)
  return wrong === undefined ? success(table) : failure(wrong)
}

function bytesOf(column: Uint8Array | Uint16Array | Uint32Array): Uint8Array {
  return new Uint8Array(column.buffer, column.byteOffset, column.byteLength)
}

function countsToWords({ fdes, refused, unsupported, pagesTooDense }: TableCounts): number[] {
  return [
    ...[fdes, pagesTooDense],
    ...REFUSED_REASONS.map((reason) => refused[reason]),
    ...UNSUPPORTED_REASONS.map((reason) => unsupported[reason]),
  ]
}

function countsOfWords(words: Uint32Array): TableCounts {
  const columnOf = <Reason extends string>(reasons: readonly Reason[], from: number) =>
    Object.fromEntries(reasons.map((reason, i) => [reason, words[from + i]!])) as Record<Reason, number>
  return {
    fdes: words[0]!,
    pagesTooDense: words[1]!,
    refused: columnOf(REFUSED_REASONS, 2),
    unsupported: columnOf(UNSUPPORTED_REASONS, 2 + REFUSED_REASONS.length),
  }
}

/** A wrong checksum is bad luck; columns that contradict each other would lead the kernel into another file's rows. */
function whatIsWrong({ pageFirst, pc, rule, rules }: CompiledTable): string | undefined {
  if (pageFirst[0] !== 0 || pageFirst.at(-1) !== pc.length) return 'pages do not cover the rows'
  if (rules.length === 0) return 'there is no rule 0'
  const ruleCount = rules.length / RULE_BYTES
  for (let page = 1; page < pageFirst.length; page++) {
    const from = pageFirst[page - 1]!
    const to = pageFirst[page]!
    if (to < from || to - from > PAGE_ROWS_MAX) return `page ${page - 1} has ${to - from} rows`
    for (let i = from + 1; i < to; i++)
      if (pc[i]! <= pc[i - 1]!) return `rows ${i - 1} and ${i} are not in the order of their addresses`
  }
  for (const one of rule) if (one >= ruleCount) return `rule ${one} of ${ruleCount}`
  return undefined
}

// What does the child that compiles large files say? A table as table-bytes.ts writes it, or why there is none; one answer,
// and it ends. Whoever reads it takes it for a stranger's: the child has read a stranger's file.
//
//   "FTUT" …                      a table
//   "FTNO" sentence in UTF-8      none, since …
import { failure, type Result } from '#profile/model/result'
import type { CompiledTable } from '../dwarf/compiled-table.ts'
import { tableOfBytes, tableToBytes } from './table-bytes.ts'

const NO = new TextEncoder().encode('FTNO')
const SENTENCE_BYTES_MAX = 400

/** Four million rows of 4 bytes, 65,536 pages, 8,192 rules, and a head: no table has more. */
export const ANSWER_BYTES_MAX = 18 * 1024 * 1024

export function answerToBytes(result: Result<CompiledTable>): Uint8Array {
  if (result.ok) return tableToBytes(result.value)
  const sentence = new TextEncoder().encode(result.error.message).subarray(0, SENTENCE_BYTES_MAX)
  const bytes = new Uint8Array(NO.length + sentence.length)
  bytes.set(NO)
  bytes.set(sentence, NO.length)
  return bytes
}

/** out  columns that share no memory with what was given; never throws */
export function answerOfBytes(bytes: Uint8Array): Result<CompiledTable> {
  if (bytes.length === 0) return failure('the child ended without an answer')
  if (NO.every((byte, i) => bytes[i] === byte)) {
    const sentence = new TextDecoder().decode(bytes.subarray(NO.length, NO.length + SENTENCE_BYTES_MAX))
    return failure(sentence.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?'))
  }
  return tableOfBytes(bytes)
}

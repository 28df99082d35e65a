// The child that compiles one large file: descriptor 3 is the file, the answer goes to stdout. It begins with whatever
// rights it was started with, and reads nothing before it has lost them.
import { fstatSync, writeSync } from 'node:fs'
import { setPriority } from 'node:os'
import { failure, type Result } from '#profile/model/result'
import type { CompiledTable } from './dwarf/compiled-table.ts'
import { compileUnwindTable } from './dwarf/unwind-table.ts'
import { hasNoCapabilities, limitSelf } from './kernel/rights.ts'
import { fileSource } from './symbolize/open-file.ts'
import { answerToBytes } from './unwind/compile-answer.ts'

const FILE = 3
const CPU_SECONDS = 10 // libLLVM takes 0.5
const DATA_BYTES = 512 * 1024 * 1024
const NICE = 5 // until its table is there, stacks go by frame pointers: nobody waits for it

function compile(): Result<CompiledTable> {
  if (!hasNoCapabilities([0, 1, 2, FILE])) return failure('the child could not give up its capabilities')
  limitSelf({ cpuSeconds: CPU_SECONDS, dataBytes: DATA_BYTES })
  setPriority(NICE)
  return compileUnwindTable(fileSource({ fd: FILE, stats: fstatSync(FILE) }))
}

/** Whatever goes wrong with the file is an answer: an exit code of 1 means that the program itself could not begin. */
function answer(): Uint8Array {
  try {
    return answerToBytes(compile())
  } catch (error) {
    return answerToBytes(failure(error instanceof Error ? error.message : String(error)))
  }
}

const bytes = answer()
for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at)

// Is this file's table on disk, or must it be compiled? Rows depend on .eh_frame and on where it lies; trampolines of
// signals, on a few bytes of text. Their hash is the name of the table, so that a copied build ID names nothing else's.
import { createHash } from 'node:crypto'
import { type Result, success } from '#profile/model/result'
import type { CompiledTable } from '../dwarf/compiled-table.ts'
import { type EhFrame, findEhFrame } from '../dwarf/find-eh-frame.ts'
import { findTrampolines } from '../dwarf/signal-trampoline.ts'
import { compileInSlices, inSteps, startCompilation } from '../dwarf/unwind-table.ts'
import type { ByteSource } from '../elf/byte-source.ts'
import { MalformedError } from '../elf/cursor.ts'
import { type ElfFile, readElf } from '../elf/elf-file.ts'
import { isGo } from '../elf/go-table.ts'
import type { Compilation } from './compile-queue.ts'
import type { TableCache } from './table-cache.ts'

const WORTH_BYTES = 16 * 1024 // of .eh_frame: less is compiled faster than a file is opened

/** As `startCompilation`; the first step reads .eh_frame and asks the cache, the last one writes to it.
 *  cost hashing 1 MB: 1 to 3 ms */
export function startCachedCompilation(
  source: ByteSource,
  nowMs: () => number,
  cache: TableCache | undefined,
): Compilation {
  if (cache === undefined) return startCompilation(source, nowMs)
  return inSteps(inSlices(source, cache), nowMs)
}

function* inSlices(source: ByteSource, cache: TableCache): Generator<void, Result<CompiledTable>, void> {
  const elf = readElf(source)
  if (!elf.ok) return elf
  const ehFrame = findEhFrame(elf.value)
  if (!ehFrame.ok) return ehFrame
  // Rows of Go code come from Go's own table, which the key does not cover.
  if (ehFrame.value === undefined || ehFrame.value.bytes.length < WORTH_BYTES || isGoOrDamaged(elf.value))
    return yield* compileInSlices(source)
  const key = yield* keyOf(elf.value, ehFrame.value)
  const known = cache.read(key)
  if (known) return success(known)
  yield
  const table = yield* compileInSlices(source)
  if (table.ok) cache.write(key, table.value)
  return table
}

function isGoOrDamaged(elf: ElfFile): boolean {
  try {
    return isGo(elf)
  } catch (error) {
    if (error instanceof MalformedError) return true
    throw error
  }
}

function* keyOf(elf: ElfFile, ehFrame: EhFrame): Generator<void, string, void> {
  const { bytes, address, architecture, isOpenEnded, textStart, textEnd } = ehFrame
  const trampolines = yield* findTrampolines(elf, architecture)
  const rest = [
    elf.machine,
    address,
    isOpenEnded,
    textStart,
    textEnd,
    elf.buildId,
    elf.source.size,
    trampolines,
  ]
  return createHash('sha256').update(JSON.stringify(rest)).update(bytes).digest('hex')
}

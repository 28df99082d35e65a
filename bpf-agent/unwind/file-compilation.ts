// How does this file get its table: from disk, here in slices, or from a child? Rows depend on .eh_frame and on where it
// lies; trampolines of signals, on a few bytes of text. Their hash is the name of the table on disk, so that a copied build
// ID names nothing else's. It is taken here, never by the child: a child that was taken over could name another's table.
import { createHash } from 'node:crypto'
import { type Result, success } from '#profile/model/result'
import type { CompiledTable } from '../dwarf/compiled-table.ts'
import { type EhFramePlace, placeEhFrame } from '../dwarf/find-eh-frame.ts'
import { findTrampolines } from '../dwarf/signal-trampoline.ts'
import { compileInSlices } from '../dwarf/unwind-table.ts'
import type { ByteSource } from '../elf/byte-source.ts'
import { MalformedError } from '../elf/cursor.ts'
import { type ElfFile, readElf } from '../elf/elf-file.ts'
import { isGo } from '../elf/go-table.ts'
import type { ChildCompilation, CompileChild } from './compile-child.ts'
import type { Compilation } from './compile-queue.ts'
import type { TableCache } from './table-cache.ts'

const WORTH_BYTES = 16 * 1024 // of .eh_frame: less is compiled faster than a file is opened
// More goes to the child, which costs 0.1 s to start. Of a Debian's binaries only libLLVM has more (node and cc1 have 2.5);
// what has less takes at most some 20 MB while it is compiled, whatever it says.
const LARGE_BYTES = 4 * 1024 * 1024
const HASHED_BYTES = 256 * 1024 // a slice of work: a quarter of a millisecond

export interface FileCompilationParts {
  /** A clock that never jumps. */
  readonly nowMs: () => number
  /** undefined: nothing is kept. */
  readonly cache: TableCache | undefined
  /** undefined: large files are compiled here, too. */
  readonly child: CompileChild | undefined
}

/** As `startCompilation`; it asks the cache first, and writes to it in the end.
 *  in    fd  of the file, if it is one
 *  cost  hashing 1 MB: 1 to 3 ms */
export function startFileCompilation(
  source: ByteSource,
  fd: number | undefined,
  parts: FileCompilationParts,
): Compilation {
  let waitsFor: ChildCompilation | undefined
  const isElsewhere = () => waitsFor !== undefined && waitsFor.result === undefined
  const slices = inSlices(source, {
    ...parts,
    handOver() {
      waitsFor = fd === undefined ? undefined : parts.child?.compile(fd)
      return waitsFor
    },
  })
  return {
    get isElsewhere() {
      return isElsewhere()
    },
    step(budgetMs) {
      const endMs = parts.nowMs() + budgetMs
      while (!isElsewhere()) {
        const slice = slices.next()
        if (slice.done) return slice.value
        if (parts.nowMs() >= endMs) break
      }
      return undefined
    },
    cancel: () => waitsFor?.cancel(),
  }
}

interface SliceParts extends FileCompilationParts {
  /** Gives the file to the child; undefined: it has to be compiled here. */
  handOver(): ChildCompilation | undefined
}

function* inSlices(
  source: ByteSource,
  { cache, handOver }: SliceParts,
): Generator<void, Result<CompiledTable>, void> {
  const elf = readElf(source)
  if (!elf.ok) return elf
  const place = placeEhFrame(elf.value)
  if (!place.ok) return place
  const size = place.value?.size ?? 0
  // Rows of Go code come from Go's own table, which the key does not cover.
  const isKept = cache !== undefined && size >= WORTH_BYTES && !isGoOrDamaged(elf.value)
  const key = isKept ? yield* keyOf(elf.value, place.value!) : ''
  const known = isKept ? cache.read(key) : undefined
  if (known) return success(known)
  yield
  const handed = size > LARGE_BYTES ? handOver() : undefined
  if (handed !== undefined) yield
  const table = handed === undefined ? yield* compileInSlices(source) : handed.result!
  if (isKept && table.ok) cache.write(key, table.value)
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

function* keyOf(elf: ElfFile, place: EhFramePlace): Generator<void, string, void> {
  const { offset, size, address, architecture, isOpenEnded, textStart, textEnd } = place
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
  const hash = createHash('sha256').update(JSON.stringify(rest))
  for (let at = 0; at < size; at += HASHED_BYTES) {
    hash.update(elf.source.read(offset + at, Math.min(HASHED_BYTES, size - at)))
    yield
  }
  return hash.digest('hex')
}

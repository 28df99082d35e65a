// Where does a signal handler return to, in a C library that does not say? glibc describes its trampoline in .eh_frame;
// musl and Go do not, so theirs are known by their bytes: the system call that takes the interrupted registers back.
// Searched only in Go programs and in files that need no other: only a C library, or a program that carries its own, has
// a trampoline.
import { type ElfFile, SEGMENT_EXECUTABLE, SEGMENT_LOAD } from '../elf/elf-file.ts'
import { isGo } from '../elf/go-table.ts'
import type { Architecture } from './architecture.ts'

/** [start, end) of a trampoline, ELF virtual addresses. */
export interface Trampoline {
  readonly start: number
  readonly end: number
}

const X86_64_BYTES = [0x48, 0xc7, 0xc0, 15, 0, 0, 0, 0x0f, 0x05] // mov $15 (rt_sigreturn), %rax; syscall
const ARM64_BYTES = [0x68, 0x11, 0x80, 0xd2, 0x01, 0, 0, 0xd4] // mov x8, #139 (rt_sigreturn); svc #0
const CHUNK_BYTES = 128 * 1024 // a slice of work: 0.2 ms
const TEXT_BYTES_MAX = 64 * 1024 * 1024 // the largest static programs have 100 MiB; their C library stands anywhere
const TRAMPOLINES_MAX = 16 // one per C library
const SEGMENT_DYNAMIC = 2
const SEGMENT_INTERPRETER = 3
const DYNAMIC_NEEDED = 1
const DYNAMIC_BYTES_MAX = 64 * 1024 // real ones have some 30 entries of 16 bytes

/** Trampolines by rising address; yields between chunks.
 *  cost    reads the text of a Go program or a file without dependencies, 1 ms a MiB; nothing of any other
 *  throws  MalformedError for a file shorter than its headers say */
export function* findTrampolines(
  elf: ElfFile,
  architecture: Architecture,
): Generator<void, readonly Trampoline[], void> {
  const found: Trampoline[] = []
  if (dependsOnOthers(elf) && !isGo(elf)) return found
  const wanted = architecture.name === 'arm64' ? ARM64_BYTES : X86_64_BYTES
  let left = TEXT_BYTES_MAX
  for (const { type, flags, offset, address, fileSize } of elf.segments) {
    if (type !== SEGMENT_LOAD || (flags & SEGMENT_EXECUTABLE) === 0) continue
    for (let at = 0; at < fileSize && left > 0; at += CHUNK_BYTES) {
      yield
      const chunkBytes = Math.min(CHUNK_BYTES + wanted.length - 1, fileSize - at) // one may lie across two chunks
      left -= chunkBytes
      const chunk = elf.source.read(offset + at, chunkBytes)
      for (let i = indexOf(chunk, wanted, 0); i !== -1; i = indexOf(chunk, wanted, i + 1)) {
        if (found.length === TRAMPOLINES_MAX) return byAddress(found)
        const start = address + at + i
        found.push({ start, end: start + wanted.length })
      }
    }
  }
  return byAddress(found)
}

const byAddress = (found: readonly Trampoline[]) => found.toSorted((one, other) => one.start - other.start)

/** Whether another file is loaded with it: the C library is there then. */
function dependsOnOthers({ segments, source }: ElfFile): boolean {
  if (segments.some(({ type }) => type === SEGMENT_INTERPRETER)) return true
  const dynamic = segments.find(({ type }) => type === SEGMENT_DYNAMIC)
  if (dynamic === undefined) return false
  const bytes = source.read(dynamic.offset, Math.min(dynamic.fileSize, DYNAMIC_BYTES_MAX))
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 0; at + 16 <= bytes.length; at += 16)
    if (view.getUint32(at, true) === DYNAMIC_NEEDED) return true
  return false
}

function indexOf(bytes: Uint8Array, wanted: readonly number[], from: number): number {
  const [first, second] = wanted
  const last = bytes.length - wanted.length
  for (let i = from; i <= last; i++) {
    if (bytes[i] !== first || bytes[i + 1] !== second) continue
    let matched = 2
    while (matched < wanted.length && bytes[i + matched] === wanted[matched]) matched++
    if (matched === wanted.length) return i
  }
  return -1
}

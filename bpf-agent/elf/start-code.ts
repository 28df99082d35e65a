// Where are `_start` and `main` of a program that has lost its symbols? The file says where it begins, and the code there,
// the C library's and the same in every program, says what it calls: the address of `main` is its first argument.
// Refuses any code that is not exactly this, and other machines than x86-64: arm64 reads the address from a table.
import { type ElfFile, fileOffsetOfAddress } from './elf-file.ts'
import type { Extent, FunctionIndex } from './function-index.ts'

const MACHINE_X86_64 = 62
const START_BYTES_MAX = 64 // 34 to 48

/** Both, as far as they are found; {} where the program begins otherwise (Go, musl) or is none.
 *  Throws what the file throws, MalformedError included */
export function findStartCode(
  elf: ElfFile,
  index: FunctionIndex,
): { readonly start?: Extent; readonly main?: Extent } {
  if (elf.machine !== MACHINE_X86_64 || !elf.is64 || elf.entry === 0) return {}
  const start = index.extentAt(elf.entry)
  const offset = fileOffsetOfAddress(elf, elf.entry)
  if (start === undefined || start.start !== elf.entry || offset === undefined) return {}
  const code = elf.source.read(offset, Math.min(START_BYTES_MAX, start.end - start.start))
  const address = firstArgument(code, elf.entry)
  if (address === undefined) return {}
  const main = index.extentAt(address)
  // A function of its own, or it is no `main`.
  return { start, ...(main?.start === address ? { main } : {}) }
}

/** What stands in rdi when the code calls: `lea rdi, [rip + x]` or `mov rdi, x`, and the call right behind it. */
function firstArgument(code: Uint8Array, codeAddress: number): number | undefined {
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength)
  for (let at = 0; at + 9 <= code.length; at++) {
    if (!isCall(code, at + 7)) continue
    const [first, second, third] = [code[at], code[at + 1], code[at + 2]]
    const value = view.getInt32(at + 3, true)
    if (first === 0x48 && second === 0x8d && third === 0x3d) return codeAddress + at + 7 + value
    if (first === 0x48 && second === 0xc7 && third === 0xc7) return value
  }
  return undefined
}

/** Through a slot, directly, or directly with the prefix by which linkers fill the room of the former. */
const isCall = (code: Uint8Array, at: number): boolean =>
  (code[at] === 0xff && code[at + 1] === 0x15) ||
  code[at] === 0xe8 ||
  (code[at] === 0x67 && code[at + 1] === 0xe8)

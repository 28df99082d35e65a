// Is this file an interpreter, of which version, and where in it is what we need? Asked of the file alone: what it says is
// true of every process that maps it, so nothing of a process is read before its first sample.
import type { ByteSource } from '../elf/byte-source.ts'
import { MalformedError } from '../elf/cursor.ts'
import { type ElfFile, fileOffsetOfAddress, readElf } from '../elf/elf-file.ts'
import { type FoundSymbol, findSymbols } from '../elf/find-symbols.ts'
import { baseName } from '../host/text.ts'
import { findColdPart } from './cold-part.ts'
import {
  describedLayout,
  describedVersion,
  knownLayout,
  type Layout,
  SELF_DESCRIPTION_BYTES,
  versionText,
} from './layout.ts'

/** Addresses as in the ELF file. */
export interface PythonFile {
  /** undefined: `complaint` says why. */
  readonly layout: Layout | undefined
  /** "no offsets for 3.15"; "" if there is a layout. */
  readonly complaint: string
  readonly runtime: number
  readonly loop: { readonly start: number; readonly end: number }
  /** Bytes of the loop before its frame is the thread's own; only where frames and calls are matched one to one. */
  readonly loopBegins: number
  /** What the compiler moved out of the loop; 0, 0: nothing, or the file does not say. */
  readonly cold: { readonly start: number; readonly end: number }
}

const BEGIN = ['_PyRuntime', 'Py_Version', '_PyEval_EvalFrameDefault']
const RUNTIME = '_PyRuntime'
const VERSION = 'Py_Version'
const LOOP = '_PyEval_EvalFrameDefault'
const LOOP_BEGINS_MAX = 250
const COLD = `${LOOP}.cold`

/** Whether a file by this path may be an interpreter: only such files are opened for it. */
export const maybePython = (path: string): boolean => /^(?:lib)?python[\d.]*/i.test(baseName(path))

/** Reads an interpreter, an executable or a library; undefined: it is none.
 *  cost reads the symbol tables, 1 to 10 ms.  throws never: what cannot be read is none */
export function readPythonFile(source: ByteSource, path: string): PythonFile | undefined {
  try {
    const elf = readElf(source)
    return elf.ok ? readInterpreter(elf.value, path) : undefined
  } catch (error) {
    if (error instanceof MalformedError || (error instanceof Error && 'code' in error)) return undefined
    throw error
  }
}

function readInterpreter(elf: ElfFile, path: string): PythonFile | undefined {
  const symbols = findSymbols(elf, BEGIN, isWanted)
  const named = (name: string) => symbols.find((symbol) => symbol.name === name)
  const runtime = named(RUNTIME)
  const loop = named(LOOP)
  if (runtime === undefined || loop === undefined) return undefined
  const cold = symbols.find(({ name }) => name.startsWith(COLD))
  const described = bytesAt(elf, runtime.address, SELF_DESCRIPTION_BYTES)
  const told = described && describedVersion(described)
  const version = told ?? declaredVersion(elf, named(VERSION)) ?? /3\.\d+/.exec(baseName(path))?.[0]
  const found = told === undefined ? undefined : describedLayout(described!)
  const layout = found === undefined ? knownLayout(version ?? '') : found.ok ? found.value : undefined
  return {
    layout,
    complaint: layout
      ? ''
      : found?.ok === false
        ? found.error.message
        : `no offsets for ${version ?? 'this version'}`,
    runtime: runtime.address,
    loop: rangeOf(loop),
    loopBegins: layout ? frameIsSetAt(bytesAt(elf, loop.address, LOOP_BEGINS_MAX), layout.threadFrame) : 0,
    cold:
      cold || layout?.kind !== 'PYTHON_FRAME_OBJECTS'
        ? rangeOf(cold)
        : (findColdPart(elf, rangeOf(loop)) ?? NO_RANGE),
  }
}

const isWanted = (name: string) =>
  name === RUNTIME || name === VERSION || name === LOOP || name.startsWith(COLD)

/** Py_Version, from 3.11 on. */
function declaredVersion(elf: ElfFile, symbol: FoundSymbol | undefined): string | undefined {
  const bytes = symbol && bytesAt(elf, symbol.address, 4)
  return bytes && versionText(new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true))
}

function bytesAt(elf: ElfFile, address: number, bytes: number): Uint8Array | undefined {
  const offset = fileOffsetOfAddress(elf, address)
  return offset === undefined || offset + bytes > elf.source.size ? undefined : elf.source.read(offset, bytes)
}

/** Where the first `mov REGISTER, threadFrame(REGISTER)` of x86-64 code ends: `tstate->frame = f`. On the stack the same
 *  offset is another thing. 0: there is none. */
function frameIsSetAt(code: Uint8Array | undefined, threadFrame: number): number {
  for (let i = 0; code && i + 5 < code.length; i++) {
    const isWide = (code[i]! & 0xf8) === 0x48 && code[i + 1] === 0x89
    const address = code[i + 2]!
    if (!isWide || address >> 6 !== 1) continue
    const isStack = (address & 7) === 4
    if (isStack && (code[i]! & 1) === 0) continue
    const at = isStack ? i + 4 : i + 3
    if (code[at] === threadFrame) return at + 1
  }
  return 0
}

const NO_RANGE = { start: 0, end: 0 }
const rangeOf = (symbol: FoundSymbol | undefined) => ({
  start: symbol?.address ?? 0,
  end: symbol === undefined ? 0 : symbol.address + symbol.size,
})

// Where does an address lie, and what is its name? One window's addresses become locations of a Profile, each place in a
// binary named once, however many processes run it.
import type { LocationSpec, ProfileBuilder } from '#profile/model/builder'
import { type FunctionId, type LocationId, type MappingId, NONE } from '#profile/model/ids'
import type { KernelSymbols } from '../host/kernel-symbols.ts'
import { mappingAt } from '../host/mappings.ts'
import { type Generation, type KnownProcess, originOf } from '../host/processes.ts'
import { baseName, cleanText } from '../host/text.ts'
import type { Binaries } from './binaries.ts'
import type { Demangler } from './demangle.ts'
import type { FunctionAt } from './function-source.ts'
import type { Native } from './native.ts'
import type { PerfMaps } from './perf-map.ts'

/** Names of what is no machine code: frames of Python that were resolved when they came. */
export interface PythonNames {
  /** in  function  the low half of a word whose highest bit is set */
  functionAt(
    called: number,
  ):
    | { readonly name: string; readonly file: string; readonly startLine: number; readonly isHidden: boolean }
    | undefined
  /** Why the frames of an interpreter's file are missing, as a name; "" if they are not. */
  complaintOf(file: string): string
  /** What could not be named, by reason. */
  readonly refused: ReadonlyMap<string, number>
  close(): void
}

/** A user address that lies in executable memory. */
export interface Located {
  readonly location: LocationId
  /** Stands in no stack: the interpreter's own. */
  readonly isHidden?: boolean
  /** Of the function that holds the code, as the linker knows it. */
  readonly name: string | undefined
  /** Its program begins here. */
  readonly isEntryPoint: boolean
}

export interface Locations {
  kernel(addressHigh: number, addressLow: number): LocationId
  /** Undefined: nothing executable is mapped there. */
  user(process: KnownProcess, generation: Generation, address: number): Located | undefined
  /** A location that is only a name: "[truncated]". */
  marker(name: string, kind: string): LocationId
}

export interface LocationParts {
  readonly builder: ProfileBuilder
  readonly binaries: Binaries
  readonly kernel: KernelSymbols
  readonly perfMaps: PerfMaps
  readonly demangler: Demangler
  readonly python?: PythonNames | undefined
}

interface NativeKnown {
  readonly mapping: MappingId
  /** By offset in the file. */
  readonly located: Map<number, Located>
}

/** Code that a JIT made and told nobody about: one frame, whatever the address, or each call would be a function. */
export const ANONYMOUS_CODE = '[anonymous code]'
const named = (name: string): FunctionAt[] => [{ name, file: '', line: 0, startLine: 0 }]
const KERNEL_HIGH = 0xffff_0000
const PYTHON_KIND = 'cpython' // as OTel calls it
const PYTHON_LOOP = '_PyEval_EvalFrameDefault'
const LINE_UNIT = 2 ** 32 // functions are numbered below it

/** A resolved frame of Python as a number that no address is: negative.
 *  in  the halves of its word: 1 | 20 bits of line | 43 bits of function */
export const pythonAddress = (high: number, low: number): number =>
  -1 - (((high >>> 11) & 0xfffff) * LINE_UNIT + low)

/** The locations of one window; a builder keeps them. */
export function createLocations(parts: LocationParts): Locations {
  const { builder, binaries, kernel, perfMaps, demangler, python } = parts
  const kernelKnown = new Map<number, LocationId>() // by address minus 2^64, exact for kernel addresses
  const userKnown = new Map<Generation, Map<number, Located | undefined>>()
  const nativeKnown = new Map<Native, NativeKnown>()
  const functionsKnown = new Map<FunctionAt, FunctionId>()

  function marker(name: string, kind: string): LocationId {
    return builder.location({
      mapping: NONE,
      addressHigh: 0,
      addressLow: 0,
      kind,
      lines: linesOf(named(name)),
    })
  }

  function linesOf(functions: readonly FunctionAt[]): LocationSpec['lines'] {
    return functions.map((one) => ({ function: functionOf(one), line: one.line }))
  }

  function functionOf(one: FunctionAt): FunctionId {
    const known = functionsKnown.get(one)
    if (known !== undefined) return known
    const { name, file, startLine } = one
    const id = builder.function({ name: demangler.nameFor(name), systemName: name, file, startLine })
    functionsKnown.set(one, id)
    return id
  }

  function kernelLocation(addressHigh: number, addressLow: number): LocationId {
    const key = (addressHigh - KERNEL_HIGH) * 2 ** 32 + addressLow
    const known = kernelKnown.get(key)
    if (known !== undefined) return known
    const symbol = kernel.symbolAt(addressHigh, addressLow)
    const module = symbol?.module ?? ''
    const mapping =
      module === ''
        ? builder.mapping({ file: 'vmlinux', buildId: kernel.buildId })
        : builder.mapping({ file: cleanText(module), buildId: kernel.moduleBuildId(module) })
    // Only code of vmlinux itself was linked to a fixed address and then moved as a whole.
    const linkedLow = symbol !== undefined && module === '' ? addressLow - kernel.slide : addressLow
    const location = builder.location({
      mapping,
      addressHigh,
      addressLow: linkedLow >>> 0,
      kind: 'kernel',
      lines: linesOf(symbol ? named(cleanText(symbol.name)) : []),
    })
    kernelKnown.set(key, location)
    return location
  }

  function pythonLocation(address: number): Located | undefined {
    const word = -1 - address
    const called = python?.functionAt(word % LINE_UNIT)
    if (called === undefined) return undefined
    const { name, file, startLine, isHidden } = called
    const line = Math.floor(word / LINE_UNIT)
    const id = builder.function({ name, systemName: name, file, startLine })
    const place = { mapping: NONE, addressHigh: 0, addressLow: 0, kind: PYTHON_KIND }
    const location = builder.location({ ...place, lines: [{ function: id, line }] })
    return { location, name, isEntryPoint: false, isHidden }
  }

  function userLocation(process: KnownProcess, generation: Generation, address: number): Located | undefined {
    if (address < 0) return pythonLocation(address)
    let known = userKnown.get(generation)
    if (known === undefined) {
      known = new Map()
      userKnown.set(generation, known)
      // What was let go, or could not be opened before, is opened again.
      binaries.hold(process.tgid, generation.mappings, originOf(process, generation))
    }
    if (known.has(address)) return known.get(address)
    const located = locate(process, generation, address)
    known.set(address, located)
    return located
  }

  function locate(process: KnownProcess, { mappings }: Generation, address: number): Located | undefined {
    const row = mappingAt(mappings, address)
    if (row === -1) return undefined
    const path = mappings.path[row]!
    const file = mappings.file[row]!
    const fromStart = address - mappings.start[row]!
    const isVdso = path === '[vdso]' && mappings.end[row]! - mappings.start[row]! === binaries.vdsoBytes
    const native = isVdso ? binaries.vdso : binaries.at(file)
    if (native) {
      const found = inBinary(native, { offset: fromStart + mappings.offset[row]!, path })
      const complaint = found.name === PYTHON_LOOP ? (python?.complaintOf(file) ?? '') : ''
      return complaint === '' ? found : { ...found, location: marker(complaint, PYTHON_KIND) }
    }
    if (file === '' || path.startsWith('/memfd:') || path.startsWith('/dev/'))
      return inAnonymous(process, address)
    // The file cannot be read: its place in the file is the best that can be said.
    const mapping = builder.mapping({ file: cleanText(baseName(path)), buildId: '' })
    const location = newLocation(mapping, fromStart + mappings.offset[row]!, [])
    return { location, name: undefined, isEntryPoint: false }
  }

  /** The file has the name by which it was met first: it is one file, whatever links lead to it. */
  function inBinary(native: Native, at: { readonly offset: number; readonly path: string }): Located {
    let known = nativeKnown.get(native)
    if (known === undefined) {
      const file = cleanText(baseName(at.path))
      known = { mapping: builder.mapping({ file, buildId: native.buildId }), located: new Map() }
      nativeKnown.set(native, known)
    }
    const before = known.located.get(at.offset)
    if (before !== undefined) return before
    const address = native.addressOf(at.offset)
    const functions = address === undefined ? [] : binaries.functionsAt(native, address)
    const shown =
      functions.length > 0 || address === undefined ? functions : placeOf(native, address, baseName(at.path))
    const located = {
      location: newLocation(known.mapping, address ?? at.offset, shown),
      name: functions.at(-1)?.name,
      isEntryPoint: address !== undefined && native.isEntry(address),
    }
    known.located.set(at.offset, located)
    return located
  }

  /** A function without a name is one frame, called by where it begins: `libcrypto.so.3+0x1f40`, as `addressName` writes
   *  it, so that it counts as none. [] where that is not known: then each address stands for itself. */
  function placeOf(native: Native, address: number, file: string): readonly FunctionAt[] {
    const start = binaries.beginningOf(native, address)
    return start === undefined ? [] : named(`${cleanText(file)}+0x${start.toString(16)}`)
  }

  function newLocation(mapping: MappingId, address: number, functions: readonly FunctionAt[]): LocationId {
    return builder.newLocation({
      mapping,
      addressHigh: Math.floor(address / 2 ** 32),
      addressLow: address >>> 0,
      kind: 'native',
      lines: linesOf(functions),
    })
  }

  function inAnonymous(process: KnownProcess, address: number): Located {
    const name = process.isDead ? undefined : perfMaps.nameAt(process, address)
    const shown = name ?? ANONYMOUS_CODE
    return { location: marker(shown, 'native'), name: shown, isEntryPoint: false }
  }

  return { kernel: kernelLocation, user: userLocation, marker }
}

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

/** A user address that lies in executable memory. */
export interface Located {
  readonly location: LocationId
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

/** The locations of one window; a builder keeps them. */
export function createLocations(parts: LocationParts): Locations {
  const { builder, binaries, kernel, perfMaps, demangler } = parts
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

  function userLocation(process: KnownProcess, generation: Generation, address: number): Located | undefined {
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
    if (native) return inBinary(native, { offset: fromStart + mappings.offset[row]!, path })
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
    const located = {
      location: newLocation(known.mapping, address ?? at.offset, functions),
      name: functions.at(-1)?.name,
      isEntryPoint: address !== undefined && native.isEntry(address),
    }
    known.located.set(at.offset, located)
    return located
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

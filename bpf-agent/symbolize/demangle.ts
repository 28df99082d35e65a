// What did the programmer call it? C++ and Rust names as written in the source, by the demangler of the Firefox Profiler
// (Rust, compiled to WASM): memory safe, since every program on the host chooses the names that come in.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import * as glue from 'gecko-profiler-demangle/index_bg.js'
import { cleanText } from '../host/text.ts'

const NAME_CHARACTERS_MAX = 4096 // in and out; longer names stay as they are
const CACHE_ENTRIES_MAX = 16_384 // about 3 MB; a name costs 20 µs, and each window asks for the same ones again

export interface Demangler {
  /** The name for people; the name itself where it is not mangled, or not in a way that we can read. Never throws. */
  nameFor(mangled: string): string
}

/** Makes a demangler; the WASM module is compiled at the first mangled name (some 10 ms).
 *  in  demangle  for tests: what turns one name into another and may throw */
export function createDemangler(demangle: (mangled: string) => string = openModule()): Demangler {
  const cache = new Map<string, string>()
  return {
    nameFor(mangled) {
      if (!isMangled(mangled)) return mangled
      const known = cache.get(mangled)
      if (known !== undefined) return known
      if (cache.size >= CACHE_ENTRIES_MAX) cache.clear()
      const name = readable(mangled, demangle)
      cache.set(mangled, name)
      return name
    },
  }
}

/** Itanium C++ and legacy Rust begin with _Z, Rust v0 with _R. */
const isMangled = (name: string) =>
  name.length <= NAME_CHARACTERS_MAX && (name.startsWith('_Z') || name.startsWith('_R'))

function readable(mangled: string, demangle: (mangled: string) => string): string {
  // A symbol's version is the linker's, not part of the name; that it is a stub is worth saying.
  const [bare = ''] = mangled.split('@', 1)
  const stub = mangled.endsWith('@plt') ? '@plt' : ''
  let name: string
  try {
    name = demangle(bare)
  } catch (error) {
    // The module gave up on a crafted name; its name is then the mangled one, and the next name gets a fresh module.
    if (!(error instanceof Error)) throw error
    return mangled
  }
  // What it cannot read comes back without its first underscore.
  const isUnread = name === '' || name === bare || name === bare.slice(1)
  return isUnread || name.length + stub.length > NAME_CHARACTERS_MAX ? mangled : cleanText(name) + stub
}

/** The WASM module behind one function; a trap inside it costs that instance, and the next call makes another. */
function openModule(): (mangled: string) => string {
  let module: WebAssembly.Module | undefined
  let isAlive = false
  return (mangled) => {
    module ??= new WebAssembly.Module(readFileSync(wasmFile()))
    if (!isAlive) {
      const instance = new WebAssembly.Instance(module, { './index_bg.js': { ...glue } })
      glue.__wbg_set_wasm(instance.exports)
      ;(instance.exports.__wbindgen_start as () => void)()
      isAlive = true
    }
    try {
      return glue.demangle_any(mangled)
    } catch (error) {
      isAlive = false
      throw error
    }
  }
}

/** Beside the bundle, or in its package when the sources run. */
function wasmFile(): string {
  if (!import.meta.url.endsWith('.ts')) return fileURLToPath(new URL('./demangle.wasm', import.meta.url))
  return createRequire(import.meta.url).resolve('gecko-profiler-demangle/index_bg.wasm')
}

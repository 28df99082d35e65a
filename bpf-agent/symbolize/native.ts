// What does one binary say of an address in it? Its build ID, the ELF address of a file offset, the functions there.
// The first table that knows the address answers: that of a Go program, its symbols, those packed inside
// of it, those of its debug file, its stubs; last, `_start` and `main` have a place even where they have no name.
// Headers are read at once, symbols when first asked, names one by one; only what naming needs stays in memory.
import { type Result, success } from '#profile/model/result'
import { type ByteSource, bytesSource } from '../elf/byte-source.ts'
import {
  addressOfFileOffset,
  type ElfFile,
  malformedAsFailure,
  readElf,
  SECTION_SYMTAB,
  SEGMENT_LOAD,
  type Segment,
} from '../elf/elf-file.ts'
import { type Extent, type FunctionIndex, readFunctionIndex } from '../elf/function-index.ts'
import { readGoTable } from '../elf/go-table.ts'
import { readPackedSymbols } from '../elf/packed-symbols.ts'
import { readPltStubs, stubPlaces } from '../elf/plt.ts'
import { findStartCode } from '../elf/start-code.ts'
import { readSymbols } from '../elf/symbols.ts'
import {
  type FunctionAt,
  type FunctionSource,
  goSource,
  memorySource,
  symbolSource,
} from './function-source.ts'

/** What a binary says of the file that its debug information was moved to. */
export interface DebugFileWanted {
  /** Lower-case hex; "" if there is none. */
  readonly buildId: string
  /** A file name chosen by a stranger; "" if there is none. */
  readonly debugLink: string
  /** CRC-32 of the file of that name. */
  readonly debugLinkCrc: number
}

export interface Native {
  /** Lower-case hex; "" if there is none. */
  readonly buildId: string
  /** ELF virtual address of a byte of the file; undefined where no segment loads it. */
  addressOf(fileOffset: number): number | undefined
  /** Whether the program starts here: stripped programs have no name for `_start`. */
  isEntry(address: number): boolean
  readonly hasSymbols: boolean
  /** Reads the tables of functions; afterwards `functionsAt` answers.
   *  in   debugSource  where the debug file of this binary lies, if anywhere
   *  cost 40 ms for 110,000 functions */
  loadSymbols(debugSource: (wanted: DebugFileWanted) => ByteSource | undefined): void
  /** Drops tables and names. */
  unloadSymbols(): void
  /** The functions at an address, the innermost inlined one first; [] if none is known, or if the tables are not loaded.
   *  Throws what the source throws: the file may be gone */
  functionsAt(address: number): readonly FunctionAt[]
  /** Where the function at an address begins, whether it has a name or not; undefined: nobody knows, or the tables are not
   *  loaded. Throws what the source throws.  cost 20 µs at first, then a look-up */
  beginningOf(address: number): number | undefined
  /** Bytes of memory, roughly. */
  readonly bytes: number
  /** Why symbols could not be read; "" if they could. */
  readonly complaint: string
}

const BEGINNINGS_MAX = 16_384 // 100 B each; a window has some 2,400 addresses
const BYTES_PER_BEGINNING = 100
const ENTRY_BYTES = 64 // `_start` has 34 to 48

/** Reads the headers of a binary.  out  why not, if it is no ELF file; throws what the source throws */
export function openNative(source: ByteSource): Result<Native> {
  const elf = readElf(source)
  if (!elf.ok) return elf
  const { buildId, entry } = elf.value
  const segments: readonly Segment[] = elf.value.segments.filter(({ type }) => type === SEGMENT_LOAD)
  const shape = { ...elf.value, segments, sections: [] }
  const fixed = 64 * segments.length + 200
  let sources: FunctionSource[] | undefined
  let index: FunctionIndex | undefined
  const beginnings = new Map<number, number | undefined>()
  let complaint = ''

  function loadSymbols(debugSource: (wanted: DebugFileWanted) => ByteSource | undefined): void {
    if (sources !== undefined) return
    sources = []
    complaint = ''
    // Sections are only needed here: 65,536 of them must not stay in memory.
    const own = readElf(source)
    if (!own.ok) {
      complaint = own.error.message
      return
    }
    const go = orComplain(readGoTable(own.value))
    if (go) sources.push(goSource(go))
    addSymbols(own.value)
    addPacked(own.value)
    addDebugFile(own.value, debugSource)
    sources.push(stubsOf(own.value))
    index = orComplain(readFunctionIndex(own.value))
    if (index) sources.push(startCodeOf(own.value, index))
  }

  function startCodeOf(own: ElfFile, index: FunctionIndex): FunctionSource {
    const { start, main } = orComplain(malformedAsFailure(() => findStartCode(own, index))) ?? {}
    const holds = (extent: Extent | undefined, address: number) =>
      extent !== undefined && address >= extent.start && address < extent.end
    const named = (name: string): readonly FunctionAt[] => [{ name, file: '', line: 0, startLine: 0 }]
    const [ofStart, ofMain] = [named('_start'), named('main')]
    return {
      functionsAt: (address) => (holds(main, address) ? ofMain : holds(start, address) ? ofStart : []),
      bytes: 0,
    }
  }

  /** Read when a sample lies in one: the relocations of a large program take longer to read than its symbols. */
  function stubsOf(own: ElfFile): FunctionSource {
    const places = stubPlaces(own)
    let stubs: FunctionSource | undefined
    let isRead = false
    const read = () => {
      isRead = true
      const elf = orComplain(readElf(source))
      const found = elf && orComplain(readPltStubs(elf))
      stubs = elf && found && symbolSource(elf, found, '@plt')
    }
    return {
      functionsAt(address) {
        if (!places.some(({ start, end }) => address >= start && address < end)) return []
        if (!isRead) read()
        return stubs?.functionsAt(address) ?? []
      },
      get bytes() {
        return stubs?.bytes ?? 0
      },
    }
  }

  function addSymbols(elf: ElfFile): void {
    const symbols = orComplain(readSymbols(elf))
    if (symbols) sources?.push(symbolSource(elf, symbols))
  }

  /** Symbols that a distribution keeps, compressed, inside of a stripped binary. */
  function addPacked(own: ElfFile): void {
    const bytes = orComplain(readPackedSymbols(own))
    const elf = bytes && orComplain(readElf(bytesSource(bytes)))
    const symbols = elf && orComplain(readSymbols(elf))
    if (elf && symbols) sources?.push(memorySource(elf, symbols))
  }

  function addDebugFile(
    own: ElfFile,
    debugSource: (wanted: DebugFileWanted) => ByteSource | undefined,
  ): void {
    const isStripped = !own.sections.some(({ type }) => type === SECTION_SYMTAB)
    if (!isStripped || (own.buildId === '' && own.debugLink === '')) return
    const debug = debugSource(own)
    const elf = debug && orComplain(readElf(debug))
    // Addresses mean the same only in the file that was split off this very binary.
    if (elf && elf.buildId === own.buildId && elf.machine === own.machine) addSymbols(elf)
  }

  /** What was read; a failure is kept to complain of. */
  function orComplain<T>(read: Result<T>): T | undefined {
    if (read.ok) return read.value
    complaint = read.error.message
    return undefined
  }

  function functionsAt(address: number): readonly FunctionAt[] {
    for (const one of sources ?? []) {
      const functions = one.functionsAt(address)
      if (functions.length > 0) return functions
    }
    return []
  }

  function beginningOf(address: number): number | undefined {
    if (index === undefined || beginnings.has(address)) return beginnings.get(address)
    if (beginnings.size >= BEGINNINGS_MAX) beginnings.clear()
    const start = index.extentAt(address)?.start
    beginnings.set(address, start)
    return start
  }

  return success({
    buildId,
    addressOf: (fileOffset) => addressOfFileOffset(shape, fileOffset),
    isEntry: (address) => entry !== 0 && address >= entry && address < entry + ENTRY_BYTES,
    get hasSymbols() {
      return sources !== undefined
    },
    loadSymbols,
    unloadSymbols() {
      sources = undefined
      index = undefined
      beginnings.clear()
    },
    functionsAt,
    beginningOf,
    get bytes() {
      return (sources ?? []).reduce(
        (sum, one) => sum + one.bytes,
        fixed + beginnings.size * BYTES_PER_BEGINNING,
      )
    },
    get complaint() {
      return complaint
    },
  })
}

// What does one binary say of an address in it? Its build ID, the ELF address of a file offset, the function's name.
// Headers are read at once, symbols when first asked, names one by one; only what naming needs stays in memory.
import { type Result, success } from '#profile/model/result'
import type { ByteSource } from '../elf/byte-source.ts'
import {
  addressOfFileOffset,
  type ElfFile,
  readElf,
  SECTION_SYMTAB,
  SEGMENT_LOAD,
  type Segment,
} from '../elf/elf-file.ts'
import { readSymbols, type SymbolTable, symbolAt, symbolNames } from '../elf/symbols.ts'
import { chooseName } from './choose-name.ts'

export interface Native {
  /** Lower-case hex; "" if there is none. */
  readonly buildId: string
  /** ELF virtual address of a byte of the file; undefined where no segment loads it. */
  addressOf(fileOffset: number): number | undefined
  /** Whether the program starts here: stripped programs have no name for `_start`. */
  isEntry(address: number): boolean
  readonly hasSymbols: boolean
  /** Reads the symbol tables; afterwards `nameAt` answers.
   *  in   debugSource  where the debug information of this build ID lies, if anywhere
   *  cost 40 ms for 110,000 functions */
  loadSymbols(debugSource: (buildId: string) => ByteSource | undefined): void
  /** Drops tables and names. */
  unloadSymbols(): void
  /** The function that covers an address; undefined if none does, or if the tables are not loaded. */
  nameAt(address: number): string | undefined
  /** Bytes of memory, roughly. */
  readonly bytes: number
  /** Why symbols could not be read; "" if they could. */
  readonly complaint: string
}

interface Table {
  readonly symbols: SymbolTable
  readonly source: ByteSource
  readonly isLittleEndian: boolean
  readonly names: Map<number, string>
}

const ENTRY_BYTES = 64 // `_start` has 34 to 48
const BYTES_PER_NAME = 100

/** Reads the headers of a binary.  out  why not, if it is no ELF file; throws what the source throws */
export function openNative(source: ByteSource): Result<Native> {
  const elf = readElf(source)
  if (!elf.ok) return elf
  const { buildId, entry } = elf.value
  const segments: readonly Segment[] = elf.value.segments.filter(({ type }) => type === SEGMENT_LOAD)
  const shape = { ...elf.value, segments, sections: [] }
  let tables: Table[] | undefined
  let complaint = ''
  let bytes = 64 * segments.length + 200

  function loadSymbols(debugSource: (buildId: string) => ByteSource | undefined): void {
    if (tables !== undefined) return
    tables = []
    complaint = ''
    // Sections are only needed here: 65,536 of them must not stay in memory.
    const own = readElf(source)
    if (!own.ok) {
      complaint = own.error.message
      return
    }
    addTable(own.value)
    const isStripped = !own.value.sections.some(({ type }) => type === SECTION_SYMTAB)
    const debug = isStripped && buildId !== '' ? debugSource(buildId) : undefined
    const debugElf = debug && readElf(debug)
    if (debugElf?.ok && debugElf.value.buildId === buildId) addTable(debugElf.value)
  }

  function addTable(elf: ElfFile): void {
    const read = readSymbols(elf)
    if (!read.ok) complaint = read.error.message
    const symbols = read.ok ? read.value : undefined
    if (symbols === undefined) return
    tables?.push({ symbols, source: elf.source, isLittleEndian: elf.isLittleEndian, names: new Map() })
    bytes += 12 * symbols.address.length
  }

  function nameAt(address: number): string | undefined {
    for (const table of tables ?? []) {
      const row = symbolAt(table.symbols, address)
      if (row === -1) continue
      const known = table.names.get(row)
      if (known !== undefined) return known
      const name = chooseName(symbolNames(table, table.symbols, row))
      if (name === undefined) continue
      table.names.set(row, name)
      bytes += BYTES_PER_NAME + name.length
      return name
    }
    return undefined
  }

  return success({
    buildId,
    addressOf: (fileOffset) => addressOfFileOffset(shape, fileOffset),
    isEntry: (address) => entry !== 0 && address >= entry && address < entry + ENTRY_BYTES,
    get hasSymbols() {
      return tables !== undefined
    },
    loadSymbols,
    unloadSymbols() {
      tables = undefined
      bytes = 64 * segments.length + 200
    },
    nameAt,
    get bytes() {
      return bytes
    },
    get complaint() {
      return complaint
    },
  })
}

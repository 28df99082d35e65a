// Which functions does one table of a binary know at an address? Symbol tables know one; the table of a Go program knows
// lines, and the inlined calls inside of it. What was found stays, bounded, since each window asks for the same again.
import { bytesSource } from '../elf/byte-source.ts'
import { type GoFunction, goFunctionsAt } from '../elf/go-functions.ts'
import type { GoTable } from '../elf/go-table.ts'
import type { NameSource, SymbolTable } from '../elf/symbols.ts'
import { symbolAt, symbolNames } from '../elf/symbols.ts'
import { cleanText } from '../host/text.ts'
import { chooseName } from './choose-name.ts'

/** Names as linkers and compilers know them, safe to show. */
export type FunctionAt = GoFunction

export interface FunctionSource {
  /** Functions at an ELF address, the innermost inlined one first, the function that holds the code last; [] for none.
   *  Throws what the file throws, MalformedError included */
  functionsAt(address: number): readonly FunctionAt[]
  /** Memory, roughly. */
  readonly bytes: number
}

const KEPT_MAX = 16_384 // functions or addresses: 2 to 4 MB; a window has some 2,400
const BYTES_PER_FUNCTION = 120
const NONE: readonly FunctionAt[] = []

/** A symbol table.  in  suffix  what its names get: stubs are `puts@plt` */
export function symbolSource(elf: NameSource, symbols: SymbolTable, suffix = ''): FunctionSource {
  // Of the ELF file only its bytes are needed: thousands of sections must not stay in memory.
  const names = { source: elf.source }
  const kept = createKept()
  return {
    functionsAt(address) {
      const row = symbolAt(symbols, address)
      if (row === -1) return NONE
      return kept.get(row, () => {
        const name = chooseName(symbolNames(names, symbols, row))
        return name === undefined ? NONE : [{ name: name + suffix, file: '', line: 0, startLine: 0 }]
      })
    },
    get bytes() {
      return 12 * symbols.address.length + kept.bytes
    },
  }
}

/** A symbol table of a file in memory, of which only the names stay. */
export function memorySource(elf: NameSource, symbols: SymbolTable): FunctionSource {
  const { offset, size } = symbols.strings
  const names = elf.source.read(offset, size).slice()
  const strings = { offset: 0, size }
  const source = symbolSource({ source: bytesSource(names) }, { ...symbols, strings })
  return {
    functionsAt: source.functionsAt,
    get bytes() {
      return source.bytes + size
    },
  }
}

/** The function table of a Go program. */
export function goSource(table: GoTable): FunctionSource {
  const kept = createKept()
  const clean = (one: GoFunction) => ({ ...one, name: cleanText(one.name), file: cleanText(one.file) })
  return {
    functionsAt: (address) => kept.get(address, () => goFunctionsAt(table, address).map(clean)),
    get bytes() {
      return table.source.bytes + kept.bytes
    },
  }
}

function createKept() {
  const kept = new Map<number, readonly FunctionAt[]>()
  let bytes = 0
  return {
    get(key: number, find: () => readonly FunctionAt[]): readonly FunctionAt[] {
      const known = kept.get(key)
      if (known !== undefined) return known
      const found = find()
      if (kept.size >= KEPT_MAX) {
        kept.clear()
        bytes = 0
      }
      kept.set(key, found)
      bytes += BYTES_PER_FUNCTION
      for (const { name, file } of found) bytes += BYTES_PER_FUNCTION + name.length + file.length
      return found
    },
    get bytes() {
      return bytes
    },
  }
}

// Where do a few symbols lie that are known by name, data among them? For binaries whose layout we must know; whoever
// wants the name of an address asks symbols.ts.
import { type ByteSource, checkRange } from './byte-source.ts'
import { wordAt } from './cursor.ts'
import { type ElfFile, SECTION_DYNSYM, SECTION_SYMTAB, type Section } from './elf-file.ts'

export interface FoundSymbol {
  readonly name: string
  readonly address: number
  readonly size: number
}

const ENTRIES_MAX = 1024 * 1024
const STRINGS_BYTES_MAX = 32 * 1024 * 1024
const ENTRY_BYTES = 24

/** Defined symbols of `.dynsym` and `.symtab` that are wanted, each once; 64-bit files only.
 *  in   begins  with which a name must begin to be read at all
 *  cost reads both tables whole, 1 ms per 10,000 symbols.  throws  what the source throws; MalformedError */
export function findSymbols(
  elf: ElfFile,
  begins: readonly string[],
  isWanted: (name: string) => boolean,
): FoundSymbol[] {
  const found = new Map<string, FoundSymbol>()
  for (const type of [SECTION_DYNSYM, SECTION_SYMTAB])
    for (const section of elf.sections) if (section.type === type && elf.is64) search(elf, section)

  function search({ source, sections, isLittleEndian }: ElfFile, section: Section): void {
    const strings = sections[section.link]
    const count = Math.min(ENTRIES_MAX, Math.floor(section.size / ENTRY_BYTES))
    if (strings === undefined || strings.size > STRINGS_BYTES_MAX || count === 0) return
    const names = readPart(source, strings)
    const firsts = begins.map((begin) => Buffer.from(begin, 'latin1'))
    const entries = source.read(section.offset, count * ENTRY_BYTES)
    const view = new DataView(entries.buffer, entries.byteOffset, entries.byteLength)
    for (let i = 0; i < count; i++) {
      const at = i * ENTRY_BYTES
      const name = view.getUint32(at, isLittleEndian)
      if (
        view.getUint16(at + 6, isLittleEndian) === 0 ||
        !firsts.some((first) => beginsAt(names, name, first))
      )
        continue
      const end = names.indexOf(0, name)
      const text = names.toString('latin1', name, end === -1 ? names.length : end)
      if (!isWanted(text) || found.has(text)) continue
      const address = wordAt(view, at + 8, 8, isLittleEndian)
      found.set(text, { name: text, address, size: wordAt(view, at + 16, 8, isLittleEndian) })
    }
  }
  return [...found.values()]
}

function readPart(source: ByteSource, { offset, size }: Section): Buffer {
  checkRange({ offset, length: size, size: source.size, name: 'string table' })
  const bytes = source.read(offset, size)
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function beginsAt(names: Buffer, at: number, first: Buffer): boolean {
  return (
    at + first.length <= names.length && names.compare(first, 0, first.length, at, at + first.length) === 0
  )
}

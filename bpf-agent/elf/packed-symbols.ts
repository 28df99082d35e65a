// Which symbols does a stripped binary keep, compressed? `.gnu_debugdata`, as Fedora and its kin write it: an ELF file of
// symbols alone, packed by xz.
import { failure, type Result, success } from '#profile/model/result'
import { checkRange } from './byte-source.ts'
import { type ElfFile, malformedAsFailure, SECTION_NOBITS } from './elf-file.ts'
import { decodeXz } from './xz.ts'

const PACKED_BYTES_MAX = 8 * 1024 * 1024
const BYTES_MAX = 16 * 1024 * 1024 // a second of decoding at worst; those of large libraries have some 5 MB

/** The ELF file inside of an ELF file.
 *  out  undefined: there is none; a failure says what is broken or too large
 *  cost some 60 ns per byte of output */
export function readPackedSymbols(elf: ElfFile): Result<Uint8Array | undefined> {
  const section = elf.sections.find(({ name }) => name === '.gnu_debugdata')
  if (section === undefined || section.type === SECTION_NOBITS) return success(undefined)
  const { offset, size, name } = section
  if (size > PACKED_BYTES_MAX) return failure(`${name}: ${size} bytes, at most ${PACKED_BYTES_MAX} are read`)
  const read = malformedAsFailure(() => {
    checkRange({ offset, length: size, size: elf.source.size, name })
    return decodeXz(elf.source.read(offset, size), BYTES_MAX)
  })
  return read.ok ? read : failure(`${name}: ${read.error.message}`)
}

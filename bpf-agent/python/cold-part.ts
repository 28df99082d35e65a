// Where is the part of a function that the compiler moved away, when nobody says its name? Conditional jumps that leave a
// function lead there and nowhere else: calls of other functions are never conditional. The code that most of them lead to
// is it. x86-64 only; bytes are looked at in a row, as instructions or not, and a chance hit is outvoted.
import { type CodeRange, codeStarts, rangeAround } from '../elf/code-ranges.ts'
import { type ElfFile, fileOffsetOfAddress } from '../elf/elf-file.ts'

const JUMPS_MIN = 8 // chance gives one or two to the same code
const LOOP_BYTES_MAX = 1024 * 1024

/** The moved part of a function; undefined: it has none, or the file does not tell.
 *  cost reads the function, 50 KB, and the table of all code.  throws  as codeStarts */
export function findColdPart(elf: ElfFile, { start, end }: CodeRange): CodeRange | undefined {
  const offset = fileOffsetOfAddress(elf, start)
  if (offset === undefined || end - start > LOOP_BYTES_MAX) return undefined
  const code = elf.source.read(offset, end - start)
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength)
  const starts = codeStarts(elf)
  const votes = new Map<number, { readonly range: CodeRange; jumps: number }>()
  for (let i = 0; i + 6 <= code.length; i++) {
    if (code[i] !== 0x0f || (code[i + 1]! & 0xf0) !== 0x80) continue
    const target = start + i + 6 + view.getInt32(i + 2, true)
    const range = target >= start && target < end ? undefined : rangeAround(starts, target)
    if (range === undefined || (range.start < end && range.end > start)) continue
    const voted = votes.get(range.start) ?? { range, jumps: 0 }
    voted.jumps++
    votes.set(range.start, voted)
  }
  const most = [...votes.values()].sort((one, other) => other.jumps - one.jumps)[0]
  return most !== undefined && most.jumps >= JUMPS_MIN ? most.range : undefined
}

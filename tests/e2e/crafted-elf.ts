// ELF files that no linker makes: what a header claims and what lies in the file are set apart. Holes cost no disk.
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs'

export interface CraftedSection {
  readonly name: string
  /** SHT_*: 1 program data, 2 symbols, 3 strings. */
  readonly type: number
  /** 4: executable. */
  readonly flags?: number
  readonly address?: number
  readonly entrySize?: number
  /** Number of another section. */
  readonly link?: number
  /** What lies there. */
  readonly bytes?: Uint8Array
  /** What the header says its length is; the length of `bytes` by default. */
  readonly size?: number
  /** What the header says its place is; where `bytes` lie by default. */
  readonly offset?: number
}

export interface CraftedElf {
  /** The first is number 1; the table of their names is added as the last. */
  readonly sections?: readonly CraftedSection[]
  /** What the header says; the truth by default. Above 65,279 it stands in section 0. */
  readonly sectionCount?: number
  readonly buildId?: Uint8Array
  /** What the segment says that it has in memory; the file has 16 KiB of it. */
  readonly textBytes?: number
  /** The whole length of the file; what is not written is a hole. */
  readonly fileBytes?: number
  /** Where the section headers lie; behind everything by default. */
  readonly sectionsAt?: number
}

const TEXT_BYTES = 0x4000
const NOTE_AT = 0x200
const FIRST_SECTION_AT = 0x4000
const HEADER = 64
const CODE_AT = 0x1000
const CODE = Uint8Array.of(0xb9, 0x40, 0x42, 0x0f, 0x00, 0xff, 0xc9, 0x75, 0xfc, 0xc3) // mov ecx, 1000000; loop; ret
const ENTRY = 64

/** Writes it: a shared object of x86-64 with one executable segment at address 0, and code that burns in its second page. */
export function writeElf(file: string, elf: CraftedElf): void {
  const { sections = [], buildId = new Uint8Array(), fileBytes = 0 } = elf
  const named = [
    ...sections,
    { name: '.shstrtab', type: 3, bytes: namesOf([...sections, { name: '.shstrtab' }]) },
  ]
  const fd = openSync(file, 'w', 0o755)
  try {
    let end = FIRST_SECTION_AT
    const rows = [section({ size: elf.sectionCount ?? 0 })]
    let nameAt = 1
    for (const one of named) {
      const { bytes = new Uint8Array(), name, ...said } = one as CraftedSection
      writeSync(fd, bytes, 0, bytes.length, end)
      rows.push(section({ offset: end, size: bytes.length, nameAt, ...said }))
      nameAt += name.length + 1
      end += Math.ceil(bytes.length / 16) * 16
    }
    const sectionsAt = elf.sectionsAt ?? end
    const count = elf.sectionCount === undefined ? rows.length : 0
    const header = Buffer.alloc(HEADER + 2 * 56)
    header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
    header.writeUInt16LE(3, 16)
    header.writeUInt16LE(62, 18)
    header.writeUInt32LE(1, 20)
    header.writeBigUInt64LE(64n, 32)
    header.writeBigUInt64LE(BigInt(sectionsAt), 40)
    for (const [i, value] of [HEADER, 56, 2, ENTRY, count, rows.length - 1].entries())
      header.writeUInt16LE(value, 52 + 2 * i)
    segment(header, HEADER, { type: 1, flags: 5, offset: 0, size: TEXT_BYTES })
    header.writeBigUInt64LE(BigInt(elf.textBytes ?? TEXT_BYTES), HEADER + 40)
    const note = noteOf(buildId)
    segment(header, HEADER + 56, { type: 4, flags: 4, offset: NOTE_AT, size: note.length })
    writeSync(fd, header, 0, header.length, 0)
    writeSync(fd, note, 0, note.length, NOTE_AT)
    writeSync(fd, CODE, 0, CODE.length, CODE_AT)
    writeSync(fd, Buffer.concat(rows), 0, rows.length * ENTRY, sectionsAt)
    if (fileBytes > 0) ftruncateSync(fd, fileBytes)
  } finally {
    closeSync(fd)
  }
}

function namesOf(sections: readonly { readonly name: string }[]): Uint8Array {
  return new TextEncoder().encode(`\0${sections.map(({ name }) => `${name}\0`).join('')}`)
}

function section(
  said: Omit<CraftedSection, 'name' | 'type' | 'bytes'> & { type?: number; nameAt?: number },
): Buffer {
  const row = Buffer.alloc(ENTRY)
  const { nameAt = 0, type = 0, flags = 0, address = 0, offset = 0, size = 0, link = 0, entrySize = 0 } = said
  row.writeUInt32LE(nameAt, 0)
  row.writeUInt32LE(type, 4)
  for (const [i, value] of [flags, address, offset, size].entries())
    row.writeBigUInt64LE(BigInt(value), 8 + 8 * i)
  row.writeUInt32LE(link, 40)
  row.writeBigUInt64LE(BigInt(entrySize), 56)
  return row
}

function segment(
  header: Buffer,
  at: number,
  said: { readonly type: number; readonly flags: number; readonly offset: number; readonly size: number },
): void {
  header.writeUInt32LE(said.type, at)
  header.writeUInt32LE(said.flags, at + 4)
  for (const [i, value] of [said.offset, said.offset, said.offset, said.size, said.size, 4096].entries())
    header.writeBigUInt64LE(BigInt(value), at + 8 + 8 * i)
}

function noteOf(buildId: Uint8Array): Buffer {
  const note = Buffer.alloc(16 + Math.ceil(buildId.length / 4) * 4)
  note.writeUInt32LE(4, 0)
  note.writeUInt32LE(buildId.length, 4)
  note.writeUInt32LE(3, 8)
  note.write('GNU', 12)
  note.set(buildId, 16)
  return note
}

/** One CIE as compilers write it, then so many FDEs, each of the 256 bytes of code behind those of the one before.
 *  in   program  instructions of each FDE */
export function ehFrameOf(fdes: number, program: Uint8Array = new Uint8Array(3)): Uint8Array {
  const fdeBytes = 20 + Math.ceil((program.length - 3) / 4) * 4
  const bytes = Buffer.alloc(24 + fdes * fdeBytes)
  // length 20, CIE, version 1, "zR", code 1, data -8, return address 16, 1 byte: pcrel sdata4; CFA is rsp + 8, RA at CFA - 8
  bytes.set([20, 0, 0, 0, 0, 0, 0, 0, 1, 0x7a, 0x52, 0, 1, 0x78, 16, 1, 0x1b, 0x0c, 7, 8, 0x90, 1, 0, 0])
  for (let i = 0, at = 24; i < fdes; i++, at += fdeBytes) {
    bytes.writeUInt32LE(fdeBytes - 4, at)
    bytes.writeUInt32LE(at + 4, at + 4) // back to the CIE at 0
    bytes.writeInt32LE(i * FUNCTION_BYTES - (EH_FRAME_ADDRESS + at + 8), at + 8)
    bytes.writeUInt32LE(FUNCTION_BYTES, at + 12)
    bytes.set(program, at + 17)
  }
  return bytes
}

const EH_FRAME_ADDRESS = 0x7000_0000
const FUNCTION_BYTES = 256
export const ehFrameSection = (bytes: Uint8Array, said: Partial<CraftedSection> = {}): CraftedSection => ({
  ...{ name: '.eh_frame', type: 1, flags: 2, address: EH_FRAME_ADDRESS, bytes },
  ...said,
})

// Whose stub is this? Calls into other libraries go through stubs of the linker, which have no symbols: each jumps
// through a slot, and the relocation that fills the slot names the function. Reads the slots out of the instructions,
// since linkers order their stubs as they please.
// Refuses other machines than x86-64 and arm64, and names nothing that it cannot read: the header of a lazy `.plt`, and
// stubs of static programs, whose slots have no name.
import { type Result, success } from '#profile/model/result'
import { checkRange } from './byte-source.ts'
import { MalformedError } from './cursor.ts'
import {
  type ElfFile,
  malformedAsFailure,
  SECTION_DYNSYM,
  SECTION_EXECUTABLE,
  SECTION_NOBITS,
  SECTION_RELA,
  type Section,
} from './elf-file.ts'
import type { SymbolTable } from './symbols.ts'

const MACHINE_X86_64 = 62
const MACHINE_ARM64 = 183
const STUB_BYTES = 16
const PLACES_MAX = 16 // .plt, .plt.sec and .plt.got are three
const STUBS_BYTES_MAX = 4 * 1024 * 1024 // 262,144 stubs; libLLVM has 4,000
const RELOCATIONS_MAX = 4 * 1024 * 1024
const SLOTS_MAX = 262_144
const RELOCATION_BYTES = 24
const SYMBOL_BYTES = 24
const CHUNK_ENTRIES = 16_384 // 384 KiB read at a time
const ENDBR64 = 0xfa1e_0ff3
const PUSH = 0x68
const BND = 0xf2
const JUMP_THROUGH_SLOT = 0x25ff
const BTI_C = 0xd503_245f
/** Relocations that put the address of a function into a slot: JUMP_SLOT and GLOB_DAT. */
const SLOT_TYPES: ReadonlyMap<number, readonly [number, number]> = new Map([
  [MACHINE_X86_64, [7, 6]],
  [MACHINE_ARM64, [1026, 1025]],
])

/** The stubs of a file as functions; their names stand in the dynamic string table, and are those of the functions that
 *  they call.
 *  out  undefined: there are none that can be read; a failure says what is broken or too large
 *  cost one pass over stubs and relocations: 10 ms for a million relocations */
export function readPltStubs(elf: ElfFile): Result<SymbolTable | undefined> {
  const types = SLOT_TYPES.get(elf.machine)
  const sections = elf.sections.filter(isStubs)
  const dynsym = elf.sections.findIndex(({ type }) => type === SECTION_DYNSYM)
  if (!elf.is64 || !elf.isLittleEndian || types === undefined || dynsym === -1 || sections.length === 0)
    return success(undefined)
  return malformedAsFailure(() => {
    const slots = readSlots(elf, { dynsym, types })
    const found = findStubs(elf, sections, slots)
    return found.length === 0 ? undefined : tableOf(elf, found, elf.sections[dynsym]!)
  })
}

/** Where the stubs of a file lie, as ELF addresses; at most 16 places. */
export function stubPlaces(elf: ElfFile): readonly { readonly start: number; readonly end: number }[] {
  return elf.sections
    .filter(isStubs)
    .slice(0, PLACES_MAX)
    .map(({ address, size }) => ({ start: address, end: address + size }))
}

const isStubs = ({ name, type, flags }: Section) =>
  (name === '.plt' || name.startsWith('.plt.')) &&
  type !== SECTION_NOBITS &&
  (flags & SECTION_EXECUTABLE) !== 0

interface Slots {
  /** Symbol by the address of the slot. */
  readonly symbol: Map<number, number>
  /** Symbols in the order of `.rela.plt`: lazy stubs with branch protection push their place in it. */
  readonly lazy: number[]
}

interface Stub {
  readonly address: number
  readonly size: number
  readonly symbol: number
}

function readSlots(
  elf: ElfFile,
  { dynsym, types }: { readonly dynsym: number; readonly types: readonly [number, number] },
): Slots {
  const slots: Slots = { symbol: new Map(), lazy: [] }
  let left = RELOCATIONS_MAX // of all sections together: a hostile file has 65,536 of them, all over the same bytes
  for (const section of elf.sections) {
    if (section.type !== SECTION_RELA || section.link !== dynsym || section.entrySize !== RELOCATION_BYTES)
      continue
    const count = Math.min(left, Math.floor(section.size / RELOCATION_BYTES))
    left -= count
    readRelocations(elf, section, count, (address, type, symbol) => {
      if (section.name === '.rela.plt' && slots.lazy.length < SLOTS_MAX) slots.lazy.push(symbol)
      const isSlot = symbol !== 0 && (type === types[0] || type === types[1])
      if (isSlot && slots.symbol.size < SLOTS_MAX) slots.symbol.set(address, symbol)
    })
  }
  return slots
}

function readRelocations(
  elf: ElfFile,
  section: Section,
  count: number,
  take: (address: number, type: number, symbol: number) => void,
): void {
  const { offset, name } = section
  checkRange({ offset, length: count * RELOCATION_BYTES, size: elf.source.size, name })
  for (let first = 0; first < count; first += CHUNK_ENTRIES) {
    const length = Math.min(CHUNK_ENTRIES, count - first) * RELOCATION_BYTES
    const bytes = elf.source.read(offset + first * RELOCATION_BYTES, length)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    for (let at = 0; at < length; at += RELOCATION_BYTES) {
      const address = view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32
      take(address, view.getUint32(at + 8, true), view.getUint32(at + 12, true))
    }
  }
}

function findStubs(elf: ElfFile, sections: readonly Section[], slots: Slots): Stub[] {
  const found: Stub[] = []
  let left = STUBS_BYTES_MAX
  for (const { name, offset, size, address, entrySize } of sections) {
    left -= size
    if (left < 0) throw new MalformedError(`${name}: stubs of more than ${STUBS_BYTES_MAX} bytes`)
    const bytes = elf.source.read(offset, size)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    // Stubs of `.plt.got` have 8 bytes without branch protection.
    const step = entrySize === 8 ? 8 : STUB_BYTES
    for (let at = 0; at + step <= size; at += step) {
      const symbol =
        elf.machine === MACHINE_X86_64
          ? symbolOfX86({ view, at, end: at + step, address }, slots)
          : slots.symbol.get(slotOfArm64({ view, at, end: at + step, address }))
      if (symbol !== undefined && symbol > 0) found.push({ address: address + at, size: step, symbol })
    }
  }
  return found
}

/** Instructions of one stub, and where the first byte of the view lies when mapped. */
interface Code {
  readonly view: DataView
  readonly at: number
  readonly end: number
  readonly address: number
}

/** `[endbr64] [bnd] jmp *slot(%rip)`, or `endbr64; push place` in a lazy stub with branch protection. */
function symbolOfX86({ view, at: start, end, address }: Code, slots: Slots): number | undefined {
  let at = start
  if (end - at === STUB_BYTES && view.getUint32(at, true) === ENDBR64) {
    at += 4
    if (view.getUint8(at) === PUSH) return slots.lazy[view.getUint32(at + 1, true)]
  }
  if (view.getUint8(at) === BND) at++
  if (at + 6 > end || view.getUint16(at, true) !== JUMP_THROUGH_SLOT) return undefined
  return slots.symbol.get(address + at + 6 + view.getInt32(at + 2, true))
}

/** `adrp x16, page; ldr x17, [x16, offset]`, perhaps behind `bti c`; NaN where it is none. */
function slotOfArm64({ view, at: start, end, address }: Code): number {
  const at = start + (view.getUint32(start, true) === BTI_C ? 4 : 0)
  if (at + 8 > end) return Number.NaN
  const adrp = view.getUint32(at, true)
  const load = view.getUint32(at + 4, true)
  const isStub = (adrp & 0x9f00_001f) >>> 0 === 0x9000_0010 && (load & 0xffc0_03ff) >>> 0 === 0xf940_0211
  if (!isStub) return Number.NaN
  const pages = (((adrp << 8) >> 13) << 2) | ((adrp >>> 29) & 3) // 21 bits, signed
  const page = Math.floor((address + at) / 4096) + pages
  return page * 4096 + ((load >>> 10) & 0xfff) * 8
}

function tableOf(elf: ElfFile, found: readonly Stub[], dynsym: Section): SymbolTable {
  const strings = elf.sections[dynsym.link]
  if (strings === undefined || strings.type === SECTION_NOBITS)
    throw new MalformedError(`string table ${dynsym.link} of ${dynsym.name} is missing`)
  checkRange({ offset: strings.offset, length: strings.size, size: elf.source.size, name: 'string table' })
  const stubs = [...found].sort((one, other) => one.address - other.address)
  const base = stubs[0]!.address
  if (stubs.at(-1)!.address - base >= 2 ** 32 - STUB_BYTES)
    throw new MalformedError('its stubs lie more than 4 GiB apart')
  return {
    base,
    address: Uint32Array.from(stubs, ({ address }) => address - base),
    size: Uint32Array.from(stubs, ({ size }) => size),
    name: readNames(elf, dynsym, stubs),
    strings: { offset: strings.offset, size: strings.size },
  }
}

/** Where in the string table the names of the symbols stand; 0, the empty name, for one that does not exist. In the
 *  order of the symbols, so that each part of the table is read once. */
function readNames(elf: ElfFile, dynsym: Section, stubs: readonly Stub[]): Uint32Array {
  const names = new Uint32Array(stubs.length)
  const count = Math.floor(dynsym.size / SYMBOL_BYTES)
  const order = Uint32Array.from(stubs.keys()).sort((one, other) => stubs[one]!.symbol - stubs[other]!.symbol)
  let first = 0
  let chunk: DataView = new DataView(new ArrayBuffer(0))
  for (const row of order) {
    const { symbol } = stubs[row]!
    if (symbol >= count) break
    if ((symbol - first) * SYMBOL_BYTES >= chunk.byteLength) {
      first = symbol
      const length = Math.min(CHUNK_ENTRIES, count - first) * SYMBOL_BYTES
      const bytes = elf.source.read(dynsym.offset + first * SYMBOL_BYTES, length)
      chunk = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    }
    names[row] = chunk.getUint32((symbol - first) * SYMBOL_BYTES, true)
  }
  return names
}

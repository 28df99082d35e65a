// Tables and their origin as pictures, for tests: CFI is drawn as lists of bytes with names, rows are shown as text.
import { architectureOf } from './architecture.ts'
import type { CompiledTable } from './compiled-table.ts'
import type { EhFrame } from './find-eh-frame.ts'
import { BX_LOST, BX_SAME } from './rule.ts'

const RULE_NAMES =
  'sp fp plt root gap unsupported signal deref lr deref_sp sp_far register other_stack go_depth go_current indexed'.split(
    ' ',
  )
/** By their place in the kernel's struct pt_regs. */
const REGISTERS = 'r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig rip cs flags rsp ss'.split(
  ' ',
)

/** Instructions by their names in DWARF. Offsets are given as they are meant, factored by -8 here. */
export const cfa = {
  advance: (delta: number) => (delta < 64 ? [0x40 + delta] : [0x03, delta & 0xff, delta >> 8]),
  defCfa: (register: number, offset: number) => [0x0c, ...uleb(register), ...uleb(offset)],
  defCfaRegister: (register: number) => [0x0d, ...uleb(register)],
  defCfaOffset: (offset: number) => [0x0e, ...uleb(offset)],
  defCfaExpression: (bytes: readonly number[]) => [0x0f, ...uleb(bytes.length), ...bytes],
  offset: (register: number, offset: number) => [0x80 + register, ...uleb(offset / -8)],
  expression: (register: number, bytes: readonly number[]) => [
    0x10,
    ...uleb(register),
    ...uleb(bytes.length),
    ...bytes,
  ],
  register: (register: number, holder: number) => [0x09, ...uleb(register), ...uleb(holder)],
  undefined: (register: number) => [0x07, ...uleb(register)],
  sameValue: (register: number) => [0x08, ...uleb(register)],
  restore: (register: number) => [0xc0 + register],
  rememberState: [0x0a],
  restoreState: [0x0b],
  nop: [0x00],
}

export type DrawnEntry =
  | { readonly kind: 'terminator' }
  | { readonly kind: 'raw'; readonly bytes: readonly number[] }
  | {
      readonly kind: 'cie'
      readonly version?: number
      readonly augmentation?: string
      readonly augmentationData?: readonly number[]
      readonly returnAddress?: number
      readonly program?: readonly number[]
    }
  | {
      readonly kind: 'fde'
      readonly start: number
      readonly range: number
      readonly program?: readonly number[]
      /** How start and range are written; sdata4 relative to its place unless said. */
      readonly encoding?: number
      readonly isExtended?: boolean
    }

const X86_64_PROGRAM = [...cfa.defCfa(7, 8), ...cfa.offset(16, -8)]

/** The bytes of a section at `address`; each FDE belongs to the CIE drawn last. */
export function drawEhFrame(entries: readonly DrawnEntry[], address = 0x9000): number[] {
  const bytes: number[] = []
  let cieOffset = 0
  for (const entry of entries) {
    const offset = bytes.length
    if (entry.kind === 'terminator') bytes.push(0, 0, 0, 0)
    else if (entry.kind === 'raw') bytes.push(...entry.bytes)
    else if (entry.kind === 'cie') {
      cieOffset = offset
      const { version = 1, augmentation = 'zR', augmentationData = [0x1b], returnAddress = 16 } = entry
      const data = augmentation === '' ? [] : [...uleb(augmentationData.length), ...augmentationData]
      const text = [...augmentation].map((letter) => letter.charCodeAt(0))
      const head = [0, 0, 0, 0, version, ...text, 0, 1, 0x78, returnAddress, ...data]
      bytes.push(...withLength([...head, ...(entry.program ?? X86_64_PROGRAM)], false))
    } else {
      const { start, range, program = [], encoding = 0x1b, isExtended = false } = entry
      const lengthBytes = isExtended ? 12 : 4
      const back = word(offset + lengthBytes - cieOffset, 4)
      const place = address + offset + lengthBytes + 4
      const size = (encoding & 0x0f) === 0x0b || (encoding & 0x0f) === 0x03 ? 4 : 8
      const first = word((encoding & 0x70) === 0x10 ? start - place : start, size)
      const body = [...back, ...first, ...word(range, size), 0, ...program]
      for (const byte of withLength(body, isExtended)) bytes.push(byte) // too many to be arguments
    }
  }
  return bytes
}

/** As if found in a file whose text is 0x1000 to 0x9000. */
export function drawnEhFrame(
  entries: readonly DrawnEntry[],
  { machine = 62, textStart = 0x1000, textEnd = 0x9000, isOpenEnded = false } = {},
): EhFrame {
  return {
    bytes: Uint8Array.from(drawEhFrame(entries)),
    address: 0x9000,
    architecture: architectureOf(machine)!,
    textStart,
    textEnd,
    isOpenEnded,
  }
}

/** One line per row: `1000 sp+8`, `1004 fp+16 fp@c-16`.  in  machine  as in the ELF header */
export function showRows(
  { basePage, pageFirst, pc, rule, rules }: CompiledTable,
  { machine = 62 } = {},
): string[] {
  const lines: string[] = []
  for (let page = 0; page + 1 < pageFirst.length; page++)
    for (let row = pageFirst[page]!; row < pageFirst[page + 1]!; row++) {
      const address = (basePage + page) * 65_536 + pc[row]!
      lines.push(`${address.toString(16)} ${showRule(rules, rule[row]!, machine)}`)
    }
  return lines
}

/** `sp+8`, `sp+24 bx@c-24`, `deref *(fp-8)+0 fp@fp+0`, `rbx+32 bx@c-32`, `gap`. */
export function showRule(rules: Uint8Array, id: number, machine = 62): string {
  const view = new DataView(rules.buffer, rules.byteOffset + 8 * id, 8)
  const name = RULE_NAMES[view.getUint8(0)] ?? `kind ${view.getUint8(0)}`
  const [sum, fpOffset, aux] = [2, 4, 6].map((at) => view.getInt16(at, true)) as [number, number, number]
  const fp = ['', ` fp@c${signed(fpOffset)}`, ` fp@fp${signed(fpOffset)}`][view.getUint8(1)]
  switch (name) {
    case 'sp':
    case 'fp':
    case 'lr':
      return `${name}${signed(sum)}${fp}${machine === 183 ? arm64Aux(aux) : bx(aux)}`
    case 'register': {
      const words = aux >> 5
      return `${REGISTERS[aux & 31]}${signed(sum)}${fp}${words === -1024 ? ' bx?' : bx(8 * words)}`
    }
    case 'indexed':
      return `*(sp${signed(8 * (aux >> 5))}+${REGISTERS[aux & 31]}*8)${signed(sum)}${fp}`
    case 'other_stack':
      return `other${signed(sum)}${fp}`
    case 'go_depth':
      return `goroutine at sp${signed(aux)}${signed(sum)}${fp}`
    case 'go_current':
      return `goroutine at fs${signed(fpOffset)} ${8 * (aux & 63)} ${8 * (aux >> 6)} ${sum}`
    case 'deref':
    case 'deref_sp':
      return `*(${name === 'deref' ? 'fp' : 'sp'}${signed(aux)})${signed(sum)}${fp}`
    case 'sp_far':
      return `sp${signed(aux * 65_536 + sum)}${fp}`
    case 'plt':
      return `plt${aux}`
    default:
      return name
  }
}

const arm64Aux = (aux: number) => (aux === 0 ? '' : ` ra@c${signed(aux)}`)

function bx(offset: number): string {
  if (offset === BX_LOST) return ' bx?'
  return offset === BX_SAME ? '' : ` bx@c${signed(offset)}`
}

const signed = (value: number) => (value < 0 ? `${value}` : `+${value}`)

function withLength(body: readonly number[], isExtended: boolean): number[] {
  return isExtended
    ? [0xff, 0xff, 0xff, 0xff, ...word(body.length, 8), ...body]
    : [...word(body.length, 4), ...body]
}

function word(value: number, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, i) =>
    Number((BigInt.asUintN(64, BigInt(value)) >> BigInt(8 * i)) & 0xffn),
  )
}

/** Little-endian groups of 7 bits. */
export function uleb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...uleb(Math.floor(value / 128))]
}

// What does a code object say of itself? Name, file, first line and table of lines, read from the memory of a living
// process, which may show us anything: each part is bounded, and what does not look like what it should be is refused.
import { cleanText } from '../host/text.ts'
import type { Layout } from './layout.ts'

/** Reads memory of a process; shorter than asked where it ends, undefined where there is none. */
export type ReadMemory = (address: number, bytes: number) => Uint8Array | undefined

/** What tells a code object from another one that was made later at its place. */
export interface CodeHead {
  readonly firstLine: number
  readonly file: number
  readonly name: number
  readonly qualifiedName: number
  readonly lines: number
  /** Instructions of 2 bytes; to 3.10 where they stand, as a pointer. */
  readonly size: number
}

export interface CodeObject {
  readonly head: CodeHead
  /** "Class.method", "outer.<locals>.inner"; before 3.11 "method". */
  readonly name: string
  readonly file: string
  readonly lines: Uint8Array
  /** Its length in units of 2 bytes. */
  readonly units: number
}

const TEXT_CHARS_MAX = 1024 // PATH_MAX is 4,096, and nobody reads that far
const LINES_BYTES_MAX = 16 * 1024 // a module of some thousand statements; longer ones keep their first line only

/** Reads the head of a code object; undefined: there is none. */
export function readCodeHead(read: ReadMemory, address: number, { code }: Layout): CodeHead | undefined {
  const bytes = read(address, code.bytes)
  if (bytes?.length !== code.bytes) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const pointer = (at: number) => view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true)
  return {
    firstLine: view.getInt32(code.firstLine, true),
    file: pointer(code.file),
    name: pointer(code.name),
    qualifiedName: code.qualifiedName === 0 ? 0 : pointer(code.qualifiedName),
    lines: pointer(code.lines),
    size: pointer(code.size),
  }
}

export const isSameHead = (one: CodeHead, other: CodeHead): boolean =>
  one.firstLine === other.firstLine &&
  one.file === other.file &&
  one.name === other.name &&
  one.qualifiedName === other.qualifiedName &&
  one.lines === other.lines &&
  one.size === other.size

/** Reads what the head points to; undefined where its texts are none.  cost 5 to 7 reads */
export function readCodeObject(read: ReadMemory, head: CodeHead, layout: Layout): CodeObject | undefined {
  const name =
    (head.qualifiedName === 0 ? undefined : readPythonText(read, head.qualifiedName, layout)) ??
    readPythonText(read, head.name, layout)
  const file = readPythonText(read, head.file, layout)
  if (name === undefined || file === undefined) return undefined
  const units = layout.code.instructions === 0 ? bytesLength(read, head.size) / 2 : head.size
  return {
    head,
    name: cleanText(name),
    file: cleanText(file),
    lines: readPythonBytes(read, head.lines),
    units,
  }
}

const LENGTH = 16 // of a text and of bytes: behind reference count and type
const STATE = 32
const BYTES_START = 32
const ASCII_GUESS = 96 // most names and paths: one read
// How many bits stand before `kind` in the state: `interned` has 2, or 8 in free-threaded builds, or 16 since.
const STATE_SHIFTS = [2, 8, 16]

/** A str of Python; undefined where there is none, or one that is not compact. */
export function readPythonText(
  read: ReadMemory,
  address: number,
  { asciiBytes, compactBytes }: Pick<Layout, 'asciiBytes' | 'compactBytes'>,
): string | undefined {
  if (address === 0) return undefined
  const head = read(address, compactBytes + ASCII_GUESS)
  if (head === undefined || head.length < asciiBytes) return undefined
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
  const length = view.getUint32(LENGTH, true)
  if (view.getUint32(LENGTH + 4, true) !== 0) return undefined
  const state = view.getUint32(STATE, true)
  const shift = STATE_SHIFTS.find(
    (bits) => [1, 2, 4].includes((state >>> bits) & 7) && (state >>> (bits + 3)) & 1,
  )
  if (shift === undefined) return undefined
  const charBytes = (state >>> shift) & 7
  const isAscii = ((state >>> (shift + 4)) & 1) === 1
  const start = isAscii ? asciiBytes : compactBytes
  const bytes = Math.min(length, TEXT_CHARS_MAX) * charBytes
  const chars =
    start + bytes <= head.length ? head.subarray(start, start + bytes) : read(address + start, bytes)
  return chars?.length === bytes ? decode(chars, charBytes) : undefined
}

function decode(chars: Uint8Array, charBytes: number): string {
  const bytes = Buffer.from(chars.buffer, chars.byteOffset, chars.byteLength)
  if (charBytes === 1) return bytes.toString('latin1')
  if (charBytes === 2) return bytes.toString('utf16le')
  let text = ''
  for (let at = 0; at < bytes.length; at += 4) {
    const point = bytes.readUInt32LE(at)
    text += point <= 0x10ffff ? String.fromCodePoint(point) : '\ufffd'
  }
  return text
}

/** Of bytes of Python; 0 where there are none. */
function bytesLength(read: ReadMemory, address: number): number {
  const head = address === 0 ? undefined : read(address, BYTES_START)
  if (head?.length !== BYTES_START) return 0
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
  return view.getUint32(LENGTH + 4, true) === 0 ? view.getUint32(LENGTH, true) : 0
}

function readPythonBytes(read: ReadMemory, address: number): Uint8Array {
  const length = bytesLength(read, address)
  if (length > LINES_BYTES_MAX) return new Uint8Array()
  return read(address + BYTES_START, length)?.slice() ?? new Uint8Array()
}

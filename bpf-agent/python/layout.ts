// How does each version of CPython lay out what we walk and read? Up to 3.12 a table, as the compiler computes it from the
// headers of a release (`offsetof`, x86-64; arm64 aligns alike); from 3.13 on the interpreter tells it itself.
// Refuses versions nobody has looked at: a wrong offset would be a wrong name.
import { failure, type Result, success } from '#profile/model/result'

/** enum python_kind of bpf/abi.h. */
export type FrameKind = 'PYTHON_FRAME_OBJECTS' | 'PYTHON_C_FRAMES' | 'PYTHON_ENTRY_FRAMES'

/** Offsets in bytes. */
export interface Layout {
  /** "3.11". */
  readonly version: string
  /** Of the pointer to the first interpreter, in _PyRuntime. */
  readonly interpreters: number
  readonly interpreterNext: number
  readonly interpreterThreads: number
  readonly threadNext: number
  readonly threadId: number
  readonly threadFrame: number
  /** The thread leads to a struct whose first word is the frame. */
  readonly isIndirect: boolean
  readonly kind: FrameKind
  readonly frame: {
    readonly bytes: number
    readonly code: number
    readonly back: number
    readonly instruction: number
    /** Who owns a frame, or whether it is a call's first; 0: neither is asked. */
    readonly entry: number
    /** Of a counted instruction, in units of 2 >> shift bytes. */
    readonly unitShift: number
  }
  readonly code: {
    readonly bytes: number
    readonly firstLine: number
    /** How many instructions, or to 3.10 the pointer to them. */
    readonly size: number
    readonly file: number
    readonly name: number
    /** 0: there is none, before 3.11. */
    readonly qualifiedName: number
    readonly lines: number
    /** Of the first instruction; 0: instructions are counted by the frame. */
    readonly instructions: number
  }
  readonly lines: 'lnotab' | 'ranges' | 'locations'
  /** Of the characters of a compact text: ASCII, and others. */
  readonly asciiBytes: number
  readonly compactBytes: number
}

const FRAME_OBJECTS = {
  interpreters: 32,
  ...{ interpreterNext: 0, interpreterThreads: 8, threadNext: 8, threadId: 176, threadFrame: 24 },
  isIndirect: false,
  kind: 'PYTHON_FRAME_OBJECTS',
  code: {
    bytes: 128,
    firstLine: 40,
    size: 48,
    file: 104,
    name: 112,
    qualifiedName: 0,
    lines: 120,
    instructions: 0,
  },
  ...{ asciiBytes: 48, compactBytes: 72 },
} as const
const objectFrame = { bytes: 112, code: 32, back: 24, instruction: 104, entry: 0, unitShift: 1 }

const KNOWN: readonly Layout[] = [
  { version: '3.8', ...FRAME_OBJECTS, frame: objectFrame, lines: 'lnotab' },
  { version: '3.9', ...FRAME_OBJECTS, frame: objectFrame, lines: 'lnotab' },
  // The instruction is counted in units of 2 bytes.
  {
    version: '3.10',
    ...FRAME_OBJECTS,
    frame: { ...objectFrame, instruction: 96, unitShift: 0 },
    lines: 'ranges',
  },
  {
    version: '3.11',
    interpreters: 40,
    ...{ interpreterNext: 0, interpreterThreads: 16, threadNext: 8, threadId: 152, threadFrame: 56 },
    isIndirect: false,
    kind: 'PYTHON_C_FRAMES',
    frame: { bytes: 72, code: 32, back: 48, instruction: 56, entry: 68, unitShift: 0 },
    code: {
      bytes: 144,
      firstLine: 72,
      size: 16,
      file: 112,
      name: 120,
      qualifiedName: 128,
      lines: 136,
      instructions: 184,
    },
    lines: 'locations',
    ...{ asciiBytes: 48, compactBytes: 72 },
  },
  {
    version: '3.12',
    interpreters: 40,
    ...{ interpreterNext: 0, interpreterThreads: 72, threadNext: 8, threadId: 136, threadFrame: 56 },
    isIndirect: true,
    kind: 'PYTHON_ENTRY_FRAMES',
    frame: { bytes: 72, code: 0, back: 8, instruction: 56, entry: 70, unitShift: 0 },
    code: {
      bytes: 144,
      firstLine: 68,
      size: 16,
      file: 112,
      name: 120,
      qualifiedName: 128,
      lines: 136,
      instructions: 192,
    },
    lines: 'locations',
    ...{ asciiBytes: 40, compactBytes: 56 },
  },
]

/** Versions that tell their own offsets and were looked at: a frame may be owned in new ways in later ones. */
const SELF_DESCRIBING = ['3.13', '3.14']

/** The layout of a version that does not tell it.  in  version  "3.11" */
export function knownLayout(version: string): Layout | undefined {
  return KNOWN.find((layout) => layout.version === version)
}

const COOKIE = 'xdebugpy'
/** What is read of an interpreter that describes itself. */
export const SELF_DESCRIPTION_BYTES = 1024
const OFFSET_MAX = 65_536 // PyInterpreterState has some 300 KB in 3.13, but what we ask for stands in its first 8
const FRAME_BYTES_MAX = 128 // PYTHON_FRAME_BYTES of bpf/abi.h
const CODE_BYTES_MAX = 1024

/** The version that _PyRuntime begins with, "3.13"; undefined before 3.13. */
export function describedVersion(bytes: Uint8Array): string | undefined {
  if (bytes.length < 16 || Buffer.from(bytes.subarray(0, 8)).toString('latin1') !== COOKIE) return undefined
  return versionText(new DataView(bytes.buffer, bytes.byteOffset).getUint32(8, true))
}

/** PY_VERSION_HEX as "3.13". */
export const versionText = (hex: number): string => `${hex >>> 24}.${(hex >>> 16) & 0xff}`

/** The layout that an interpreter of 3.13 or 3.14 tells of itself: words of 8 bytes, in groups that begin with the size of
 *  a struct. Later releases put further words into a group, so each group is known by the words that never changed.
 *  in   bytes  of the file where _PyRuntime begins
 *  out  why not: it is another version, or a group is not as it was ever seen */
export function describedLayout(bytes: Uint8Array): Result<Layout> {
  const version = describedVersion(bytes)
  if (version === undefined || !SELF_DESCRIBING.includes(version))
    return failure(`no offsets for ${version ?? 'this version'}`)
  const words = wordsOf(bytes)
  const RUNTIME = 3
  const INTERPRETER = 6
  // thread_state {size, prev 0, next 8, interp 16}, interpreter_frame {size, previous 8, executable 0, instr_ptr …},
  // code_object {size, filename, name, qualname, linetable}: the last four follow each other.
  const thread = find(
    words,
    INTERPRETER + 8,
    (i) => words[i + 1] === 0 && words[i + 2] === 8 && words[i + 3] === 16,
  )
  const frame = find(
    words,
    thread + 8,
    (i) => words[i + 1] === 8 && words[i + 2] === 0 && words[i + 3] === 56,
  )
  const code = find(
    words,
    frame + 6,
    (i) =>
      words[i + 2] === words[i + 1]! + 8 &&
      words[i + 3] === words[i + 1]! + 16 &&
      words[i + 4] === words[i + 1]! + 24,
  )
  if (thread === -1 || frame === -1 || code === -1)
    return failure(`no offsets for ${version} as this interpreter was built`)
  const layout: Layout = {
    version,
    interpreters: words[RUNTIME + 2]!,
    interpreterNext: words[INTERPRETER + 2]!,
    interpreterThreads: words[INTERPRETER + 3]!,
    threadNext: words[thread + 2]!,
    threadFrame: words[thread + 4]!,
    threadId: words[thread + 5]!,
    isIndirect: false,
    kind: 'PYTHON_ENTRY_FRAMES',
    frame: {
      bytes: 8 * (Math.floor(words[frame + 5]! / 8) + 1),
      ...{ back: words[frame + 1]!, code: words[frame + 2]!, instruction: words[frame + 3]! },
      entry: words[frame + 5]!,
      unitShift: 0,
    },
    code: {
      bytes: words[code + 4]! + 8,
      size: 16,
      ...{ file: words[code + 1]!, name: words[code + 2]!, qualifiedName: words[code + 3]! },
      ...{ lines: words[code + 4]!, firstLine: words[code + 5]!, instructions: words[code + 9]! },
    },
    lines: 'locations',
    ...{ asciiBytes: 40, compactBytes: 56 },
  }
  const isSane =
    [
      layout.interpreters,
      layout.interpreterNext,
      layout.interpreterThreads,
      layout.threadId,
      layout.threadFrame,
    ].every((offset) => offset % 8 === 0 && offset < OFFSET_MAX) &&
    layout.frame.entry >= 64 &&
    layout.frame.bytes < FRAME_BYTES_MAX &&
    layout.code.bytes < CODE_BYTES_MAX &&
    layout.code.firstLine < layout.code.bytes &&
    layout.code.instructions > layout.code.bytes &&
    layout.code.instructions < CODE_BYTES_MAX
  return isSane ? success(layout) : failure(`no offsets for ${version} as this interpreter was built`)
}

function wordsOf(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const words: number[] = []
  for (let at = 0; at + 8 <= bytes.length; at += 8)
    words.push(view.getUint32(at + 4, true) === 0 ? view.getUint32(at, true) : Number.NaN)
  return words
}

const GROUP_GAP_MAX = 12

/** The next group that fits; -1: none. */
function find(words: readonly number[], from: number, fits: (i: number) => boolean): number {
  if (from < 8) return -1 // the group before was not found
  for (let i = from; i < from + GROUP_GAP_MAX && i + 10 < words.length; i++)
    if (words[i]! > 0 && fits(i)) return i
  return -1
}

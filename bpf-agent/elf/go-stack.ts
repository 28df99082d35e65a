// Where in Go code does a walk by frame pointers miss a caller? Where the function has put nothing on the stack: its first
// instructions, its last ones, and all of a leaf that needs no frame. There the return address is on top of the stack, and
// the frame pointer is still the caller's.
//
//   CALL ─► [return address on top] ─► PUSHQ BP … the frame pointer leads to the caller … POPQ BP ─► [on top] RET
//
// Functions that switch stacks are the runtime's own, some hundred instructions in all: go-switch.ts reads them. Of others
// that write the stack pointer nothing is said, and nothing of code that is not Go: there the walk stays as it was.
import { failure, type Result, success } from '#profile/model/result'
import { textAt } from './byte-source.ts'
import { malformedAsFailure } from './elf-file.ts'
import {
  eachValue,
  entryOf,
  FLAG_ASSEMBLY,
  FLAG_TOP_FRAME,
  FLAG_WRITES_STACK_POINTER,
  readFunction,
  type Steps,
} from './go-records.ts'
import { type GoSwitch, SWITCHING_BYTES_MAX, stackPointerWritten, switchedCode } from './go-switch.ts'
import type { GoTable } from './go-table.ts'

/** The frame pointer leads to the caller, or nothing is known. */
export const GO_FRAME_POINTER = 0
/** The return address is on top of the stack (on arm64, in the link register), the frame pointer is the caller's. */
export const GO_BARE = 1
/** Nothing called this: stacks begin here. */
export const GO_OUTERMOST = 2
/** The frame pointer leads to the caller, which may be on another stack. */
export const GO_OTHER_STACK = 3
/** The first of kinds that each file has of its own: this and above, number of the switch. */
export const GO_SWITCHED = 4

/** Columns, ascending; each row is valid up to the next, the last is GO_FRAME_POINTER; neighbours differ. Short filling
 *  between functions may be said to be GO_BARE. */
export interface GoStackRows {
  /** ELF addresses. */
  readonly start: Float64Array
  readonly kind: Uint8Array
  /** What kinds from GO_SWITCHED on mean. */
  readonly switches: readonly GoSwitch[]
  /** Functions whose record or table was broken: nothing is said of them. */
  readonly broken: number
}

export interface GoStackBounds {
  readonly functionsMax: number
  readonly rowsMax: number
}
/** A program of 1.5 M functions has some 6 M rows; most have a hundredth of that. */
export const GO_STACK_BOUNDS: GoStackBounds = { functionsMax: 2 * 1024 * 1024, rowsMax: 8 * 1024 * 1024 }

const STEPS_MAX = 64 * 1024 * 1024 // of all functions, a few seconds of walking; real ones have five each
const FUNCTION_STEPS_MAX = 64 * 1024 // a millisecond; a function of 10,000 lines has some 100
const STEPS_PER_FUNCTION = 16 // what finding it costs, in steps of its table
const FILLING_BYTES_MAX = 64 // functions begin at multiples of at most that; to tell filling apart would double the rows
const NONE = -1
const STEPS_PER_SLICE = 8 * 1024 // half a millisecond
const SWITCHES_MAX = 16 // real files have two or three

/** Code of a file, by ELF address; undefined: not in the file. Throws MalformedError */
export type ReadCode = (address: number, length: number) => Uint8Array | undefined

/** Reads where Go functions have nothing on the stack.
 *  in   programEntry  ELF address at which the program begins; nobody calls the function there
 *       readCode      of x86-64: without it nothing is said of functions that switch stacks
 *  cost 1 to 4 µs a function, 9 bytes a row and as much again while they grow */
export function readGoStackRows(
  table: GoTable,
  bounds: GoStackBounds = GO_STACK_BOUNDS,
  programEntry = 0,
  readCode?: ReadCode,
): Result<GoStackRows> {
  const slices = goStackRowsInSlices(table, bounds, programEntry, readCode)
  for (;;) {
    const slice = slices.next()
    if (slice.done) return slice.value
  }
}

/** As `readGoStackRows`, a slice of about half a millisecond at a time. */
export function* goStackRowsInSlices(
  table: GoTable,
  { functionsMax, rowsMax }: GoStackBounds = GO_STACK_BOUNDS,
  programEntry = 0,
  readCode?: ReadCode,
): Generator<void, Result<GoStackRows>, void> {
  if (table.count > functionsMax)
    return failure(`${table.count} Go functions, at most ${functionsMax} are read`)
  const rows = createRows(rowsMax)
  let stepsLeft = STEPS_MAX
  let sliceEnd = stepsLeft - STEPS_PER_SLICE
  let broken = 0
  for (let row = 0; row < table.count; row++) {
    const before = rows.length
    const stepsMax = Math.min(FUNCTION_STEPS_MAX, stepsLeft)
    const steps = { left: stepsMax }
    if (!malformedAsFailure(() => addFunction({ table, row, rows, steps, programEntry, readCode })).ok) {
      broken++
      rows.cut(before)
      malformedAsFailure(() => rows.add(readFunction(table, row).entry, GO_FRAME_POINTER))
    }
    if (rows.isFull) return failure(`more than ${rowsMax} rows of Go functions`)
    stepsLeft -= stepsMax - steps.left + STEPS_PER_FUNCTION
    if (stepsLeft > sliceEnd) continue
    sliceEnd = stepsLeft - STEPS_PER_SLICE
    yield
  }
  malformedAsFailure(() => rows.add(table.text + entryOf(table, table.count), GO_FRAME_POINTER))
  return success({ ...rows.finish(), broken })
}

function addFunction(place: {
  readonly table: GoTable
  readonly row: number
  readonly rows: Rows
  readonly steps: Steps
  readonly programEntry: number
  readonly readCode: ReadCode | undefined
}): void {
  const { table, row, rows, steps, programEntry, readCode } = place
  const { entry, depths, flags, name } = readFunction(table, row)
  const isOutermost = (flags & FLAG_TOP_FRAME) !== 0 || (entry === programEntry && entry !== 0)
  const isSwitching = (flags & FLAG_WRITES_STACK_POINTER) !== 0
  const isUntold =
    isOutermost ||
    isSwitching ||
    depths === 0 ||
    (!saysWhoSwitches(table) && textAt(table.source, table.names, name).startsWith('runtime.'))
  if (isSwitching && !isOutermost && depths !== 0 && saysWhoSwitches(table)) {
    const text = textAt(table.source, table.names, name)
    const length = table.text + entryOf(table, row + 1) - entry
    const isShort = length > 0 && length <= SWITCHING_BYTES_MAX
    const code = isRuntime(text) && isShort ? readCode?.(entry, length) : undefined
    if (code !== undefined) {
      addSwitching({ table, rows, steps, name: text, entry, depths, code })
      return
    }
  }
  const isFromC = (flags & FLAG_ASSEMBLY) !== 0 && depths !== 0 && readCode !== undefined
  if (isFromC && textAt(table.source, table.names, name) === 'crosscall2') {
    addFrames({ table, rows, steps, entry, depths })
    return
  }
  if (isUntold) {
    rows.add(entry, isOutermost ? GO_OUTERMOST : GO_FRAME_POINTER)
    return
  }
  let start = entry
  eachValue(table, { place: depths, entry }, steps, (depth, end) => {
    rows.add(start, depth === 0 ? GO_BARE : GO_FRAME_POINTER)
    start = end
    return true
  })
  rows.close(start)
}

/** Whose frame pointers are kept even where the stack pointer is not: others use the register as they like. */
const isRuntime = (name: string) => name.startsWith('runtime.') || name === 'time.now'

/** A function that switches stacks: as others, as far as its own table is true, and by its code where it has switched. */
function addSwitching(place: {
  readonly table: GoTable
  readonly rows: Rows
  readonly steps: Steps
  readonly name: string
  readonly entry: number
  readonly depths: number
  readonly code: Uint8Array
}): void {
  const { table, rows, steps, name, entry, depths, code } = place
  const spans: { readonly end: number; readonly depth: number }[] = []
  eachValue(table, { place: depths, entry }, steps, (depth, end) => {
    spans.push({ end: end - entry, depth })
    return spans.length < code.length
  })
  const depthAt = (offset: number) => spans.find(({ end }) => offset < end)?.depth ?? 0
  // The table of a function without a frame is true until it writes the stack pointer.
  const isFrameless = spans.every(({ depth }) => depth === 0)
  const trueUntil = (isFrameless ? stackPointerWritten(code)?.end : undefined) ?? code.length
  const switched = switchedCode(name, code, depthAt)
  const kindAt = (offset: number): number => {
    const at = switched.find(({ start, end }) => offset >= start && offset < end)
    if (at !== undefined) return rows.kindOf(at.how)
    if (depthAt(offset) > 0) return GO_OTHER_STACK
    const isBack = switched.length > 0 && offset >= switched.at(-1)!.end
    return offset < trueUntil || isBack ? GO_BARE : GO_FRAME_POINTER
  }
  const last = spans.at(-1)?.end ?? 0
  const bounds = [
    0,
    trueUntil,
    ...spans.map(({ end }) => end),
    ...switched.flatMap(({ start, end }) => [start, end]),
  ]
  for (const bound of [...new Set(bounds)].sort((one, other) => one - other))
    if (bound < last) rows.add(entry + bound, kindAt(bound))
  rows.close(entry + last)
}

/** How C calls Go. Since Go 1.21 it saves the frame pointer twice, and the second time where a walk by frame pointers takes
 *  it for a return address. */
function addFrames(place: {
  readonly table: GoTable
  readonly rows: Rows
  readonly steps: Steps
  readonly entry: number
  readonly depths: number
}): void {
  const { table, rows, steps, entry, depths } = place
  let start = entry
  eachValue(table, { place: depths, entry }, steps, (depth, end) => {
    rows.add(start, depth === 0 ? GO_BARE : rows.kindOf({ kind: 'frame', depth }))
    start = end
    return true
  })
  rows.close(start)
}

/** Flags came with 1.17, whose table looks like that of 1.16. Before them the runtime itself is left alone, where stacks
 *  begin and are switched. */
const saysWhoSwitches = ({ version }: GoTable) => version >= 18

interface Rows {
  /** A row at an address; one at the same address replaces it, one that says the same or lies before the last is none. */
  add(address: number, kind: number): void
  /** A function ends: filling follows. If it is short, the next function's first row may begin here. */
  close(address: number): void
  /** Forgets all but the first rows. */
  cut(length: number): void
  readonly length: number
  readonly isFull: boolean
  /** The kind of code that has switched. */
  kindOf(how: GoSwitch): number
  finish(): Pick<GoStackRows, 'start' | 'kind' | 'switches'>
}

function createRows(rowsMax: number): Rows {
  let start = new Float64Array(1024)
  let kind = new Uint8Array(1024)
  let count = 0
  let closed = NONE
  const switches: GoSwitch[] = []

  const last = () => (count > 0 ? kind[count - 1]! : GO_FRAME_POINTER)

  function put(address: number, value: number): void {
    if (count > 0 && address < start[count - 1]!) return
    if (count > 0 && address === start[count - 1]) count--
    if (value === last() || count > rowsMax) return
    if (count === start.length) {
      const [longerStart, longerKind] = [new Float64Array(2 * count), new Uint8Array(2 * count)]
      longerStart.set(start)
      longerKind.set(kind)
      start = longerStart
      kind = longerKind
    }
    start[count] = address
    kind[count++] = value
  }

  function endFilling(address: number, value: number): void {
    const isShort = address >= closed && address - closed <= FILLING_BYTES_MAX
    if (closed !== NONE && !(isShort && value === last())) put(closed, GO_FRAME_POINTER)
    closed = NONE
  }

  return {
    add(address, value) {
      endFilling(address, value)
      put(address, value)
    },
    close(address) {
      closed = address
    },
    cut(length) {
      count = Math.min(count, length)
    },
    get length() {
      return count
    },
    get isFull() {
      return count > rowsMax
    },
    kindOf(how) {
      if (how.kind === 'outermost') return GO_OUTERMOST
      const known = switches.findIndex((one) => JSON.stringify(one) === JSON.stringify(how))
      if (known !== -1) return GO_SWITCHED + known
      if (switches.length === SWITCHES_MAX) return GO_FRAME_POINTER
      return GO_SWITCHED + switches.push(how) - 1
    },
    finish() {
      endFilling(Number.POSITIVE_INFINITY, GO_FRAME_POINTER)
      return { start: start.slice(0, count), kind: kind.slice(0, count), switches }
    },
  }
}

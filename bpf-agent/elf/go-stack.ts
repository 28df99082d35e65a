// Where in Go code does a walk by frame pointers miss a caller? Where the function has put nothing on the stack: its first
// instructions, its last ones, and all of a leaf that needs no frame. There the return address is on top of the stack, and
// the frame pointer is still the caller's.
//
//   CALL ─► [return address on top] ─► PUSHQ BP … the frame pointer leads to the caller … POPQ BP ─► [on top] RET
//
// Says nothing of functions that switch stacks, and nothing of code that is not Go: there the walk stays as it was.
import type { Result } from '#profile/model/result'
import { MalformedError } from './cursor.ts'
import { malformedAsFailure } from './elf-file.ts'
import {
  eachValue,
  FLAG_TOP_FRAME,
  FLAG_WRITES_STACK_POINTER,
  readFunction,
  type Steps,
} from './go-records.ts'
import type { GoTable } from './go-table.ts'

/** The frame pointer leads to the caller, or nothing is known. */
export const GO_FRAME_POINTER = 0
/** The return address is on top of the stack (on arm64, in the link register), the frame pointer is the caller's. */
export const GO_BARE = 1
/** Nothing called this: stacks begin here. */
export const GO_OUTERMOST = 2

/** Columns, ascending; each row is valid up to the next, the last is GO_FRAME_POINTER; neighbours differ. */
export interface GoStackRows {
  /** ELF addresses. */
  readonly start: Float64Array
  readonly kind: Uint8Array
  /** Functions whose record or table was broken: nothing is said of them. */
  readonly broken: number
}

export interface GoStackBounds {
  readonly functionsMax: number
  readonly rowsMax: number
}
/** A program of 1.5 M functions has some 6 M rows; most have a hundredth of that. */
export const GO_STACK_BOUNDS: GoStackBounds = { functionsMax: 2 * 1024 * 1024, rowsMax: 8 * 1024 * 1024 }

const STEPS_MAX = 32 * 1024 * 1024 // of all functions, a second of walking; real ones have five each

/** Reads where Go functions have nothing on the stack.
 *  cost 2 to 4 µs a function, 9 bytes a row and as much again while they grow */
export function readGoStackRows(
  table: GoTable,
  bounds: GoStackBounds = GO_STACK_BOUNDS,
): Result<GoStackRows> {
  return malformedAsFailure(() => {
    if (table.count > bounds.functionsMax)
      throw new MalformedError(`${table.count} Go functions, at most ${bounds.functionsMax} are read`)
    const rows = createRows(bounds.rowsMax)
    const steps = { left: STEPS_MAX }
    let broken = 0
    for (let row = 0; row < table.count; row++) {
      if (!malformedAsFailure(() => addFunction(table, row, rows, steps)).ok) broken++
      if (rows.isFull) throw new MalformedError(`more than ${bounds.rowsMax} rows of Go functions`)
    }
    return { ...rows.finish(), broken }
  })
}

function addFunction(table: GoTable, row: number, rows: Rows, steps: Steps): void {
  const code = readFunction(table, row)
  rows.add(code.entry, (code.flags & FLAG_TOP_FRAME) !== 0 ? GO_OUTERMOST : GO_FRAME_POINTER)
  if ((code.flags & (FLAG_TOP_FRAME | FLAG_WRITES_STACK_POINTER)) !== 0 || code.depths === 0) return
  let start = code.entry
  eachValue(table, { place: code.depths, entry: code.entry }, steps, (depth, end) => {
    rows.add(start, depth === 0 ? GO_BARE : GO_FRAME_POINTER)
    start = end
    return true
  })
  rows.add(start, GO_FRAME_POINTER) // what follows is filling, up to the next function
}

interface Rows {
  /** A row at an address; one at the same address replaces it, one that says the same or lies before the last is none. */
  add(address: number, kind: number): void
  readonly isFull: boolean
  finish(): Pick<GoStackRows, 'start' | 'kind'>
}

function createRows(rowsMax: number): Rows {
  let start = new Float64Array(1024)
  let kind = new Uint8Array(1024)
  let count = 0
  return {
    add(address, value) {
      if (count > 0 && address < start[count - 1]!) return
      if (count > 0 && address === start[count - 1]) count--
      const before = count > 0 ? kind[count - 1] : GO_FRAME_POINTER
      if (value === before || count > rowsMax) return
      if (count === start.length) {
        const [longerStart, longerKind] = [new Float64Array(2 * count), new Uint8Array(2 * count)]
        longerStart.set(start)
        longerKind.set(kind)
        start = longerStart
        kind = longerKind
      }
      start[count] = address
      kind[count++] = value
    },
    get isFull() {
      return count > rowsMax
    },
    finish: () => ({ start: start.slice(0, count), kind: kind.slice(0, count) }),
  }
}

// How does .eh_frame become a table? In three rounds over its functions, each a chain of small slices, so that a caller
// with other work can stop between any two:
//
//   walk     heads only: where does each FDE begin, in the section and in the code?
//   sort     by code address
//   run      the programs, in the order of the code: rows come sorted and go straight into their pages
//
// Sorting some 10,000 functions instead of 100,000s of rows keeps memory at the table's own size, and an FDE that begins
// inside another simply ends it. Where no FDE lies, Go code has rows of its own (go-code.ts). Refuses nothing in silence:
// what gives no row is counted.
import { failure, type Result, success } from '#profile/model/result'
import type { ByteSource } from '../elf/byte-source.ts'
import { Cursor, MalformedError } from '../elf/cursor.ts'
import { readElf } from '../elf/elf-file.ts'
import { GO_STACK_BOUNDS, type GoStackRows } from '../elf/go-stack.ts'
import { CfaProgram, type StateSink } from './cfa-program.ts'
import { type Cie, Entries, REFUSED_CIE, readCie, readFdeRange, readFdeStart } from './cfi.ts'
import {
  type CompiledTable,
  REFUSED_REASONS,
  type RefusedReason,
  type TableCounts,
  UNSUPPORTED_REASONS,
  type UnsupportedReason,
} from './compiled-table.ts'
import { type EhFrame, findEhFrame } from './find-eh-frame.ts'
import { STATE_SIZE, StateToRule } from './frame-state.ts'
import { findGoCode, GoFiller } from './go-code.ts'
import { PageRows } from './page-rows.ts'
import { FP_SAME, GAP_RULE, RULE_SIGNAL, RuleTable } from './rule.ts'
import { findTrampolines, type Trampoline } from './signal-trampoline.ts'
import { sortByKey } from './sort.ts'

const SIGNAL_RULE = { kind: RULE_SIGNAL, fpKind: FP_SAME, cfa: 0, fpOffset: 0, aux: 0 }
const SLICE_BYTES = 16 * 1024 // of .eh_frame: half a millisecond, so a caller's budget is kept within that
const ADDRESSES_MAX = 2 ** 31 // of code in one file; addresses are kept as 31 bits above the first page
const PAGE_BYTES = 65_536
const FDES_MAX = 2 * 1024 * 1024 // the largest binaries known have 0.6 million
const CIES_MAX = 65_536 // linkers merge equal ones: real files have 1 to 300
const ROWS_MAX = 4 * 1024 * 1024 // half of what the sampler holds for the whole host; ClickHouse has 2.8 million
const GO_BOUNDS = { ...GO_STACK_BOUNDS, rowsMax: 3 * 1024 * 1024 } // the rest is for what is not Go
const GO_ROWS_PER_STEP = 4096 // a quarter of a millisecond
const ROW_BYTES = 4 // what a row costs, in bytes of .eh_frame
const FDE_BYTES_MAX = 256 * 1024 // a program runs in one go: 25 ms at the very worst
const MALFORMED_MAX = 10_000 // each costs some microseconds; a file with so many is not a table

/** Compiles in steps. `step` works for about `budgetMs` (half a millisecond more at most, and the read of the table in
 *  the first step), and gives the result when it is finished.
 *  in      nowMs  a clock that never jumps
 *  throws  what reading the source throws besides MalformedError */
export function startCompilation(source: ByteSource, nowMs: () => number): Steps {
  return inSteps(compileInSlices(source), nowMs)
}

/** A compilation between other work. */
export interface Steps {
  step(budgetMs: number): Result<CompiledTable> | undefined
}

/** Goes through slices of work for about as long as it may, each time it is asked. */
export function inSteps(slices: Generator<void, Result<CompiledTable>, void>, nowMs: () => number): Steps {
  return {
    step(budgetMs) {
      const endMs = nowMs() + budgetMs
      for (;;) {
        const slice = slices.next()
        if (slice.done) return slice.value
        if (nowMs() >= endMs) return undefined
      }
    },
  }
}

/** The unwind table of an ELF file, in one go.
 *  out   a table without rows when the file has none; failure: why it is refused
 *  cost  0.2 to 0.3 µs a row: libc 10 ms, node 100 ms */
export function compileUnwindTable(source: ByteSource): Result<CompiledTable> {
  const slices = compileInSlices(source)
  for (;;) {
    const slice = slices.next()
    if (slice.done) return slice.value
  }
}

/** As `compileUnwindTable`, a slice of about half a millisecond at a time. */
export function* compileInSlices(source: ByteSource): Generator<void, Result<CompiledTable>, void> {
  const elf = readElf(source)
  if (!elf.ok) return elf
  const ehFrame = findEhFrame(elf.value)
  if (!ehFrame.ok) return ehFrame
  if (ehFrame.value === undefined) return success(emptyTable())
  yield
  const { architecture } = ehFrame.value
  const trampolines = yield* orNone(findTrampolines(elf.value, architecture))
  const go = yield* findGoCode(elf.value, GO_BOUNDS)
  return yield* compileEhFrame(ehFrame.value, { trampolines, go })
}

interface BesideEhFrame {
  readonly trampolines?: readonly Trampoline[]
  readonly go?: Result<GoStackRows | undefined>
  readonly rowsMax?: number
}

/** As `compileInSlices`, of a table already found.
 *  in  trampolines  of signals, by rising address; used where no FDE covers them
 *      go           rows of Go code, or why there are none; used where neither FDE nor trampoline lies
 *      rowsMax      more are refused */
export function* compileEhFrame(
  ehFrame: EhFrame,
  beside: BesideEhFrame = {},
): Generator<void, Result<CompiledTable>, void> {
  const compiler = new Compiler(ehFrame, beside)
  const refused = (yield* compiler.walk()) ?? (yield* compiler.run())
  return refused === undefined ? success(compiler.table()) : failure(refused)
}

/** A file shorter than its headers say may have rows all the same. */
function* orNone(
  search: Generator<void, readonly Trampoline[], void>,
): Generator<void, readonly Trampoline[], void> {
  try {
    return yield* search
  } catch (error) {
    if (error instanceof MalformedError) return []
    throw error
  }
}

class Compiler implements StateSink {
  readonly #ehFrame: EhFrame
  readonly #cursor: Cursor
  readonly #entries: Entries
  readonly #program: CfaProgram
  readonly #cies = new Map<number, KnownCie>()
  readonly #rules = new RuleTable()
  readonly #stateToRule: StateToRule
  readonly #rows: PageRows
  readonly #trampolines: readonly Trampoline[]
  readonly #go: GoFiller | undefined
  readonly #basePage: number
  readonly #base: number // its address: all code addresses are kept relative to it
  readonly #textEnd: number // above the base
  readonly #counts = noCounts()
  #starts = new Uint32Array(1024) // of the FDEs that may give rows, above the base
  #offsets = new Uint32Array(1024) // of the same in the section
  #n = 0

  constructor(
    ehFrame: EhFrame,
    { trampolines = [], go = success(undefined), rowsMax = ROWS_MAX }: BesideEhFrame,
  ) {
    this.#rows = new PageRows(rowsMax)
    this.#trampolines = trampolines
    const { bytes, architecture, address, textStart, textEnd } = ehFrame
    this.#ehFrame = ehFrame
    this.#cursor = new Cursor(bytes, { name: '.eh_frame', isLittleEndian: true })
    this.#entries = new Entries(this.#cursor)
    this.#basePage = Math.floor(textStart / PAGE_BYTES)
    this.#base = this.#basePage * PAGE_BYTES
    this.#textEnd = Math.min(textEnd - this.#base, ADDRESSES_MAX)
    this.#program = new CfaProgram({ cursor: this.#cursor, architecture, address, base: this.#base })
    this.#stateToRule = new StateToRule(this.#rules, architecture)
    this.#go = this.#fillerOf(go)
  }

  #fillerOf(go: Result<GoStackRows | undefined>): GoFiller | undefined {
    if (!go.ok) this.#counts.go = { broken: 0, refused: go.error.message }
    if (!go.ok || go.value === undefined) return undefined
    this.#counts.go = { broken: go.value.broken, refused: undefined }
    return new GoFiller(go.value, {
      base: this.#base,
      textEnd: this.#textEnd,
      rows: this.#rows,
      rules: this.#rules,
      architecture: this.#ehFrame.architecture,
    })
  }

  /** Reads all heads and CIEs.  out  why the table is refused */
  *walk(): Generator<void, string | undefined, void> {
    const entries = this.#entries
    const { bytes, isOpenEnded } = this.#ehFrame
    let sliceEnd = SLICE_BYTES
    for (let offset = 0; offset + 4 <= bytes.length; offset = entries.end) {
      if (offset >= sliceEnd) {
        sliceEnd = offset + SLICE_BYTES
        yield
      }
      try {
        const isEntry = entries.readAt(offset)
        if (!isEntry && isOpenEnded) break
        if (!isEntry) continue
      } catch (error) {
        if (!(error instanceof MalformedError)) throw error
        this.#counts.refused.malformed++
        break // without its length there is no next entry
      }
      const refused = this.#takeEntry()
      if (refused !== undefined) return refused
    }
    return undefined
  }

  /** Runs the programs by rising address.  out  why the table is refused */
  *run(): Generator<void, string | undefined, void> {
    const { keys: starts, values: offsets } = yield* sortByKey({
      keys: this.#starts.subarray(0, this.#n),
      values: this.#offsets.subarray(0, this.#n),
    })
    let bytesLeft = SLICE_BYTES
    yield* this.#fillGap(0, starts[0] ?? ADDRESSES_MAX)
    for (let i = 0; i < starts.length; i++) {
      const next = i + 1 < starts.length ? starts[i + 1]! : ADDRESSES_MAX
      const end = this.#runFde(offsets[i]!, { start: starts[i]!, next })
      bytesLeft -= this.#entries.end - offsets[i]!
      const rowsBefore = this.#rows.length
      const filled = this.#gap(end, next)
      if (filled < next) yield* this.#fillGap(filled, next)
      bytesLeft -= ROW_BYTES * Math.max(0, this.#rows.length - rowsBefore)
      if (this.#rows.isFull) break
      const refused = this.#refusedForMalformed()
      if (refused !== undefined) return refused
      if (bytesLeft <= 0) {
        bytesLeft = SLICE_BYTES
        yield
      }
    }
    return this.#rows.isFull
      ? `.eh_frame${this.#go ? ' and Go code give' : ' gives'} more than ${this.#rows.rowsMax} rows; its stacks go by frame pointers`
      : undefined
  }

  table(): CompiledTable {
    const columns = this.#rows.finish()
    const counts = { ...this.#counts, pagesTooDense: this.#rows.pagesTooDense }
    return { basePage: this.#basePage, ...columns, rules: this.#rules.toBytes(), counts }
  }

  state(pc: number, state: Int32Array, isSignal: boolean): void {
    const id = this.#stateToRule.idOf(state, isSignal)
    const { reason } = this.#stateToRule
    if (reason !== undefined) this.#counts.unsupported[reason]++
    this.#rows.row(pc, id)
  }

  /** Notes the entry read last.  out  why the table is refused */
  #takeEntry(): string | undefined {
    const { refused } = this.#counts
    if (this.#entries.cieOffset === -1) {
      if (this.#cies.size === CIES_MAX)
        return `.eh_frame has more than ${CIES_MAX} CIEs; its stacks go by frame pointers`
      this.#cies.set(this.#entries.offset, this.#readCie())
      return undefined
    }
    this.#counts.fdes++
    const reason = this.#noteFde()
    if (reason !== undefined) refused[reason]++
    if (this.#n > FDES_MAX) return `.eh_frame has more than ${FDES_MAX} FDEs; its stacks go by frame pointers`
    return this.#refusedForMalformed()
  }

  #refusedForMalformed(): string | undefined {
    return this.#counts.refused.malformed > MALFORMED_MAX
      ? `.eh_frame has more than ${MALFORMED_MAX} malformed FDEs; its stacks go by frame pointers`
      : undefined
  }

  #readCie(): KnownCie {
    try {
      const cie = readCie(this.#cursor, this.#entries)
      const isOurs = cie.returnAddressColumn === this.#ehFrame.architecture.returnAddress
      if (cie.refused !== undefined || !isOurs) return refusedCie(cie.refused ?? 'encoding')
      if (cie.programEnd - cie.programStart > FDE_BYTES_MAX) return refusedCie('too_long')
      return { refused: undefined, cie, initial: this.#program.initialState(cie) }
    } catch (error) {
      if (error instanceof MalformedError) return refusedCie('malformed')
      throw error
    }
  }

  /** Keeps where an FDE begins.  out  why it gives no rows */
  #noteFde(): RefusedReason | undefined {
    const { cieOffset, offset, end } = this.#entries
    const known = this.#cies.get(cieOffset) // only what was read as an entry: CIEs stand before their FDEs
    if (known === undefined) return 'malformed'
    if (known.refused !== undefined) return known.refused
    if (end - offset > FDE_BYTES_MAX) return 'too_long'
    const { textStart, textEnd, address } = this.#ehFrame
    try {
      const start = readFdeStart(this.#cursor, this.#entries, { cie: known.cie, address })
      const isInside = start >= textStart && start < textEnd && start - this.#base < ADDRESSES_MAX
      if (!isInside) return 'outside'
      this.#push(start - this.#base, offset)
      return undefined
    } catch (error) {
      if (error instanceof MalformedError) return 'malformed'
      throw error
    }
  }

  /** Gives the rows of one FDE.  in  place.next  where the next one begins     out  where its code ends */
  #runFde(offset: number, place: { readonly start: number; readonly next: number }): number {
    const entries = this.#entries
    const { start, next } = place
    const { refused } = this.#counts
    let pcEnd = start
    try {
      entries.readAt(offset)
      const { cie, initial } = this.#cies.get(entries.cieOffset)!
      readFdeStart(this.#cursor, entries, { cie, address: this.#ehFrame.address })
      const range = readFdeRange(this.#cursor, entries, cie)
      const end = Math.min(start + range, this.#textEnd)
      if (!(start + range > start) || start + range > ADDRESSES_MAX)
        refused[range === 0 ? 'outside' : 'malformed']++
      else {
        if (end > next) refused.overlap++
        pcEnd = Math.min(end, next)
        this.#program.run({ cie, initial, pc: start, pcEnd, end: entries.end, sink: this })
      }
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error
      refused.malformed++
    }
    return pcEnd
  }

  /** As `#gap`, all of it. */
  *#fillGap(start: number, end: number): Generator<void, void, void> {
    for (let at = start; at < end && !this.#rows.isFull; ) {
      at = this.#gap(at, end)
      if (at < end) yield
    }
  }

  /** Code that no FDE covers: trampolines, Go. Trampolines are looked up at the return address minus 1.
   *  out  up to where its rows are written; the rest wants another call */
  #gap(start: number, end: number): number {
    if (start >= end) return end
    let free = start
    for (const trampoline of this.#trampolines) {
      const from = trampoline.start - 1 - this.#base
      // In the system call itself the program stands behind it: in Go on a trap, elsewhere perhaps on another function.
      const to = trampoline.end - this.#base + (this.#go === undefined ? 0 : 1)
      if (from < free || to > end) continue
      const filled = this.#fill(free, from)
      if (filled < from) return filled
      this.#rows.row(from, this.#rules.idOf(SIGNAL_RULE))
      free = to
    }
    return this.#fill(free, end)
  }

  #fill(start: number, end: number): number {
    if (this.#go !== undefined) return this.#go.fill(start, end, GO_ROWS_PER_STEP)
    this.#rows.row(start, GAP_RULE)
    return end
  }

  #push(start: number, offset: number): void {
    if (this.#n === this.#starts.length) {
      this.#starts = doubled(this.#starts)
      this.#offsets = doubled(this.#offsets)
    }
    this.#starts[this.#n] = start
    this.#offsets[this.#n++] = offset
  }
}

interface KnownCie {
  /** Set: its FDEs give no rows. */
  readonly refused: RefusedReason | undefined
  readonly cie: Cie
  readonly initial: Int32Array
}

/** A CIE whose FDEs give no rows. */
const refusedCie = (refused: RefusedReason): KnownCie => ({
  refused,
  cie: REFUSED_CIE,
  initial: new Int32Array(STATE_SIZE),
})

function doubled(column: Uint32Array): Uint32Array<ArrayBuffer> {
  const wider = new Uint32Array(2 * column.length)
  wider.set(column)
  return wider
}

function noCounts(): {
  fdes: number
  go?: NonNullable<TableCounts['go']>
  refused: Record<RefusedReason, number>
  unsupported: Record<UnsupportedReason, number>
} {
  const zeros = <Reason extends string>(reasons: readonly Reason[]) =>
    Object.fromEntries(reasons.map((reason) => [reason, 0])) as Record<Reason, number>
  return { fdes: 0, refused: zeros(REFUSED_REASONS), unsupported: zeros(UNSUPPORTED_REASONS) }
}

function emptyTable(): CompiledTable {
  return {
    basePage: 0,
    pageFirst: new Uint32Array(1),
    pc: new Uint16Array(0),
    rule: new Uint16Array(0),
    rules: new RuleTable().toBytes(),
    counts: { ...noCounts(), pagesTooDense: 0 },
  }
}

// Which code has Go's linker left without FDEs, and what is known of it? Go programs carry no .eh_frame; those with C in
// them have both. Go keeps frame pointers, so rows are needed only where a walk by them would lose a caller (elf/go-stack.ts)
// or not see that it has arrived.
//
//   GO_FRAME_POINTER ─► gap: one step by frame pointer      GO_BARE ─► sp + 8      GO_OUTERMOST ─► root
import { type Result, success } from '#profile/model/result'
import type { ElfFile } from '../elf/elf-file.ts'
import {
  GO_BARE,
  GO_OUTERMOST,
  GO_STACK_BOUNDS,
  type GoStackBounds,
  type GoStackRows,
  goStackRowsInSlices,
} from '../elf/go-stack.ts'
import { goTableInSlices } from '../elf/go-table.ts'
import type { Architecture } from './architecture.ts'
import type { PageRows } from './page-rows.ts'
import { FP_SAME, GAP_RULE, RULE_LR, RULE_ROOT, RULE_SP, type RuleTable } from './rule.ts'

/** Rows of a file's Go code.
 *  out     undefined: it has none; failure: why its table is refused, the file's FDEs are as good as before
 *  cost    1 to 4 µs a function, in slices of half a millisecond
 *  throws  what reading the source throws besides MalformedError */
export function* findGoCode(
  elf: ElfFile,
  bounds: GoStackBounds = GO_STACK_BOUNDS,
): Generator<void, Result<GoStackRows | undefined>, void> {
  const table = yield* goTableInSlices(elf)
  if (!table.ok) return table
  return table.value === undefined
    ? success(undefined)
    : yield* goStackRowsInSlices(table.value, bounds, elf.entry)
}

/** Lays those rows into the places of code that no FDE covers. Places come by rising address. */
export class GoFiller {
  readonly #start: Float64Array
  readonly #kind: Uint8Array
  readonly #base: number
  readonly #textEnd: number
  readonly #rows: PageRows
  readonly #ruleOf: readonly number[]
  #next = 0 // the first row above what was filled

  /** in   base, textEnd  all places are relative to the first and end at the second
   *       rules          takes at most two more */
  constructor(
    { start, kind }: Pick<GoStackRows, 'start' | 'kind'>,
    place: {
      readonly base: number
      readonly textEnd: number
      readonly rows: PageRows
      readonly rules: RuleTable
      readonly architecture: Architecture
    },
  ) {
    const { base, textEnd, rows, rules, architecture } = place
    this.#start = start
    this.#kind = kind
    this.#base = base
    this.#textEnd = textEnd
    this.#rows = rows
    const rest = { fpKind: FP_SAME, fpOffset: 0, aux: 0 }
    const bare =
      architecture.name === 'arm64' ? { kind: RULE_LR, cfa: 0, ...rest } : { kind: RULE_SP, cfa: 8, ...rest }
    const ruleOf = [GAP_RULE, GAP_RULE, GAP_RULE]
    ruleOf[GO_BARE] = rules.idOf(bare)
    ruleOf[GO_OUTERMOST] = rules.idOf({ kind: RULE_ROOT, cfa: 0, ...rest })
    this.#ruleOf = ruleOf
  }

  /** Writes what is valid from an address on, and at most `rowsMax` rows above it.
   *  in   end   nothing is written there
   *  out  up to where all is written */
  fill(start: number, end: number, rowsMax: number): number {
    const last = Math.min(end, this.#textEnd)
    if (start >= last) {
      this.#rows.row(start, GAP_RULE)
      return end
    }
    while (this.#addressOf(this.#next) <= start) this.#next++
    this.#rows.row(start, this.#next === 0 ? GAP_RULE : this.#ruleOf[this.#kind[this.#next - 1]!]!)
    for (let i = 0; i < rowsMax; i++) {
      const address = this.#addressOf(this.#next)
      if (address >= last) {
        if (last < end) this.#rows.row(last, GAP_RULE)
        return end
      }
      this.#rows.row(address, this.#ruleOf[this.#kind[this.#next++]!]!)
    }
    return Math.min(last, this.#addressOf(this.#next))
  }

  #addressOf(row: number): number {
    return row < this.#start.length ? this.#start[row]! - this.#base : Number.POSITIVE_INFINITY
  }
}

// Which code has Go's linker left without FDEs, and what is known of it? Go programs carry no .eh_frame; those with C in
// them have both. Go keeps frame pointers, so rows are needed only where a walk by them would lose a caller (elf/go-stack.ts)
// or not see that it has arrived.
//
//   GO_FRAME_POINTER ─► gap: one step by frame pointer      GO_BARE ─► sp + 8      GO_OUTERMOST ─► root
//   GO_OTHER_STACK ─► as the step, but without its guards   GO_SWITCHED ─► as the function's code says
import { type Result, success } from '#profile/model/result'
import { type ElfFile, fileOffsetOfAddress } from '../elf/elf-file.ts'
import {
  GO_BARE,
  GO_OTHER_STACK,
  GO_OUTERMOST,
  GO_STACK_BOUNDS,
  type GoStackBounds,
  type GoStackRows,
  goStackRowsInSlices,
  type ReadCode,
} from '../elf/go-stack.ts'
import type { GoSwitch } from '../elf/go-switch.ts'
import { goTableInSlices } from '../elf/go-table.ts'
import type { Architecture } from './architecture.ts'
import type { PageRows } from './page-rows.ts'
import {
  BX_LOST,
  currentAux,
  FP_AT_CFA,
  FP_SAME,
  GAP_RULE,
  RULE_DEREF_SP,
  RULE_GO_CURRENT,
  RULE_GO_DEPTH,
  RULE_LR,
  RULE_OTHER_STACK,
  RULE_ROOT,
  RULE_SP,
  type RuleTable,
} from './rule.ts'

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
    : yield* goStackRowsInSlices(table.value, bounds, elf.entry, codeReader(elf))
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
   *       rules          takes at most three more, and one for each switch */
  constructor(
    { start, kind, switches }: Pick<GoStackRows, 'start' | 'kind' | 'switches'>,
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
    ruleOf[GO_OTHER_STACK] = rules.idOf({
      kind: RULE_OTHER_STACK,
      fpKind: FP_AT_CFA,
      cfa: 16,
      fpOffset: -16,
      aux: 0,
    })
    for (const how of switches) ruleOf.push(ruleOfSwitch(how, rules))
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

const MACHINE_X86_64 = 62
/** Code by its address; of other machines none is read. */
function codeReader(elf: ElfFile): ReadCode | undefined {
  if (elf.machine !== MACHINE_X86_64) return undefined
  return (address, length) => {
    const offset = fileOffsetOfAddress(elf, address)
    return offset === undefined ? undefined : elf.source.read(offset, length)
  }
}

/** Frames that were put on the old stack begin with the caller's frame pointer.  out  the gap: it fits no rule */
function ruleOfSwitch(how: GoSwitch, rules: RuleTable): number {
  const words = (
    kind: number,
    rule: { readonly cfa: number; readonly fpOffset?: number; readonly aux: number },
  ) => {
    const offsets = { fpOffset: 0, ...rule }
    const isHeld = Object.values(offsets).every((value) => value === (value << 16) >> 16)
    if (!isHeld) return GAP_RULE
    const fpKind = rule.fpOffset === undefined || kind === RULE_GO_CURRENT ? FP_SAME : FP_AT_CFA
    const id = rules.idOf({ kind, fpKind, ...offsets })
    return id === -1 ? GAP_RULE : id
  }
  switch (how.kind) {
    case 'outermost':
      return rules.idOf({ kind: RULE_ROOT, fpKind: FP_SAME, cfa: 0, fpOffset: 0, aux: 0 })
    case 'frame':
      return words(RULE_SP, { cfa: how.depth + 8, fpOffset: -16, aux: BX_LOST })
    case 'goroutine':
    case 'kept': {
      const frame = how.depth === 0 ? {} : { fpOffset: -16 }
      const kind = how.kind === 'kept' ? RULE_DEREF_SP : RULE_GO_DEPTH
      return words(kind, { cfa: how.depth + 8, ...frame, aux: how.place })
    }
    case 'current': {
      const aux = currentAux(how)
      return aux === undefined
        ? GAP_RULE
        : words(RULE_GO_CURRENT, { cfa: how.kept, fpOffset: how.variable, aux })
    }
  }
}

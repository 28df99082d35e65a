// Who called this, in a stack that was copied? The walk of bpf/unwind.h once more, step by step and rule by rule, over
// registers and memory that a sample has brought along. Its law: the same tables, registers and memory give the same
// frames, the same end and the same steps as the C does, which bpf/replay demands of every snapshot it walks.
//
// Addresses are bigint, since the C counts modulo 2^64 and hostile memory reaches every corner of that. It is for the few
// samples that nobody could publish in time.
import {
  BX_LOST,
  BX_SAME,
  FP_AT_CFA,
  FP_SAME,
  RULE_DEREF,
  RULE_DEREF_SP,
  RULE_FP,
  RULE_GAP,
  RULE_GO_CURRENT,
  RULE_GO_DEPTH,
  RULE_INDEXED,
  RULE_LR,
  RULE_OTHER_STACK,
  RULE_PLT,
  RULE_REGISTER,
  RULE_SIGNAL,
  RULE_SP,
  RULE_SP_FAR,
  RULE_UNSUPPORTED,
  readCurrentAux,
  readIndexedAux,
  readRegisterAux,
} from '../dwarf/rule.ts'
import type { VmaRow } from './kernel-tables.ts'
import { ROW_ABSENT, type RowReader, type Rule } from './row-reader.ts'
import { type Arch, REGISTERS } from './user-registers.ts'

export interface WalkStart {
  readonly pc: bigint
  readonly sp: bigint
  readonly fp: bigint
  readonly lr: bigint
  /** x86-64: fs, where the thread's own variables end; undefined: unknown. */
  readonly thread: bigint | undefined
  /** All registers of the leaf, by their places. */
  readonly leaf: BigUint64Array
}
/** Memory of the process. */
export interface WalkMemory {
  /** The 8 bytes at an address; undefined: they could not be read. */
  word(address: bigint): bigint | undefined
}
export interface WalkTables extends Pick<RowReader, 'range' | 'rowAt' | 'ruleAt'> {
  /** The mapping that holds an address below 2^53. */
  vmaAt(pc: number): VmaRow | undefined
}
/** Names of `enum stop_reason`. */
export type WalkStop =
  | 'fp_zero'
  | 'depth'
  | 'bad_fp'
  | 'read_fault'
  | 'pc_zero'
  | 'root'
  | 'no_mapping'
  | 'copy_ended'
/** Names of `enum step_kind`. */
export type StepKind = 'row' | 'signal' | 'fp_anonymous' | 'fp_no_page' | 'fp_gap' | 'fp_unsupported'

export interface Walked {
  /** Addresses to look up, leaf first: as struct record of bpf/abi.h has them. */
  readonly frames: readonly bigint[]
  readonly stop: WalkStop
  readonly steps: Readonly<Partial<Record<StepKind, number>>>
}

const FRAME_BYTES_MAX = 1n << 20n
const PAGE_ROWS_MAX = 8191
const ADDRESS_MAX = 1n << 53n
/** Values of `bxAt` that are no address. */
const [BX_IN_LEAF, BX_NOWHERE] = [BigInt(BX_SAME), BigInt(BX_LOST)]

const u64 = (value: bigint) => BigInt.asUintN(64, value)

interface Walk {
  pc: bigint
  sp: bigint
  fp: bigint
  lr: bigint
  bxAt: bigint
  vma: VmaRow | undefined
  /** pc came by frame pointer: it may be anything. */
  isGuess: boolean
  /** pc is where the frame goes on, not the byte before. */
  isExact: boolean
}
/** How a frame's caller is found: a rule, `entered` by a return, or why the frame pointer is all there is. */
type Found = Rule | 'entered' | StepKind

/** Walks a stack of a process whose mappings are known.
 *  in    framesMax  where it ends with `depth`
 *  cost  some 0.5 µs per frame, and what the tables cost */
export function walkSnapshot(parts: {
  readonly start: WalkStart
  readonly memory: WalkMemory
  readonly tables: WalkTables
  readonly arch: Arch
  readonly framesMax: number
}): Walked {
  const { memory, tables, arch, framesMax } = parts
  const { pc, sp, fp, lr, thread, leaf } = parts.start
  const layout = REGISTERS[arch]
  const walk: Walk = {
    ...{ pc, sp, fp, lr, bxAt: BX_IN_LEAF },
    ...{ vma: undefined, isGuess: false, isExact: true },
  }
  const frames: bigint[] = []
  const steps: Partial<Record<StepKind, number>> = {}
  const codeAddress = arch === 'arm64' ? (address: bigint) => BigInt.asUintN(48, address) : u64

  function read(address: bigint): bigint | undefined {
    return memory.word(u64(address))
  }

  /** A return address was found: the call is before it. */
  function goTo(
    returnAddress: bigint,
    { sp, fp, isGuess }: { readonly sp: bigint; readonly fp: bigint; readonly isGuess: boolean },
  ): WalkStop | undefined {
    const caller = codeAddress(returnAddress)
    if (caller === 0n) return 'pc_zero'
    walk.pc = caller - 1n
    walk.sp = u64(sp)
    walk.fp = fp
    walk.lr = 0n
    walk.isGuess = isGuess
    walk.isExact = false
    return undefined
  }

  /** The guards demand fp ≥ sp of the frame: every step climbs, so a chain that bites its tail ends. */
  function byFramePointer(): WalkStop | undefined {
    const { sp } = walk
    if (walk.fp === 0n) return 'fp_zero'
    // Go before 1.21 parks the frame pointer below the stack, where it points to the true one.
    const fp = walk.fp === u64(sp - 16n) ? read(walk.fp) : walk.fp
    if (fp === undefined) return 'read_fault'
    if ((fp & 7n) !== 0n || fp < sp || fp - sp > FRAME_BYTES_MAX) return 'bad_fp'
    const callers = read(fp)
    const returnAddress = callers === undefined ? undefined : read(fp + 8n)
    if (callers === undefined || returnAddress === undefined) return 'read_fault'
    walk.bxAt = BX_NOWHERE
    return goTo(returnAddress, { sp: fp + 16n, fp: callers, isGuess: true })
  }

  /** The kernel put the interrupted registers on the stack; they may belong to another one. */
  function toInterrupted(): WalkStop | undefined {
    const { signal } = layout
    const saved: bigint[] = []
    for (let i = 0; i < signal.words; i++) {
      const word = read(walk.sp + signal.at + 8n * BigInt(i))
      if (word === undefined) return 'read_fault'
      saved.push(word)
    }
    walk.bxAt = u64(walk.sp + signal.bx)
    walk.pc = codeAddress(saved[signal.pc]!)
    walk.sp = saved[signal.sp]!
    walk.fp = saved[signal.fp]!
    walk.lr = signal.lr === undefined ? 0n : saved[signal.lr]!
    walk.isGuess = false
    walk.isExact = true
    return walk.pc === 0n ? 'pc_zero' : undefined
  }

  /** In the leaf all registers are known; later rbx alone is followed. */
  function knowsRegister(place: number): boolean {
    if (frames.length === 1) return place < layout.words
    return place === layout.bx && walk.bxAt !== BX_NOWHERE
  }

  function readRegister(place: number): bigint | undefined {
    return frames.length > 1 && walk.bxAt !== BX_IN_LEAF ? read(walk.bxAt) : leaf[place]
  }

  /** in  bx        where rbx of the caller is, as aux of RULE_SP says it
   *      mayLeave  to another stack; whether that was one, nothing says */
  function byCfa(rule: Rule, cfa: bigint, bx: number, mayLeave = false): WalkStop | undefined {
    if (cfa <= walk.sp && !mayLeave) return 'bad_fp' // stacks grow down
    if (bx === BX_LOST) walk.bxAt = BX_NOWHERE
    else if (bx !== BX_SAME) walk.bxAt = u64(cfa + BigInt(bx))
    const returnAddress = read(cfa + (arch === 'arm64' ? BigInt(rule.aux) : -8n))
    if (returnAddress === undefined) return 'read_fault'
    let fp: bigint | undefined = walk.fp
    if (rule.fpKind !== FP_SAME) fp = read((rule.fpKind === FP_AT_CFA ? cfa : walk.fp) + BigInt(rule.fpOff))
    return fp === undefined ? 'read_fault' : goTo(returnAddress, { sp: cfa, fp, isGuess: mayLeave })
  }

  /** Where the thread's current goroutine has left its own stack. */
  function leftStack({ cfa, fpOff, aux }: Rule): bigint | undefined {
    const places = readCurrentAux(aux)
    let at = thread
    for (const offset of [fpOff, places.thread, places.current, cfa])
      at = at === undefined ? undefined : read(at + BigInt(offset))
    return at
  }

  function byRule(rule: Rule): WalkStop | undefined {
    const { sp, fp } = walk
    const [cfa, aux] = [BigInt(rule.cfa), BigInt(rule.aux)]
    switch (rule.kind) {
      case RULE_SP:
      case RULE_FP:
        return byCfa(
          rule,
          u64((rule.kind === RULE_FP ? fp : sp) + cfa),
          layout.followsBx ? rule.aux : BX_LOST,
        )
      case RULE_OTHER_STACK:
        return byCfa(rule, u64(fp + cfa), BX_LOST, true)
      case RULE_PLT:
        return byCfa(rule, u64(sp + (Number(walk.pc & 15n) >= rule.aux ? 16n : 8n)), BX_SAME)
      case RULE_SP_FAR:
        return byCfa(rule, u64(sp + aux * 65_536n + cfa), BX_LOST)
      case RULE_DEREF:
      case RULE_DEREF_SP: {
        const saved = read((rule.kind === RULE_DEREF ? fp : sp) + aux)
        return saved === undefined ? 'read_fault' : byCfa(rule, u64(saved + cfa), BX_LOST)
      }
      case RULE_REGISTER: {
        const { place, bx } = readRegisterAux(rule.aux)
        const value = readRegister(place)
        return value === undefined ? 'read_fault' : byCfa(rule, u64(value + cfa), bx)
      }
      case RULE_INDEXED: {
        const { place, base } = readIndexedAux(rule.aux)
        const index = readRegister(place)
        const saved = index === undefined ? undefined : read(sp + BigInt(base) + index * 8n)
        return saved === undefined ? 'read_fault' : byCfa(rule, u64(saved + cfa), BX_LOST)
      }
      case RULE_GO_DEPTH: {
        const depth = read(sp + aux)
        const goroutine = depth === undefined ? undefined : read(sp + aux + 8n)
        const end = goroutine === undefined ? undefined : read(goroutine + 8n)
        if (depth === undefined || end === undefined) return 'read_fault'
        return byCfa(rule, u64(end + cfa - depth), BX_LOST, true)
      }
      case RULE_GO_CURRENT: {
        const left = leftStack(rule)
        return left === undefined ? 'read_fault' : byCfa(rule, u64(left + 8n), BX_LOST, true)
      }
      case RULE_LR: // only in a leaf: elsewhere lr is zero
        return goTo(walk.lr, { sp: sp + cfa, fp, isGuess: false })
      case RULE_SIGNAL:
        return toInterrupted()
      default:
        return 'root'
    }
  }

  /** Whether a rule says how to go on from here; else the frame pointer has to. */
  function leadsOn({ kind, aux }: Rule): boolean {
    if (kind === RULE_GAP || kind === RULE_UNSUPPORTED || kind > RULE_INDEXED) return false
    return (kind !== RULE_REGISTER && kind !== RULE_INDEXED) || knowsRegister(readRegisterAux(aux).place)
  }

  function toCaller(found: Found): WalkStop | undefined {
    if (found === 'entered') return 'root'
    const rule = typeof found === 'object' ? found : undefined
    let how: StepKind
    let stop: WalkStop | undefined
    if (rule && leadsOn(rule)) {
      how = rule.kind === RULE_SIGNAL ? 'signal' : 'row'
      stop = byRule(rule)
    } else {
      if (rule) how = rule.kind === RULE_GAP ? 'fp_gap' : 'fp_unsupported'
      else how = found as StepKind
      stop = byFramePointer()
    }
    if (stop === undefined) steps[how] = (steps[how] ?? 0) + 1
    return stop
  }

  for (;;) {
    if (frames.length >= framesMax) return { frames, stop: 'depth', steps }
    const vma = vmaOf(tables, walk)
    if (vma === undefined && walk.isGuess) return { frames, stop: 'no_mapping', steps }
    const found = vma && findRule(tables, walk, vma)
    frames.push(walk.pc)
    const stop = found === undefined ? 'no_mapping' : toCaller(found)
    if (stop !== undefined) return { frames, stop, steps }
  }
}

/** Most frames lie in the mapping of the frame before. */
function vmaOf(tables: WalkTables, walk: Walk): VmaRow | undefined {
  if (walk.pc >= ADDRESS_MAX) return undefined
  const pc = Number(walk.pc)
  const { vma } = walk
  if (vma && pc >= vma.start && pc < vma.start + vma.lenPages * 4096) return vma
  const found = tables.vmaAt(pc)
  if (found) walk.vma = found
  return found
}

/** The rule that is valid where a frame is. What is entered by a return is moved to its own address: the byte before
 *  belongs to something else. */
function findRule(tables: WalkTables, walk: Walk, vma: VmaRow): Found {
  const found = ruleOf(tables, vma, { pc: Number(walk.pc), isExact: walk.isExact })
  const isEntered = found === 'entered' || (typeof found === 'object' && found.kind === RULE_SIGNAL)
  if (isEntered && !walk.isExact) {
    walk.pc++
    walk.isExact = true
  }
  return found
}

interface Place {
  readonly pc: number
  readonly isExact: boolean
}

function ruleOf(tables: WalkTables, vma: VmaRow, { pc, isExact }: Place): Found {
  if (vma.nPages === 0) return 'fp_anonymous'
  const vaddr = pc - vma.bias
  const page = Math.floor(vaddr / 65_536) - vma.pageBase
  if (page < 0 || page >= vma.nPages) return 'fp_no_page'
  const range = tables.range(vma.firstPage + page)
  const [first, n] = [range[0]!, range[1]!]
  if (n === 0) return 'fp_no_page'
  const low = vaddr - Math.floor(vaddr / 65_536) * 65_536
  const id = findRuleId(tables, { first, n }, { pc: low, isExact })
  return id === 'entered' ? id : (tables.ruleAt(id) ?? 'fp_gap')
}

/** Halvings from the first row up, as the C does: they end at the last row that is not above the address. */
function findRuleId(
  tables: WalkTables,
  { first, n }: { readonly first: number; readonly n: number },
  { pc, isExact }: Place,
): number | 'entered' {
  const key = ((pc << 16) | 0xfffe) >>> 0
  const rowAt = (i: number) => tables.rowAt((first + i) >>> 0)
  let found = 0
  for (let step = (PAGE_ROWS_MAX + 1) / 2; step >= 1; step /= 2) {
    const probe = found + step
    if ((probe < n ? rowAt(probe) : ROW_ABSENT) <= key) found = probe
  }
  const row = rowAt(found)
  if (row > key) return 0
  if ((row & 0xffff) !== 0 || isExact || found + 1 >= n) return row & 0xffff
  // No function is here, and one begins at the very next byte: nobody has called anything, it was a return to there.
  const next = rowAt(found + 1)
  return next >>> 16 === pc + 1 && (next & 0xffff) !== 0 ? 'entered' : 0
}

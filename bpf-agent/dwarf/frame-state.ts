// Where is everything at one address? The state of a CFA program, cut down to what a stack needs: the CFA, and how the
// caller's return address, frame pointer, stack pointer and, on x86-64, rbx are found: the loader's resolvers hang on it.
// Other registers are read and forgotten.
//
// A state is 10 numbers in an Int32Array, so that remembering one is a copy and a row costs no object.
import type { Architecture } from './architecture.ts'
import type { UnsupportedReason } from './compiled-table.ts'
import {
  BX_LOST,
  BX_SAME,
  FP_AT_CFA,
  FP_AT_FP,
  FP_SAME,
  RULE_DEREF,
  RULE_DEREF_SP,
  RULE_FP,
  RULE_INDEXED,
  RULE_LR,
  RULE_PLT,
  RULE_REGISTER,
  RULE_ROOT,
  RULE_SIGNAL,
  RULE_SP,
  RULE_SP_FAR,
  type RuleTable,
  registerAux,
  UNSUPPORTED_RULE,
} from './rule.ts'

export const STATE_SIZE = 10
// Positions in a state.
export const CFA_KIND = 0
export const CFA_REGISTER = 1 // of CFA_DEREF: what is added before the load
export const CFA_OFFSET = 2
export const RA_KIND = 3
export const RA_OFFSET = 4
export const FP_KIND = 5
export const FP_OFFSET = 6
export const SP_KIND = 7
export const BX_KIND = 8
export const BX_OFFSET = 9

// Kinds of CFA.
export const CFA_NONE = 0
export const CFA_SUM = 1 // register + offset
export const CFA_PLT = 2 // sp + 8, 8 more where (pc & 15) >= offset
export const CFA_DEREF = 3 // *(fp + register) + offset
export const CFA_DEREF_SP = 4 // *(sp + register) + offset
export const CFA_OTHER = 5
export const CFA_INDEXED = 6 // *(sp + words * 8 + register * 8) + offset; in place of the register: both, as aux has them

// How a register of the caller is found.
export const SAME = 0 // never touched
export const UNDEFINED = 1
export const AT_CFA = 2 // at CFA + offset
export const AT_FP = 3 // at fp + offset
export const AT_SP = 4 // at sp + offset
export const ELSEWHERE = 5

/** What does not fit 32 bits is far beyond every frame; this fits no rule either. */
export const OFFSET_HUGE = 0x7fffffff
const SIGNAL_RETURN_ADDRESS = 168 // x86-64: uc_mcontext.rip above the stack pointer of the trampoline

/** Turns states into rules, and says why it could not. One per file. */
export class StateToRule {
  readonly #rules: RuleTable
  readonly #architecture: Architecture
  /** Why the last call of `idOf` gave UNSUPPORTED; undefined when it did not. */
  reason: UnsupportedReason | undefined

  constructor(rules: RuleTable, architecture: Architecture) {
    this.#rules = rules
    this.#architecture = architecture
  }

  /** in   isSignal  the CIE says that its functions are signal trampolines
   *  out  the rule's number */
  idOf(state: Int32Array, isSignal: boolean): number {
    this.reason = undefined
    if (state[RA_KIND] === UNDEFINED) return this.#intern(RULE_ROOT, FP_SAME, 0, 0, 0)
    if (isSignal && this.#isKernelFrame(state)) return this.#intern(RULE_SIGNAL, FP_SAME, 0, 0, 0)
    if (state[SP_KIND] !== SAME) return this.#unsupported('stack_pointer')
    return this.#ofFrame(state)
  }

  /** Is this the frame that the kernel builds for a handler? On x86-64 the expressions say so; on arm64 the CFI of the
   *  trampoline leads to the link register instead of the interrupted address, so the mark alone counts. */
  #isKernelFrame(state: Int32Array): boolean {
    if (this.#architecture.name === 'arm64') return true
    return state[RA_KIND] === AT_SP && state[RA_OFFSET] === SIGNAL_RETURN_ADDRESS
  }

  #ofFrame(state: Int32Array): number {
    const isArm = this.#architecture.name === 'arm64'
    const raKind = state[RA_KIND]!
    const raOffset = state[RA_OFFSET]!
    const isInLink = isArm && raKind === SAME
    if (!isInLink && (raKind !== AT_CFA || (!isArm && raOffset !== -8)))
      return this.#unsupported('return_address')
    let kind = isInLink ? RULE_LR : RULE_SP
    let aux = isArm ? (isInLink ? 0 : raOffset) : bxOf(state)
    let cfa = state[CFA_OFFSET]!
    switch (state[CFA_KIND]) {
      case CFA_SUM:
        if (state[CFA_REGISTER] === this.#architecture.sp) {
          if (isArm || cfa === (cfa << 16) >> 16 || cfa === OFFSET_HUGE) break
          kind = RULE_SP_FAR
          aux = (cfa + 0x8000) >> 16 // so that what is left has 16 bits with sign
          cfa -= aux * 0x10000
          break
        }
        if (state[CFA_REGISTER] === this.#architecture.fp && !isInLink) {
          kind = RULE_FP
          break
        }
        {
          const place = this.#architecture.places[state[CFA_REGISTER]!]
          if (place === undefined) return this.#unsupported('cfa_register')
          kind = RULE_REGISTER
          aux = registerAux(place, aux)
        }
        break
      case CFA_PLT:
        kind = RULE_PLT
        aux = cfa
        cfa = 0
        break
      case CFA_INDEXED:
        kind = RULE_INDEXED
        aux = state[CFA_REGISTER]!
        break
      case CFA_DEREF:
      case CFA_DEREF_SP:
        if (isArm) return this.#unsupported('cfa_expression')
        kind = state[CFA_KIND] === CFA_DEREF ? RULE_DEREF : RULE_DEREF_SP
        aux = state[CFA_REGISTER]!
        break
      default:
        return this.#unsupported('cfa_expression')
    }
    let fpKind = FP_SAME
    let fpOffset = 0
    switch (state[FP_KIND]) {
      case SAME:
      case UNDEFINED: // nobody above may ask for it
        break
      case AT_CFA:
        fpKind = FP_AT_CFA
        fpOffset = state[FP_OFFSET]!
        break
      case AT_FP:
        fpKind = FP_AT_FP
        fpOffset = state[FP_OFFSET]!
        break
      default:
        return this.#unsupported('frame_pointer')
    }
    // Both are saved by one instruction: a leaf that has saved the one alone is not worth a read in the sampler.
    if (isInLink && fpKind !== FP_SAME) return this.#unsupported('frame_pointer')
    return this.#intern(kind, fpKind, cfa, fpOffset, aux)
  }

  #intern(kind: number, fpKind: number, cfa: number, fpOffset: number, aux: number): number {
    if ((cfa << 16) >> 16 !== cfa || (fpOffset << 16) >> 16 !== fpOffset || (aux << 16) >> 16 !== aux)
      return this.#unsupported('offset')
    const id = this.#rules.idOfWords(kind | (fpKind << 8) | (cfa << 16), (fpOffset & 0xffff) | (aux << 16))
    return id === -1 ? this.#unsupported('rules_full') : id
  }

  #unsupported(reason: UnsupportedReason): number {
    this.reason = reason
    return UNSUPPORTED_RULE
  }
}

/** Where rbx of the caller is, as aux of RULE_SP says it. */
function bxOf(state: Int32Array): number {
  if (state[BX_KIND] === SAME) return BX_SAME
  const offset = state[BX_OFFSET]!
  const isHeld = state[BX_KIND] === AT_CFA && (offset & 7) === 0 && offset === (offset << 16) >> 16
  return isHeld && offset !== 0 ? offset : BX_LOST
}

// What can a rule say? The few shapes that nearly every frame has, in 8 bytes that the sampler reads as they are. Each
// distinct rule of a file stands once; a row names it by its number.
//
//   byte 0 kind   1 fp_kind   2-3 cfa   4-5 fp_off   6-7 aux         struct rule of bpf/abi.h, little-endian

/** How the caller is found. CFA: the caller's stack pointer at the call. Numbers are those of `enum rule_kind`. */
export const RULE_SP = 0 // CFA = sp + cfa
export const RULE_FP = 1 // CFA = fp + cfa
export const RULE_PLT = 2 // CFA = sp + 8, and 8 more where (pc & 15) >= aux: a lazy stub that has pushed
export const RULE_ROOT = 3 // nobody called this: a clean end
export const RULE_GAP = 4 // no function is known here
export const RULE_UNSUPPORTED = 5 // there is a rule, and it fits no kind
export const RULE_SIGNAL = 6 // a signal's trampoline: the interrupted registers stand on the stack
export const RULE_DEREF = 7 // CFA = *(fp + aux) + cfa: a function that realigned its stack
export const RULE_LR = 8 // arm64: CFA = sp + cfa, the return address is still in x30
export const RULE_DEREF_SP = 9 // CFA = *(sp + aux) + cfa: hand-written code that aligned its stack (OpenSSL)
export const RULE_SP_FAR = 10 // x86-64: CFA = sp + aux * 65536 + cfa: more than 32 KiB of local variables
export const RULE_REGISTER = 11 // x86-64: CFA = register + cfa: hand-written code; aux: see registerAux
export const RULE_OTHER_STACK = 12 // as RULE_FP, and the caller may be on another stack
export const RULE_GO_DEPTH = 13 // CFA = *(*(sp + aux + 8) + 8) - *(sp + aux) + cfa: Go's call of C
export const RULE_GO_CURRENT = 14 // CFA = *(current goroutine + cfa) + 8: see currentAux; fp_off: of the thread's variable
export const RULE_INDEXED = 15 // x86-64: CFA = *(sp + words * 8 + register * 8) + cfa; aux: registerAux(place, 8 * words)

/** Where the caller's frame pointer is. Numbers are those of `enum fp_kind`. */
export const FP_SAME = 0 // in the register
export const FP_AT_CFA = 1 // at CFA + fp_off
export const FP_AT_FP = 2 // at fp + fp_off: a realigned frame cannot say it from the CFA

/** x86-64: where rbx of the caller is, aux of RULE_SP and RULE_FP; any other number: at CFA + aux. */
export const BX_SAME = 0 // in the register
export const BX_LOST = 1 // nobody knows

const PLACE_BITS = 5
const BX_UNIT = 8

/** aux of RULE_REGISTER: the register's place in struct pt_regs, and above it where rbx is, in words.
 *  in   bx  as aux of RULE_SP says it; what does not fit is lost */
export function registerAux(place: number, bx: number): number {
  const words = bx === BX_SAME ? 0 : bx / BX_UNIT
  const isHeld = Number.isInteger(words) && Math.abs(words) < 1 << (15 - PLACE_BITS)
  return place | ((isHeld ? words : BX_WORDS_LOST) << PLACE_BITS)
}
const BX_WORDS_LOST = -1 << (15 - PLACE_BITS)

/** Turns registerAux around.  out  bx  as aux of RULE_SP says it */
export function readRegisterAux(aux: number): { readonly place: number; readonly bx: number } {
  const words = aux >> PLACE_BITS
  return { place: aux & ((1 << PLACE_BITS) - 1), bx: words === BX_WORDS_LOST ? BX_LOST : words * BX_UNIT }
}

/** The same of RULE_INDEXED: above the place stands where the vector begins, in bytes from the stack pointer. */
export function readIndexedAux(aux: number): { readonly place: number; readonly base: number } {
  return { place: aux & ((1 << PLACE_BITS) - 1), base: (aux >> PLACE_BITS) * WORD_BYTES }
}

const WORD_BYTES = 8
const CURRENT_BITS = 6

/** aux of RULE_GO_CURRENT: where the thread's structure stands in what runs, and the current goroutine in that.
 *  out  undefined: these places fit no rule */
export function currentAux({ thread, current }: { readonly thread: number; readonly current: number }) {
  const [low, high] = [thread / WORD_BYTES, current / WORD_BYTES]
  const isPlace = (words: number, bits: number) => Number.isInteger(words) && words >= 0 && words < 1 << bits
  if (!isPlace(low, CURRENT_BITS) || !isPlace(high, 15 - CURRENT_BITS)) return undefined
  return low | (high << CURRENT_BITS)
}

/** Turns currentAux around. */
export const readCurrentAux = (aux: number) => ({
  thread: (aux & ((1 << CURRENT_BITS) - 1)) * WORD_BYTES,
  current: (aux >> CURRENT_BITS) * WORD_BYTES,
})

export const RULE_BYTES = 8
/** Rule 0 of every file. */
export const GAP_RULE = 0
/** Rule 1 of every file: so that there is always room for it. */
export const UNSUPPORTED_RULE = 1
const RULES_MAX = 8191 // what the sampler's map holds for the whole host; real files have 50 to 800
const SLOTS = 16_384 // twice RULES_MAX: a look-up ends after two probes

/** Interns rules. One per file. */
export class RuleTable {
  readonly #slots = new Uint16Array(SLOTS) // number of the rule; 0: free, since the gap is never looked up
  #words = new Int32Array(2 * 64) // two per rule
  #n = 0

  constructor() {
    this.idOf({ kind: RULE_GAP, fpKind: FP_SAME, cfa: 0, fpOffset: 0, aux: 0 })
    this.idOf({ kind: RULE_UNSUPPORTED, fpKind: FP_SAME, cfa: 0, fpOffset: 0, aux: 0 })
  }

  get size(): number {
    return this.#n
  }

  /** The rule's number; -1 when the table is full. All three offsets fit 16 bits with sign (the caller checks).
   *  cost no allocation, but for a new rule */
  idOf(rule: {
    readonly kind: number
    readonly fpKind: number
    readonly cfa: number
    readonly fpOffset: number
    readonly aux: number
  }): number {
    return this.idOfWords(
      rule.kind | (rule.fpKind << 8) | (rule.cfa << 16),
      (rule.fpOffset & 0xffff) | (rule.aux << 16),
    )
  }

  /** As `idOf`, of the rule as two little-endian words. */
  idOfWords(first: number, second: number): number {
    let slot = ((Math.imul(first, 0x9e3779b1) ^ Math.imul(second, 0x85ebca6b)) >>> 18) & (SLOTS - 1)
    for (let id = this.#slots[slot]!; id !== 0; id = this.#slots[slot]!) {
      if (this.#words[2 * id] === first && this.#words[2 * id + 1] === second) return id
      slot = (slot + 1) & (SLOTS - 1)
    }
    if (this.#n === RULES_MAX) return -1
    if (2 * this.#n === this.#words.length) {
      const words = new Int32Array(2 * this.#words.length)
      words.set(this.#words)
      this.#words = words
    }
    const id = this.#n++
    this.#words[2 * id] = first
    this.#words[2 * id + 1] = second
    this.#slots[slot] = id
    return id
  }

  /** All rules, 8 bytes each, in the order of their numbers. */
  toBytes(): Uint8Array {
    const bytes = new Uint8Array(RULE_BYTES * this.#n)
    const view = new DataView(bytes.buffer)
    for (let i = 0; i < 2 * this.#n; i++) view.setInt32(4 * i, this.#words[i]!, true)
    return bytes
  }
}

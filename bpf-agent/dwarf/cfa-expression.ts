// What does an expression say? Compilers and linkers write a handful of them; these are known by their bytes, and what
// is another is not calculated.
//
//   CFA of a lazy PLT stub     breg sp 8; breg16 0; lit15; and; lit N; ge; lit3; shl; plus     sp + 8 + ((pc & 15) >= N) * 8
//   CFA of a realigned frame   breg fp n; deref; [plus_uconst m]                               *(fp + n) + m
//   the same, hand-written     breg sp n; deref; [plus_uconst m]                               *(sp + n) + m
//   the same, of an index      breg sp n; breg r 0; lit8; mul; plus; deref; [plus_uconst m]     *(sp + n + r * 8) + m
//   a register's place         breg fp n,  breg sp n                                           fp + n, sp + n
import type { Cursor } from '../elf/cursor.ts'
import type { Architecture } from './architecture.ts'
import {
  AT_FP,
  AT_SP,
  CFA_DEREF,
  CFA_DEREF_SP,
  CFA_INDEXED,
  CFA_KIND,
  CFA_OFFSET,
  CFA_OTHER,
  CFA_PLT,
  CFA_REGISTER,
  ELSEWHERE,
  OFFSET_HUGE,
  SP_KIND,
} from './frame-state.ts'
import { sleb } from './pointer.ts'
import { registerAux } from './rule.ts'

const DEREF = 0x06
const PLUS_UCONST = 0x23
const LIT0 = 0x30
const BREG0 = 0x70
/** Behind `breg r`: 0; lit8; mul; plus; deref. */
const INDEX = [0x00, LIT0 + 8, 0x1e, 0x22, DEREF] as const
/** The stub's expression behind `breg sp`; -1 stands for lit N. */
const PLT = [0x08, BREG0 + 16, 0x00, LIT0 + 15, 0x1a, -1, 0x2a, LIT0 + 3, 0x24, 0x22] as const

interface Block {
  readonly state: Int32Array
  /** Offset behind the expression, inside the section. */
  readonly end: number
  readonly architecture: Architecture
}

/** Puts the CFA of an expression into the state: CFA_PLT, CFA_DEREF or CFA_OTHER. The cursor stands at `end` then. */
export function readCfaExpression(cursor: Cursor, { state, end, architecture }: Block): void {
  state[CFA_KIND] = CFA_OTHER
  state[CFA_REGISTER] = 0
  state[CFA_OFFSET] = 0
  const first = cursor.at < end ? cursor.u8() : 0
  const isSp = first === BREG0 + architecture.sp
  if (isSp || first === BREG0 + architecture.fp) {
    const start = cursor.at
    const isPlt = isSp && architecture.name === 'x86-64' && readPlt(cursor, state, end)
    if (isPlt) cursor.seek(end)
    else readDeref(cursor.seek(start), { state, end, kind: isSp ? CFA_DEREF_SP : CFA_DEREF })
    if (isSp && state[CFA_KIND] === CFA_OTHER) readIndexed(cursor.seek(start), { state, end, architecture })
  }
  cursor.seek(end)
}

/** Puts a register's place into the state: AT_FP, AT_SP or ELSEWHERE.  in  slot  of its kind in the state */
export function readRegisterExpression(
  cursor: Cursor,
  { state, slot, end, architecture }: Block & { readonly slot: number },
): void {
  state[slot] = ELSEWHERE
  if (slot !== SP_KIND && cursor.at < end) {
    const first = cursor.u8()
    const isFp = first === BREG0 + architecture.fp
    if (isFp || first === BREG0 + architecture.sp) {
      const offset = sleb(cursor)
      if (cursor.at === end) {
        state[slot] = isFp ? AT_FP : AT_SP
        state[slot + 1] = small(offset)
      }
    }
  }
  cursor.seek(end)
}

/** out  whether it is one */
function readPlt(cursor: Cursor, state: Int32Array, end: number): boolean {
  if (end - cursor.at !== PLT.length) return false
  let literal = 0
  for (const expected of PLT) {
    const byte = cursor.u8()
    if (expected === -1) literal = byte - LIT0
    else if (byte !== expected) return false
  }
  if (literal < 0 || literal > 16) return false
  state[CFA_KIND] = CFA_PLT
  state[CFA_OFFSET] = literal
  return true
}

function readDeref(
  cursor: Cursor,
  { state, end, kind }: { readonly state: Int32Array; readonly end: number; readonly kind: number },
): void {
  const place = sleb(cursor)
  if (cursor.at >= end || cursor.u8() !== DEREF) return
  let sum = 0
  if (cursor.at < end) {
    if (cursor.u8() !== PLUS_UCONST) return
    sum = cursor.uleb()
  }
  if (cursor.at !== end) return
  state[CFA_KIND] = kind
  state[CFA_REGISTER] = small(place)
  state[CFA_OFFSET] = small(sum)
}

/** Behind `breg sp`, as OpenSSL's multiplications have it. */
function readIndexed(cursor: Cursor, { state, end, architecture }: Block): void {
  const base = sleb(cursor)
  const register = cursor.at < end ? cursor.u8() - BREG0 : -1
  const place = architecture.places[register]
  const isIndex = end - cursor.at >= INDEX.length && INDEX.every((byte) => cursor.u8() === byte)
  if (place === undefined || !isIndex || !isWords(base)) return
  let sum = 0
  if (cursor.at < end) {
    if (cursor.u8() !== PLUS_UCONST) return
    sum = cursor.uleb()
  }
  if (cursor.at !== end) return
  state[CFA_KIND] = CFA_INDEXED
  state[CFA_REGISTER] = registerAux(place, base)
  state[CFA_OFFSET] = small(sum)
}

const isWords = (bytes: number) => bytes % 8 === 0 && Math.abs(bytes) < 8192

const small = (value: number) => (value === (value | 0) ? value : OFFSET_HUGE)

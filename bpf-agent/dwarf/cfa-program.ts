// What do the programs of CIEs and FDEs say? Each instruction changes the state or moves on through the code; a row goes
// out whenever the code moves on under a changed state.
//
//   def_cfa rsp 8; offset rip -8     the CIE's                  pc 0   sp + 8
//   advance 1; def_cfa_offset 16     push rbp                   pc 1   sp + 16, fp at CFA - 16
//   offset rbp -16
//   advance 3; def_cfa_register rbp  mov rsp, rbp               pc 4   fp + 16, fp at CFA - 16
//
// Source: DWARF 5, section 6.4.2; GNU and arm64 additions from the Linux Standard Base and the arm64 DWARF document.
import { type Cursor, MalformedError } from '../elf/cursor.ts'
import type { Architecture } from './architecture.ts'
import { readCfaExpression, readRegisterExpression } from './cfa-expression.ts'
import type { Cie } from './cfi.ts'
import {
  AT_CFA,
  BX_KIND,
  CFA_KIND,
  CFA_NONE,
  CFA_OFFSET,
  CFA_OTHER,
  CFA_REGISTER,
  CFA_SUM,
  ELSEWHERE,
  FP_KIND,
  OFFSET_HUGE,
  RA_KIND,
  SAME,
  SP_KIND,
  STATE_SIZE,
  UNDEFINED,
} from './frame-state.ts'
import { readPointer, sleb } from './pointer.ts'

/** Takes the rows of one FDE, by rising address. */
export interface StateSink {
  /** The state is valid from `pc` on; it is only lent. */
  state(pc: number, state: Int32Array, isSignal: boolean): void
}

const REMEMBERED_MAX = 32 // compilers nest one deep
/** Registers that nobody needs go here. */
const NO_SLOT = -1
/** Instructions whose first operand is a register other than the CFA's. */
const REGISTER_CODES = [0x05, 0x06, 0x07, 0x08, 0x09, 0x10, 0x11, 0x14, 0x15, 0x16, 0x2f]

/** Runs programs. One per file; nothing is allocated per FDE.
 *  cost  10 to 30 ns an instruction */
export class CfaProgram {
  readonly #cursor: Cursor
  readonly #architecture: Architecture
  readonly #address: number
  readonly #base: number
  readonly #state = new Int32Array(STATE_SIZE)
  readonly #remembered = new Int32Array(STATE_SIZE * REMEMBERED_MAX)

  /** in  address  of the cursor's first byte
   *      base     what code addresses are counted from */
  constructor(place: {
    readonly cursor: Cursor
    readonly architecture: Architecture
    readonly address: number
    readonly base: number
  }) {
    this.#cursor = place.cursor
    this.#architecture = place.architecture
    this.#address = place.address
    this.#base = place.base
  }

  /** The state a CIE begins with.  throws  MalformedError */
  initialState(cie: Cie): Int32Array {
    const state = this.#state.fill(0)
    this.#cursor.seek(cie.programStart)
    this.#run({ cie, initial: EMPTY, pc: 0, pcEnd: 1, end: cie.programEnd, sink: undefined })
    return state.slice()
  }

  /** Runs the program of an FDE, which begins at the cursor.
   *  in   initial   the state of its CIE
   *       pc        first address; rows are given in [pc, pcEnd)
   *       end       offset behind the program
   *  throws  MalformedError; rows given before stay given */
  run(program: {
    readonly cie: Cie
    readonly initial: Int32Array
    readonly pc: number
    readonly pcEnd: number
    readonly end: number
    readonly sink: StateSink
  }): void {
    this.#state.set(program.initial)
    this.#run(program)
  }

  #run(program: {
    readonly cie: Cie
    readonly initial: Int32Array
    readonly pc: number
    readonly pcEnd: number
    readonly end: number
    readonly sink: StateSink | undefined
  }): void {
    const { cie, initial, pcEnd, end, sink } = program
    const { codeAlign, dataAlign, isSignal } = cie
    const cursor = this.#cursor
    const state = this.#state
    let pc = program.pc
    let remembered = 0
    let isChanged = true
    while (cursor.at < end) {
      const code = cursor.u8()
      const low = code & 0x3f
      let next = pc
      switch (code >>> 6) {
        case 1:
          next = pc + low * codeAlign
          break
        case 2:
          isChanged = this.#setAtCfa(low, uleb(cursor) * dataAlign) || isChanged
          continue
        case 3:
          isChanged = this.#restore(low, initial) || isChanged
          continue
        default:
          switch (code) {
            case 0x00: // nop
            case 0x2d: // arm64: the return address is signed from here; the walk strips signatures always
              continue
            case 0x01:
              next = readPointer(cursor, cie.pointerEncoding, this.#address) - this.#base
              break
            case 0x02:
              next = pc + cursor.u8() * codeAlign
              break
            case 0x03:
              next = pc + cursor.u16() * codeAlign
              break
            case 0x04:
              next = pc + cursor.u32() * codeAlign
              break
            case 0x0a: // remember_state
              if (remembered === REMEMBERED_MAX)
                throw new MalformedError(`more than ${REMEMBERED_MAX} states remembered`)
              this.#remembered.set(state, STATE_SIZE * remembered++)
              continue
            case 0x0b: // restore_state
              if (remembered === 0) throw new MalformedError('no state was remembered')
              remembered--
              for (let i = 0; i < STATE_SIZE; i++) state[i] = this.#remembered[STATE_SIZE * remembered + i]!
              isChanged = true
              continue
            case 0x2e: // GNU_args_size: for exceptions
              uleb(cursor)
              continue
            default:
              isChanged = true
              this.#change(code, { dataAlign, initial, end })
              continue
          }
      }
      if (next === pc) continue
      if (!(next > pc)) throw new MalformedError('a program goes backwards in the code')
      if (isChanged) sink?.state(pc, state, isSignal)
      isChanged = false
      pc = next
      if (pc >= pcEnd) return // what stands behind concerns no code of this function
    }
    if (cursor.at > end) throw new MalformedError('a program ends within an instruction')
    if (isChanged) sink?.state(pc, state, isSignal)
  }

  /** The instructions that set the CFA; the rarer ones about registers go on. */
  #change(
    code: number,
    program: { readonly dataAlign: number; readonly initial: Int32Array; readonly end: number },
  ): void {
    const cursor = this.#cursor
    const state = this.#state
    const architecture = this.#architecture
    switch (code) {
      case 0x0e: // def_cfa_offset
        this.#setCfaOffset(uleb(cursor))
        break
      case 0x0c: // def_cfa
        this.#setCfa(uleb(cursor), uleb(cursor))
        break
      case 0x0d: // def_cfa_register
        state[CFA_REGISTER] = small(uleb(cursor))
        if (state[CFA_KIND] !== CFA_SUM) state[CFA_KIND] = CFA_OTHER
        break
      case 0x0f: // def_cfa_expression
        readCfaExpression(cursor, { state, end: blockEnd(cursor, program.end), architecture })
        break
      case 0x12: // def_cfa_sf
        this.#setCfa(uleb(cursor), sleb(cursor) * program.dataAlign)
        break
      case 0x13: // def_cfa_offset_sf
        this.#setCfaOffset(sleb(cursor) * program.dataAlign)
        break
      default:
        this.#changeRegister(code, program)
    }
  }

  #changeRegister(
    code: number,
    {
      dataAlign,
      initial,
      end,
    }: { readonly dataAlign: number; readonly initial: Int32Array; readonly end: number },
  ): void {
    const cursor = this.#cursor
    const isKnown = REGISTER_CODES.includes(code)
    if (!isKnown) throw new MalformedError(`instruction 0x${code.toString(16)} is not one of the known`)
    const register = uleb(cursor)
    const slot = this.#slotOf(register)
    switch (code) {
      case 0x05: // offset_extended
        this.#setAtCfa(register, uleb(cursor) * dataAlign)
        break
      case 0x06: // restore_extended
        this.#restore(register, initial)
        break
      case 0x07: // undefined
        this.#set(slot, UNDEFINED)
        break
      case 0x08: // same_value
        this.#set(slot, SAME)
        break
      case 0x10: {
        // expression: its value is the register's place
        const behind = blockEnd(cursor, end)
        if (slot === NO_SLOT) cursor.seek(behind)
        else
          readRegisterExpression(cursor, {
            state: this.#state,
            slot,
            end: behind,
            architecture: this.#architecture,
          })
        break
      }
      case 0x11: // offset_extended_sf
        this.#setAtCfa(register, sleb(cursor) * dataAlign)
        break
      case 0x16: // val_expression: its value is the register
        cursor.seek(blockEnd(cursor, end))
        this.#set(slot, ELSEWHERE)
        break
      case 0x2f: // GNU_negative_offset_extended
        this.#setAtCfa(register, -uleb(cursor) * dataAlign)
        break
      default: // register, val_offset, val_offset_sf: one number more
        sleb(cursor)
        this.#set(slot, ELSEWHERE)
    }
  }

  #setCfa(register: number, offset: number): void {
    const state = this.#state
    state[CFA_KIND] = CFA_SUM
    state[CFA_REGISTER] = small(register)
    state[CFA_OFFSET] = small(offset)
  }

  #setCfaOffset(offset: number): void {
    const state = this.#state
    if (state[CFA_KIND] === CFA_SUM) state[CFA_OFFSET] = small(offset)
    else state[CFA_KIND] = CFA_OTHER
  }

  /** out  whether that register matters */
  #setAtCfa(register: number, offset: number): boolean {
    const slot = this.#slotOf(register)
    if (slot === NO_SLOT) return false
    this.#state[slot] = AT_CFA
    if (slot !== SP_KIND) this.#state[slot + 1] = small(offset)
    return true
  }

  #restore(register: number, initial: Int32Array): boolean {
    const slot = this.#slotOf(register)
    if (slot === NO_SLOT) return false
    this.#state[slot] = initial[slot]!
    if (slot !== SP_KIND) this.#state[slot + 1] = initial[slot + 1]!
    return true
  }

  #set(slot: number, kind: number): void {
    if (slot !== NO_SLOT) this.#state[slot] = kind
  }

  /** Where a register's kind stands in a state; its offset is the next number. */
  #slotOf(register: number): number {
    if (register === this.#architecture.returnAddress) return RA_KIND
    if (register === this.#architecture.fp) return FP_KIND
    if (register === this.#architecture.bx) return BX_KIND
    return register === this.#architecture.sp ? SP_KIND : NO_SLOT
  }
}

const EMPTY = new Int32Array(STATE_SIZE) // CFA_NONE, all registers SAME: both are 0
EMPTY[CFA_KIND] = CFA_NONE

/** Nearly every number here has one byte. */
function uleb(cursor: Cursor): number {
  const first = cursor.u8()
  return first < 0x80 ? first : cursor.seek(cursor.at - 1).uleb()
}

/** Length and end of the block at the cursor, which then stands at its first byte. */
function blockEnd(cursor: Cursor, end: number): number {
  const length = uleb(cursor)
  const behind = cursor.at + length
  if (behind > end) throw new MalformedError(`expression of ${length} bytes ends behind its program`)
  return behind
}

const small = (value: number) => (value === (value | 0) ? value : OFFSET_HUGE)

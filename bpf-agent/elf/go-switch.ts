// How do the functions of Go's runtime change from one stack to another? They are few, written by hand, and known by what
// their own instructions say, so that no table of Go versions is needed: the places of what they keep are read from the code.
//
//   asmcgocall   C is called on the thread's stack: that keeps the goroutine and how deep its stack was
//   systemstack  work of the runtime on the thread's stack; before Go 1.21 only the goroutine itself says where it was
//   mcall, morestack   the thread leaves its goroutine, which may go on elsewhere: stacks begin here, as Go says itself
//
// x86-64 only. What does not read as expected is not said.

/** A stretch of code, in bytes from the function's entry. */
export interface SwitchedCode {
  readonly start: number
  readonly end: number
  readonly how: GoSwitch
}

/** `place`: bytes above the stack pointer. `depth`: bytes that the function had put on its old stack. */
export type GoSwitch =
  /** Nothing called this. */
  | { readonly kind: 'outermost' }
  /** At `place` stands how deep the goroutine's stack was, behind it the goroutine. */
  | { readonly kind: 'goroutine'; readonly place: number; readonly depth: number }
  /** On this stack, `depth` bytes above, with the caller's frame pointer below the return address. */
  | { readonly kind: 'frame'; readonly depth: number }
  /** At `place` stands the old stack pointer. */
  | { readonly kind: 'kept'; readonly place: number; readonly depth: number }
  /** The thread's variable at `variable` is what runs; in it at `thread` the thread, in that at `current` the goroutine, in
   *  that at `kept` its stack pointer. */
  | {
      readonly kind: 'current'
      readonly variable: number
      readonly thread: number
      readonly current: number
      readonly kept: number
    }

/** Functions longer than that are none of these: asmcgocall, the longest, has 200 bytes. */
export const SWITCHING_BYTES_MAX = 1024

type Pattern = readonly (number | Operand)[]
/** Bytes of an instruction that say where something is. */
type Operand = 'byte' | 'word' | 'zero'

/** Offsets of an instruction's forms, the operand as one byte or left out where it is zero. */
const atSp = (opcode: readonly number[], register: number): readonly Pattern[] => [
  [0x48, ...opcode, 0x44 | (register << 3), 0x24, 'byte'],
  [0x48, ...opcode, 0x04 | (register << 3), 0x24, 'zero'],
]
const LOAD = [0x8b]
const STORE = [0x89]
const SUBTRACT = [0x2b]
const [RDX, RSI, RDI] = [2, 6, 7]
const STACK_FROM_RSI: Pattern = [0x48, 0x89, 0xf4] // mov %rsi, %rsp

/** Where a function of the runtime is on another stack than the one it was called on.
 *  in   name     as the function table has it
 *       depthAt  bytes on the stack it was called on, at a place of the code, as the function's own table says
 *  out  ascending, without overlap */
export function switchedCode(
  name: string,
  code: Uint8Array,
  depthAt: (offset: number) => number,
): readonly SwitchedCode[] {
  switch (name) {
    case 'runtime.mcall':
    case 'runtime.morestack': {
      const left = stackPointerWritten(code)
      return left === undefined ? [] : [{ start: left.end, end: code.length, how: { kind: 'outermost' } }]
    }
    case 'runtime.asmcgocall': {
      const switched = callOfC(code, depthAt)
      return [...switched, ...callOnSameStack(code, depthAt, switched.at(-1)?.end ?? 0)]
    }
    case 'runtime.systemstack':
      return systemStack(code).filter(({ start }) => depthAt(start) === 0) // else the frame pointer says it
    default:
      return []
  }
}

/** The first instruction that sets the stack pointer to something that is not on the stack; in code that is no switch it
 *  may be found where there is none.  out  offsets */
export function stackPointerWritten(
  code: Uint8Array,
): { readonly start: number; readonly end: number } | undefined {
  for (let at = 0; at + 4 <= code.length; at++) {
    if (code[at] !== 0x48 && code[at] !== 0x49) continue
    const [, opcode, mode] = code.subarray(at, at + 3) as unknown as [number, number, number]
    const isLoad = opcode === 0x8b && (mode & 0xf8) === 0x60 && mode !== 0x64 // mov n(register), %rsp
    const isMove = opcode === 0x89 && (mode & 0xc7) === 0xc4 && mode !== 0xe4 // mov register, %rsp
    const isSum = opcode === 0x83 && (mode === 0xec || mode === 0xe4) // sub n, %rsp; and n, %rsp
    if (isLoad || isMove || isSum) return { start: at, end: at + (isMove ? 3 : 4) }
  }
  return undefined
}

/** mov place+8(%rsp), %rdi; mov 8(%rdi), %rsi; sub place(%rsp), %rsi … mov %rsi, %rsp, behind the call. */
function callOfC(code: Uint8Array, depthAt: (offset: number) => number): SwitchedCode[] {
  for (let at = 0; at < code.length; at++) {
    const goroutine = oneOf(code, at, atSp(LOAD, RDI))
    const end = goroutine && matched(code, goroutine.end, [0x48, 0x8b, 0x77, 0x08])
    const depth = end && oneOf(code, end.end, atSp(SUBTRACT, RSI))
    if (depth === undefined || goroutine!.operand !== depth.operand + 8) continue
    const back = find(code, depth.end, [STACK_FROM_RSI])
    const stored = findLast(code, at, atSp(STORE, RDI), depth.operand)
    if (back === undefined || stored === undefined) continue
    const how = { kind: 'goroutine', place: depth.operand, depth: depthAt(at) } as const
    return [{ start: stored.end, end: back.end, how }]
  }
  return []
}

/** mov place(%rsp), %rsi; mov %rsi, %rsp: the call was on the thread's stack already. */
function callOnSameStack(
  code: Uint8Array,
  depthAt: (offset: number) => number,
  from: number,
): SwitchedCode[] {
  for (let at = from; at < code.length; at++) {
    const kept = oneOf(code, at, atSp(LOAD, RSI))
    const back = kept && matched(code, kept.end, STACK_FROM_RSI)
    const stored = back && findLast(code, at, atSp(STORE, RDX), kept.operand)
    if (stored === undefined || stored.end < from) continue
    return [
      { start: stored.end, end: back!.end, how: { kind: 'kept', place: kept!.operand, depth: depthAt(at) } },
    ]
  }
  return []
}

/** mov fs:variable, %rax; mov thread(%rax), %rbx; mov current(%rbx), %rax; mov %rax, fs:variable; mov kept(%rax), %rsp. */
function systemStack(code: Uint8Array): SwitchedCode[] {
  const left = stackPointerWritten(code)
  for (let at = left?.end ?? code.length; at < code.length; at++) {
    const variable = matched(code, at, [0x64, 0x48, 0x8b, 0x04, 0x25, 'word'])
    const thread = variable && matched(code, variable.end, [0x48, 0x8b, 0x58, 'byte'])
    const current =
      thread &&
      oneOf(code, thread.end, [
        [0x48, 0x8b, 0x83, 'word'],
        [0x48, 0x8b, 0x43, 'byte'],
      ])
    const set = current && matched(code, current.end, [0x64, 0x48, 0x89, 0x04, 0x25, 'word'])
    const kept = set && matched(code, set.end, [0x48, 0x8b, 0x60, 'byte'])
    if (kept === undefined || variable!.operand !== set!.operand) continue
    const how = {
      kind: 'current',
      variable: variable!.operand,
      thread: thread!.operand,
      current: current!.operand,
      kept: kept.operand,
    } as const
    return [{ start: left!.end, end: kept.end, how }]
  }
  return []
}

interface Match {
  readonly end: number
  /** What the instruction names; 0 where the pattern has none. */
  readonly operand: number
}

function matched(code: Uint8Array, at: number, pattern: Pattern): Match | undefined {
  let end = at
  let operand = 0
  for (const part of pattern) {
    if (part === 'zero') continue
    if (part === 'byte') operand = ((code[end++] ?? Number.NaN) << 24) >> 24
    else if (part === 'word') {
      if (end + 4 > code.length) return undefined
      operand = new DataView(code.buffer, code.byteOffset + end, 4).getInt32(0, true)
      end += 4
    } else if (code[end++] !== part) return undefined
  }
  return end > code.length ? undefined : { end, operand }
}

function oneOf(code: Uint8Array, at: number, patterns: readonly Pattern[]): Match | undefined {
  for (const pattern of patterns) {
    const match = matched(code, at, pattern)
    if (match !== undefined) return match
  }
  return undefined
}

function find(code: Uint8Array, from: number, patterns: readonly Pattern[]): Match | undefined {
  for (let at = from; at < code.length; at++) {
    const match = oneOf(code, at, patterns)
    if (match !== undefined) return match
  }
  return undefined
}

function findLast(
  code: Uint8Array,
  before: number,
  patterns: readonly Pattern[],
  operand: number,
): Match | undefined {
  for (let at = before - 1; at >= 0; at--) {
    const match = oneOf(code, at, patterns)
    if (match !== undefined && match.end <= before && match.operand === operand) return match
  }
  return undefined
}

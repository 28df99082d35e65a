// Which registers does a stack hang on? DWARF's numbers for them, per machine.

export interface Architecture {
  readonly name: 'x86-64' | 'arm64'
  readonly sp: number
  readonly fp: number
  /** The column of the return address: on arm64 a register of its own, on x86-64 no register. */
  readonly returnAddress: number
  /** A register that callers get back, on which the CFA of hand-written code may hang: rbx. -1: none is followed. */
  readonly bx: number
  /** Where each register stands in the kernel's struct pt_regs, in words: what a rule calls it. Empty: the CFA hangs on
   *  stack pointer and frame pointer only. */
  readonly places: readonly number[]
}

// rax rdx rcx rbx rsi rdi rbp rsp, r8 to r15
const X86_64_PLACES = [10, 12, 11, 5, 13, 14, 4, 19, 9, 8, 7, 6, 3, 2, 1, 0]
const X86_64: Architecture = { name: 'x86-64', sp: 7, fp: 6, returnAddress: 16, bx: 3, places: X86_64_PLACES }
const ARM64: Architecture = { name: 'arm64', sp: 31, fp: 29, returnAddress: 30, bx: -1, places: [] }

/** in  machine  e_machine of the ELF header     out  undefined: stacks of this machine are not unwound */
export function architectureOf(machine: number): Architecture | undefined {
  if (machine === 62) return X86_64
  if (machine === 183) return ARM64
  return undefined
}

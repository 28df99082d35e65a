// Where do registers stand? In struct pt_regs as ptrace(2) gives it, and in what a signal leaves on the stack: interfaces
// of the kernel that do not change. Twin of bpf/kern.h.

export type Arch = 'x64' | 'arm64'

/** Places in words of 8 bytes, offsets in bytes. */
export interface RegisterLayout {
  readonly words: number
  readonly pc: number
  readonly sp: number
  readonly fp: number
  /** arm64: x30 */
  readonly lr: number | undefined
  /** rbx; arm64: x19, by which no code is known to find its frame */
  readonly bx: number
  /** Whether a rule's aux says where rbx is. */
  readonly followsBx: boolean
  /** What a trampoline finds above sp: from fp on, with the places of what is needed. */
  readonly signal: {
    readonly at: bigint
    readonly bx: bigint
    readonly words: number
    readonly fp: number
    readonly sp: number
    readonly pc: number
    readonly lr: number | undefined
  }
}

export const REGISTERS: Readonly<Record<Arch, RegisterLayout>> = {
  x64: {
    ...{ words: 21, pc: 16, sp: 19, fp: 4, lr: undefined, bx: 5, followsBx: true },
    signal: { at: 120n, bx: 128n, words: 7, fp: 0, sp: 5, pc: 6, lr: undefined },
  },
  arm64: {
    ...{ words: 34, pc: 32, sp: 31, fp: 29, lr: 30, bx: 19, followsBx: false },
    signal: { at: 312n + 29n * 8n, bx: 312n + 19n * 8n, words: 4, fp: 0, lr: 1, sp: 2, pc: 3 },
  },
}

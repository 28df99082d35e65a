// Which registers does a stack hang on? DWARF's numbers for them, per machine.

export interface Architecture {
  readonly name: 'x86-64' | 'arm64'
  readonly sp: number
  readonly fp: number
  /** The column of the return address: on arm64 a register of its own, on x86-64 no register. */
  readonly returnAddress: number
}

const X86_64: Architecture = { name: 'x86-64', sp: 7, fp: 6, returnAddress: 16 }
const ARM64: Architecture = { name: 'arm64', sp: 31, fp: 29, returnAddress: 30 }

/** in  machine  e_machine of the ELF header     out  undefined: stacks of this machine are not unwound */
export function architectureOf(machine: number): Architecture | undefined {
  if (machine === 62) return X86_64
  if (machine === 183) return ARM64
  return undefined
}

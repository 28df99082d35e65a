import type { Leaf } from '../../bpf-agent/elf/leaf.ts'

export type Bad = Leaf

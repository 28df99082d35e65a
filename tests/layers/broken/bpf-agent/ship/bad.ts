import type { Leaf } from '../elf/leaf.ts'

export type Bad = Leaf

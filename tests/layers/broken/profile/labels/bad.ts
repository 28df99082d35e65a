import type { Leaf } from '../tree/leaf.ts'

export type Bad = Leaf

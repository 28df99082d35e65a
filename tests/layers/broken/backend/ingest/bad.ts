import type { Leaf } from '../query/leaf.ts'

export type Bad = Leaf

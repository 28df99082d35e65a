import type { Leaf } from '../ship/leaf.ts'

export type Bad = Leaf

import type { Leaf } from '../labels/leaf.ts'

export type Bad = Leaf

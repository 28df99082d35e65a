import type { Leaf } from './store/leaf.ts'

export type Bad = Leaf

import type { Leaf } from '../host/leaf.ts'

export type Bad = Leaf

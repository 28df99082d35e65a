import type { Leaf } from '../viewer/leaf.ts'

export type Bad = Leaf

import type { Leaf } from '../settings/leaf.ts'

export type Bad = Leaf

import type { Leaf } from '../profile/testing/leaf.ts'

export type Bad = Leaf

import type { Leaf } from '../frame/leaf.ts'

export type Bad = Leaf

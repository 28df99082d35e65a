import type { Leaf } from '../symbolize/leaf.ts'

export type Bad = Leaf

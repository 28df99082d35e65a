import type { Leaf } from '../../cli/leaf.ts'

export type Bad = Leaf

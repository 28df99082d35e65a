import type { Leaf } from '../flamegraph/leaf.ts'

export type Bad = Leaf

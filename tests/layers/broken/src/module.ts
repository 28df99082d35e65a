import type { Leaf } from './panels/leaf.ts'

export type Bad = Leaf

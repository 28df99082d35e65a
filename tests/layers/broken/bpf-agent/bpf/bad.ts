import type { Leaf } from '../../profile/model/leaf.ts'

export type Bad = Leaf

import type { Leaf } from '../ingest/leaf.ts'

export type Bad = Leaf

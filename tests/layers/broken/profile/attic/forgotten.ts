// A folder without a line in the table.
import type { Leaf } from '../model/leaf.ts'

export type Forgotten = Leaf

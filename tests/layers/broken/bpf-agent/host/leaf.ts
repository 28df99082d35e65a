export type Leaf = number

// What is the workload known by? Numbers of the store's design; whatever makes it must land within 2 % of them.

export const ROWS_STATED = [
  { window: 0, samples: 30_278, rows: 22_623 },
  { window: 4_320, samples: 75_722, rows: 49_788 },
]
/** Of a day. */
export const SERIES_STATED = 5_824
export const STACKS_STATED = 1_300_000
/** Of the trie. */
export const NODES_STATED = 4_960_000
/** p10, p50 and p90 of the stacks. */
export const DEPTHS_STATED = [12, 20, 34]

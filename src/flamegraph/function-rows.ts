// What stands in the table? One row per function: own and total value, a recursive function counted once per stack; in a
// diff both sides and the change.

import type { GraphModel } from '#profile/picture/graph-model'
import { type CallTree, FOLDED_NAME } from '#profile/tree/call-tree'
import { functionTable } from '#profile/tree/functions'

/** Columns, one row per function; shares are 0 to 1 of all (in a diff: of their own side). */
export interface FunctionColumns {
  readonly frame: Uint32Array
  readonly self: Float64Array
  readonly total: Float64Array
  readonly selfShare: Float64Array
  readonly totalShare: Float64Array
}
/** Rows of one model. In a diff `baseline` and `comparison` have the same frames in the same rows. */
export type TableRows =
  | { readonly kind: 'tree'; readonly rows: FunctionColumns }
  | { readonly kind: 'diff'; readonly baseline: FunctionColumns; readonly comparison: FunctionColumns }

export type SortColumn = 'function' | 'self' | 'total' | 'baseline' | 'comparison' | 'change' | 'selfChange'

/** Counts the functions of a model. O(nodes), once per tree. */
export function tableRows(model: GraphModel): TableRows {
  const { diff, drawn, frames, depth, frame } = model
  if (diff === undefined) return { kind: 'tree', rows: countFunctions(drawn, model.isInverted) }
  const { tree } = diff
  const baseline = { frames, depth, frame, self: tree.baselineSelf, total: tree.baselineTotal }
  const comparison = { frames, depth, frame, self: tree.comparisonSelf, total: tree.comparisonTotal }
  return {
    kind: 'diff',
    baseline: countFunctions(baseline, model.isInverted),
    comparison: countFunctions(comparison, model.isInverted),
  }
}

function countFunctions(tree: CallTree, isInverted: boolean): FunctionColumns {
  const { frame, self: ownSelf, total } = functionTable(tree)
  const self = isInverted ? baseValues(tree, frame) : ownSelf
  const whole = tree.total[0] ?? 0
  const share = (column: Float64Array) => column.map((value) => (whole > 0 ? value / whole : 0))
  return { frame, self, total, selfShare: share(self), totalShare: share(total) }
}

/** In an iceberg the own value of a function is the total of its base box. */
function baseValues(tree: CallTree, frame: Uint32Array): Float64Array {
  const valueOfFrame = new Float64Array(tree.frames.name.length)
  for (let node = 0; node < tree.depth.length; node++)
    if (tree.depth[node] === 1) valueOfFrame[tree.frame[node]!]! += tree.total[node]!
  return Float64Array.from(frame, (id) => valueOfFrame[id]!)
}

export interface RowOrder {
  readonly model: GraphModel
  readonly table: TableRows
  readonly column: SortColumn
  readonly isAscending: boolean
  /** Frames to keep (1); all without it. */
  readonly frameMask?: Uint8Array | undefined
}

/** Rows of the table in the order to show them; changes by their size, whatever their sign.
 *  cost O(functions · log functions) */
export function orderRows({ model, table, column, isAscending, frameMask }: RowOrder): Uint32Array {
  const columns = table.kind === 'tree' ? table.rows : table.comparison
  const { frame } = columns
  const kept: number[] = []
  for (let row = 0; row < frame.length; row++)
    if (frameMask === undefined || frameMask[frame[row]!] === 1) kept.push(row)
  const names = model.frames.name
  const name = (row: number) => names[frame[row]!]!
  const byName = (a: number, b: number) => (name(a) < name(b) ? -1 : name(a) > name(b) ? 1 : a - b)
  const key = sortKey(table, column)
  const sign = isAscending ? 1 : -1
  if (key === undefined) kept.sort((a, b) => sign * byName(a, b))
  else kept.sort((a, b) => sign * (key(a) - key(b)) || byName(a, b))
  return Uint32Array.from(kept)
}

/** The number a column sorts by; undefined: by name. */
function sortKey(table: TableRows, column: SortColumn): ((row: number) => number) | undefined {
  if (column === 'function') return undefined
  if (table.kind === 'tree') {
    const { self, total } = table.rows
    return column === 'total' ? (row) => total[row]! : (row) => self[row]!
  }
  const { baseline, comparison } = table
  switch (column) {
    case 'baseline':
      return (row) => baseline.totalShare[row]!
    case 'comparison':
      return (row) => comparison.totalShare[row]!
    case 'selfChange':
      return (row) => Math.abs(comparison.selfShare[row]! - baseline.selfShare[row]!)
    default:
      return (row) => Math.abs(comparison.totalShare[row]! - baseline.totalShare[row]!)
  }
}

/** The functions whose own share changed most, largest change first: what a diff says in words.
 *  Own shares, because a caller repeats the change of what it calls.    in  least: smallest change named, as a share */
export function topChanges(
  model: GraphModel,
  table: TableRows,
  most = 10,
  least = 0.0005,
): readonly number[] {
  if (table.kind === 'tree') return []
  const { baseline, comparison } = table
  const change = (row: number) => Math.abs(comparison.selfShare[row]! - baseline.selfShare[row]!)
  const rows: number[] = []
  for (let row = 0; row < baseline.frame.length; row++)
    if (change(row) >= least && model.frames.name[baseline.frame[row]!] !== FOLDED_NAME) rows.push(row)
  return rows.sort((a, b) => change(b) - change(a) || a - b).slice(0, most)
}

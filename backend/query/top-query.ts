// Which functions cost most? A flat table, exact: counted on the whole tree, before anything is trimmed.
import type { FunctionRows } from '#profile/tree/call-tree'
import { functionTable } from '#profile/tree/functions'
import type { TopAnswer } from '#profile/wire/query-api'
import type { Asked } from './profile-query.ts'
import type { ParsedTop } from './query-service.ts'
import { parseQuestion } from './question.ts'
import { sampledTree } from './sampled-tree.ts'

export async function top(request: ParsedTop, asked: Asked): Promise<TopAnswer> {
  const { tree, meta } = await sampledTree(asked.store, parseQuestion(request, asked.nowMs))
  const rows = functionTable(tree)
  const order = heaviestFirst(rows, request.sort).slice(0, request.limit)
  const { frames } = tree
  const textOf = (column: readonly string[]) => order.map((row) => column[rows.frame[row]!]!)
  return {
    kind: 'top',
    meta: {
      ...meta,
      nodes: { sent: order.length, folded: rows.frame.length - order.length },
      tookMs: asked.tookMs(),
    },
    total: tree.total[0]!,
    functions: rows.frame.length,
    name: textOf(frames.name),
    file: textOf(frames.file),
    mapping: textOf(frames.mapping),
    self: order.map((row) => rows.self[row]!),
    totals: order.map((row) => rows.total[row]!),
  }
}

/** Rows by one column, then the other, then as they stand, which is by name. */
function heaviestFirst(rows: FunctionRows, sort: 'self' | 'total'): number[] {
  const other = sort === 'self' ? 'total' : 'self'
  return Array.from(rows.frame, (_, row) => row).sort(
    (one, two) => rows[sort][two]! - rows[sort][one]! || rows[other][two]! - rows[other][one]! || one - two,
  )
}

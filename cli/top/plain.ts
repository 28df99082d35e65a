// How does a view read where no terminal shows it? As a table of plain lines, one after the other. Pure.
import { printShare, printTable } from '../output.ts'
import { factLine, noteLine } from './layout.ts'
import { orderRows, type Sort } from './order.ts'
import { coresOf, shareOf, type TopView } from './view.ts'

const COLUMNS = [
  { title: 'cores', align: 'right' },
  { title: 'self', align: 'right' },
  { title: 'total', align: 'right' },
  { title: 'function', align: 'left', widthMax: 60 },
  { title: 'binary', align: 'left', widthMax: 24 },
  { title: 'service', align: 'left', widthMax: 24 },
  { title: 'its cores', align: 'right' },
] as const

export interface PlainOptions {
  readonly words: string
  readonly sort: Sort
  readonly limit: number
  readonly nowMs: number
}

/** Two lines of facts, the table, an empty line. */
export function printView(view: TopView, { words, sort, limit, nowMs }: PlainOptions): string {
  const order = orderRows(view, { sort, filter: '' })
  const { name, mapping, service, self, total } = view.rows
  const { services } = view
  const columns = services === undefined ? COLUMNS.slice(0, 5) : COLUMNS
  const rows = order
    .slice(0, limit)
    .map((row) =>
      [
        coresOf(view, self[row]!).toFixed(2),
        printShare(shareOf(view, self[row]!)),
        printShare(shareOf(view, total[row]!)),
        ...[name[row]!, mapping[row]!, service[row]!],
        coresOf(view, services?.get(service[row]!) ?? 0).toFixed(2),
      ].slice(0, columns.length),
    )
  const head = `${new Date(nowMs).toISOString()} ${factLine(view, words)}\n${noteLine(view, '', order)}\n`
  return `${head}${printTable(columns, rows)}\n`
}

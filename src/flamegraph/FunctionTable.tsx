// The flat table: every function once, sortable, and the full alternative to the picture for those who cannot see it.
// A real <table>. Rows are shown 200 at a time: reading on is a click, finding is the search box.
import React, { useMemo, useState } from 'react'
import { cleanName } from '#profile/picture/clean-name'
import { changeWord } from '#profile/picture/describe'
import { type Format, grouped, mark, percent, points } from '#profile/picture/format'
import type { GraphModel } from '#profile/picture/graph-model'
import { type FunctionColumns, orderRows, type SortColumn, type TableRows } from './function-rows.ts'
import type { Styles } from './styles.ts'

export interface FunctionTableProps {
  readonly model: GraphModel
  readonly table: TableRows
  /** Frames that match the search (1); absent: all rows. */
  readonly frameMask: Uint8Array | undefined
  readonly markedFrame: number | undefined
  readonly onFrame: (frame: number) => void
  /** Room for the fifth column of a diff; rows carry its number in `data-change-self-pt` in any case. */
  readonly hasSelfChange: boolean
  readonly format: Format
  readonly styles: Styles
}

const ROWS_STEP = 200 // what a browser lays out in a few milliseconds

interface Column {
  readonly sort: SortColumn
  readonly title: string
  readonly says: string
}
const TREE_COLUMNS: readonly Column[] = [
  { sort: 'function', title: 'Function', says: 'Name of the function' },
  { sort: 'self', title: 'Self', says: 'Of the samples that ran this function itself' },
  {
    sort: 'total',
    title: 'Total',
    says: 'Of the samples with this function on the stack, recursion counted once',
  },
]
const DIFF_COLUMNS: readonly Column[] = [
  { sort: 'function', title: 'Function', says: 'Name of the function' },
  { sort: 'baseline', title: 'Baseline', says: 'Total share of the baseline' },
  { sort: 'comparison', title: 'Comparison', says: 'Total share of the comparison' },
  { sort: 'change', title: 'Change', says: 'Comparison minus baseline, in points of total share' },
  { sort: 'selfChange', title: 'Self change', says: 'Comparison minus baseline, in points of own share' },
]

export const FunctionTable = React.memo(function FunctionTable(props: FunctionTableProps) {
  const { model, table, frameMask, styles } = props
  const columns =
    table.kind !== 'diff' ? TREE_COLUMNS : props.hasSelfChange ? DIFF_COLUMNS : DIFF_COLUMNS.slice(0, 4)
  const [sort, setSort] = useState<{ column: SortColumn; isAscending: boolean }>({
    column: table.kind === 'diff' ? 'change' : 'self',
    isAscending: false,
  })
  const [limit, setLimit] = useState(ROWS_STEP)
  const rows = useMemo(
    () => orderRows({ model, table, column: sort.column, isAscending: sort.isAscending, frameMask }),
    [model, table, sort, frameMask],
  )
  const onSort = (column: SortColumn) =>
    setSort({ column, isAscending: sort.column === column ? !sort.isAscending : column === 'function' })
  const shown = rows.subarray(0, limit)
  const rest = rows.length - shown.length
  return (
    <>
      <table className={styles.table}>
        <thead>
          <tr>
            {columns.map(({ sort: column, title, says }) => (
              <th
                key={column}
                scope="col"
                aria-sort={sort.column !== column ? 'none' : sort.isAscending ? 'ascending' : 'descending'}
              >
                <button type="button" title={says} onClick={() => onSort(column)}>
                  {title}
                  {sort.column === column && <span aria-hidden="true">{sort.isAscending ? ' ↑' : ' ↓'}</span>}
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {Array.from(shown, (row) =>
            table.kind === 'diff' ? (
              <DiffRow
                key={row}
                row={row}
                {...props}
                baseline={table.baseline}
                comparison={table.comparison}
              />
            ) : (
              <TreeRow key={row} row={row} {...props} columns={table.rows} />
            ),
          )}
        </tbody>
      </table>
      {rows.length === 0 && <div className={styles.more}>No function matches the search.</div>}
      {rest > 0 && (
        <div className={styles.more}>
          {grouped(rest)} more functions
          <button type="button" className={styles.change} onClick={() => setLimit(limit + ROWS_STEP)}>
            Show {grouped(Math.min(rest, ROWS_STEP))} more
          </button>
        </div>
      )}
    </>
  )
})

function TreeRow({ row, columns, ...props }: FunctionTableProps & { row: number; columns: FunctionColumns }) {
  const { styles, format } = props
  const frame = columns.frame[row]!
  return (
    <tr
      aria-current={frame === props.markedFrame}
      data-self={columns.self[row]}
      data-total={columns.total[row]}
    >
      <NameCell frame={frame} {...props} />
      <td>
        <span className={styles.value}>{format(columns.self[row]!)}</span>{' '}
        <span className={styles.share}>{percent(columns.selfShare[row]!)}</span>
      </td>
      <td>
        <span className={styles.value}>{format(columns.total[row]!)}</span>{' '}
        <span className={styles.share}>{percent(columns.totalShare[row]!)}</span>
      </td>
    </tr>
  )
}

interface DiffRowProps extends FunctionTableProps {
  readonly row: number
  readonly baseline: FunctionColumns
  readonly comparison: FunctionColumns
}

function DiffRow({ row, baseline, comparison, ...props }: DiffRowProps) {
  const frame = baseline.frame[row]!
  const total = comparison.totalShare[row]! - baseline.totalShare[row]!
  const self = comparison.selfShare[row]! - baseline.selfShare[row]!
  const word = changeWord(props.model, baseline.totalShare[row]!, comparison.totalShare[row]!)
  return (
    <tr
      aria-current={frame === props.markedFrame}
      data-change-total-pt={(total * 100).toFixed(3)}
      data-change-self-pt={(self * 100).toFixed(3)}
    >
      <NameCell frame={frame} {...props} />
      <td>{percent(baseline.totalShare[row]!)}</td>
      <td>{percent(comparison.totalShare[row]!)}</td>
      <td>
        {mark(total)} {points(total)} {word}
      </td>
      {props.hasSelfChange && (
        <td>
          {mark(self)} {points(self)}
        </td>
      )}
    </tr>
  )
}

function NameCell({ frame, model, onFrame, styles }: FunctionTableProps & { frame: number }) {
  const { name, file, mapping } = model.frames
  const where = [file[frame]!, mapping[frame]!].filter((word) => word !== '').join(' · ')
  const shown = cleanName(name[frame]!)
  return (
    <td>
      <button
        type="button"
        className={styles.functionName}
        title={cleanName(where === '' ? shown : `${shown}\n${where}`)}
        onClick={() => onFrame(frame)}
      >
        {shown}
      </button>
    </td>
  )
}

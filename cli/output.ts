// What the terminal shows: stdout is data, stderr is talk. Names come from strangers, so control characters never
// reach the terminal.

// Controls; soft hyphen and the Mongolian vowel separator, which most terminals do not draw; marks of direction (U+061C
// among Arabic letters) and of width zero; line and paragraph separators; annotations. Two names that look alike must be one.
const UNPRINTABLE =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g

/** Replaces control, bidirectional and invisible characters by `?`, so that no name can move the cursor, reorder a line or
 *  pass for another one. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, '?')
}

/** A column of a text table. */
export interface Column {
  readonly title: string
  readonly align: 'left' | 'right'
  /** Cells longer than this are cut in the middle; absent: never cut. */
  readonly widthMax?: number
}

/** Prints rows under titles, columns two spaces apart.  cost O(cells) */
export function printTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const cells = [
    columns.map((column) => column.title),
    ...rows.map((row) => row.map((cell, i) => cutMiddle(printable(cell), columns[i]!.widthMax))),
  ]
  const widths = columns.map((_, i) => cells.reduce((most, row) => Math.max(most, row[i]!.length), 0))
  const lines = cells.map((row) =>
    row
      .map((cell, i) => (columns[i]!.align === 'right' ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd(),
  )
  return `${lines.join('\n')}\n`
}

/** Cuts a long text in the middle, so that both package and method of a name stay readable. */
export function cutMiddle(text: string, widthMax = Number.POSITIVE_INFINITY): string {
  if (text.length <= widthMax) return text
  const head = Math.ceil((widthMax - 1) / 2)
  return `${text.slice(0, head)}…${text.slice(text.length - (widthMax - 1 - head))}`
}

/** A value in its unit, for people: nanoseconds as CPU time, bytes in powers of 1024, else a plain number. */
export function printValue(value: number, unit: string): string {
  if (unit === 'nanoseconds') return printSeconds(value / 1e9)
  if (unit === 'bytes') return printBytes(value)
  return Number.isInteger(value) ? String(value) : value.toFixed(2)
}

function printSeconds(seconds: number): string {
  const size = Math.abs(seconds)
  if (size >= 3600) return `${(seconds / 3600).toFixed(1)} h`
  if (size >= 100) return `${seconds.toFixed(0)} s`
  if (size >= 1 || size === 0) return `${seconds.toFixed(2)} s`
  return `${(seconds * 1000).toFixed(0)} ms`
}

export function printBytes(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB']
  let size = bytes
  let unit = 0
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024
    unit++
  }
  return `${unit === 0 ? size : size.toFixed(1)} ${units[unit]}`
}

/** A share, 0 to 1, with one decimal. */
export const printShare = (share: number): string => `${(share * 100).toFixed(1)} %`

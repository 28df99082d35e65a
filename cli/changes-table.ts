// How does a difference read in a pull request? As a Markdown table: shares of own time and with callees, the change in
// percentage points, samples, and what may be chance. Names come from strangers, so they stand in code spans.
import { type FunctionChange, isNoise, type SampleCounts, type ShareChange } from './function-changes.ts'
import { printable, printShare } from './output.ts'

/** Prints the rows as they come.  cost O(rows) */
export function changesTable(rows: readonly FunctionChange[], samples: SampleCounts): string {
  const lines = rows.map((row) =>
    line([
      codeSpan(row.name),
      row.mapping === '' ? '' : codeSpan(row.mapping),
      shares(row.self),
      points(row.self),
      shares(row.total),
      points(row.total),
      counts(row.self, samples),
      verdict(row),
    ]),
  )
  return `${[line(TITLES), line(ALIGN), ...lines].join('\n')}\n`
}

const TITLES = ['function', 'binary', 'self', 'change', 'total', 'change', 'samples of self', '']
const ALIGN = [':--', ':--', '--:', '--:', '--:', '--:', '--:', ':--']

const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
const shares = ({ baseline, comparison }: ShareChange) =>
  `${printShare(baseline)} → ${printShare(comparison)}`

/** "+3.2 pt". */
export function points({ change }: ShareChange): string {
  const text = (change * 100).toFixed(1)
  return `${text.startsWith('-') ? '' : '+'}${text} pt`
}

function counts({ baseline, comparison }: ShareChange, samples: SampleCounts): string {
  const count = (share: number, all: number | undefined) =>
    all === undefined ? '?' : Math.round(share * all)
  return `${count(baseline, samples.baseline)} → ${count(comparison, samples.comparison)}`
}

/** Noise only if both of a row's changes may be chance. */
const verdict = ({ self, total }: FunctionChange) => (isNoise(self) && isNoise(total) ? 'noise' : '')

/** Text that no Markdown reader takes for markup, in a cell of a table: a fence longer than any inside, pipes escaped. */
export function codeSpan(text: string): string {
  const clean = printable(text).replaceAll('|', '\\|')
  const longest = Math.max(0, ...Array.from(clean.matchAll(/`+/g), ([run]) => run.length))
  const fence = '`'.repeat(longest + 1)
  const space = longest > 0 ? ' ' : ''
  return `${fence}${space}${clean}${space}${fence}`
}

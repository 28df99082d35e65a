// How does one use this command? The answer comes from the same table as the parser, so that it cannot be wrong.
import { printDuration } from './duration.ts'
import type { Setting } from './setting.ts'
import { printSize } from './size.ts'
import { wrapText } from './wrap-text.ts'

const WIDTH = 96 // fits a terminal of 100 columns
const FLAG_WIDTH = 30 // longer flags put their text on the next line

/** What `--help` of one command prints: purpose, examples, then the flags of the table in its order.
 *  in   examples  command lines as one would type them; a remark may follow after two spaces and #
 *  out  lines of at most 96 columns (examples are never broken), ends with a newline */
export function printHelp({
  command,
  purpose,
  examples,
  table,
}: {
  readonly command: string
  readonly purpose: string
  readonly examples: readonly string[]
  readonly table: readonly Setting[]
}): string {
  const lines = [...wrapText(`${command}: ${purpose}`, WIDTH)]
  if (examples.length > 0) lines.push('', 'Examples', ...examples.map((example) => `  ${example}`))
  if (table.length > 0) {
    lines.push('', 'Flags', ...table.flatMap(flagLines), '')
    lines.push(
      ...wrapText(
        'Each flag is also a variable (FLAMETRAIL_ and its name in capitals, _ for -) and a key of the config ' +
          'file; a flag wins over a variable, a variable over the file.',
        WIDTH,
      ),
    )
  }
  return `${lines.join('\n')}\n`
}

function flagLines(row: Setting): string[] {
  const name =
    row.kind === 'boolean'
      ? row.default === true
        ? `--no-${row.name}`
        : `--${row.name}`
      : `--${row.name} ${row.unit || row.kind.toUpperCase()}`
  const flag = row.short === undefined ? name : `-${row.short}, ${name}`
  const about = wrapText(`${row.why} ${facts(row)}`, WIDTH - FLAG_WIDTH - 2)
  const indent = ' '.repeat(FLAG_WIDTH + 2)
  const isShort = flag.length < FLAG_WIDTH
  const first = isShort ? [`  ${flag.padEnd(FLAG_WIDTH)}${about[0]}`] : [`  ${flag}`, indent + about[0]]
  return [...first, ...about.slice(1).map((line) => indent + line)]
}

/** "(default 19, from 1 to 999)", "(repeatable, for example team=a)". */
function facts(row: Setting): string {
  const print = (value: unknown) =>
    typeof value === 'number' && row.kind === 'duration'
      ? printDuration(value)
      : typeof value === 'number' && row.kind === 'size'
        ? printSize(value)
        : String(value)
  const parts: string[] = []
  const isSet = Array.isArray(row.default) ? row.default.length > 0 : row.default !== ''
  if (row.kind === 'list') parts.push('repeatable')
  if (row.kind === 'boolean') parts.push(row.default === true ? 'default on' : 'default off')
  else if (isSet)
    parts.push(`default ${Array.isArray(row.default) ? row.default.join(', ') : print(row.default)}`)
  if (row.choices !== undefined) parts.push(`one of ${row.choices.join(', ')}`)
  if (row.min !== undefined && row.max !== undefined)
    parts.push(`from ${print(row.min)} to ${print(row.max)}`)
  else if (row.min !== undefined) parts.push(`at least ${print(row.min)}`)
  else if (row.max !== undefined) parts.push(`at most ${print(row.max)}`)
  if (row.kind !== 'boolean' && !isSet) parts.push(`for example ${row.example}`)
  return `(${parts.join('; ')})`
}

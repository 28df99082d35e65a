// Which commands are there? This table; one file each. Exit codes: 0 the work was done, 1 it could not be, 2 wrong usage;
// those of `diff` stand in diff.ts.
import { version } from '../package.json'
import { agent } from './agent.ts'
import { backend } from './backend.ts'
import { type Command, helpOf, Refusal, UsageError } from './command.ts'
import { diff } from './diff.ts'
import { doctor } from './doctor.ts'
import { exportQuery } from './export.ts'
import { importFiles } from './import.ts'
import { printTable } from './output.ts'
import { query } from './query.ts'
import { record } from './record.ts'
import { token } from './token.ts'
import { top } from './top.ts'
import { up } from './up.ts'

const COMMANDS: ReadonlyMap<string, Command> = new Map([
  ['up', up],
  ['agent', agent],
  ['backend', backend],
  ['query', query],
  ['export', exportQuery],
  ['import', importFiles],
  ['diff', diff],
  ['record', record],
  ['top', top],
  ['doctor', doctor],
  ['token', token],
])

function overview(): string {
  const rows = [...COMMANDS].map(([name, command]) => [`  flametrail ${name}`, command.purpose])
  const columns = [
    { title: `Flametrail ${version}: which function burns the CPU?`, align: 'left' },
    { title: '', align: 'left' },
  ] as const
  const [title, ...lines] = printTable(columns, rows).split('\n')
  return [title!.trimEnd(), '', ...lines, '`flametrail COMMAND --help` tells the flags of one.', ''].join(
    '\n',
  )
}

async function main(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv
  if (name === undefined || name === '--help' || name === 'help') {
    process.stdout.write(overview())
    return name === undefined ? 2 : 0
  }
  if (name === '--version' || name === 'version') {
    process.stdout.write(`flametrail ${version}\n`)
    return 0
  }
  const command = COMMANDS.get(name)
  if (command === undefined)
    throw new UsageError(`unknown command ${name}; there are ${[...COMMANDS.keys()].join(', ')}`)
  const flags = rest.slice(0, rest.includes('--') ? rest.indexOf('--') : rest.length)
  if (flags.includes('--help')) {
    process.stdout.write(helpOf(name, command))
    return 0
  }
  return command.run(rest)
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof UsageError || error instanceof Refusal)) throw error // a bug of ours: its stack trace is the report
  process.stderr.write(`flametrail: ${error.message}\n`)
  process.exitCode = error instanceof UsageError ? 2 : 1
}

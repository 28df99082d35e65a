// What is a command? A purpose, examples, a table of flags, and a function; help and parsing are the same for all.
import { printHelp } from '#profile/settings/help'
import { parseSettings } from '#profile/settings/parse'
import type { Setting } from '#profile/settings/setting'

export interface Command {
  readonly purpose: string
  readonly examples: readonly string[]
  readonly table: readonly Setting[]
  /** in  argv  the words after the command's name;  out  the exit code */
  readonly run: (argv: readonly string[]) => Promise<number>
}

/** Wrong usage: exit code 2, one line. */
export class UsageError extends Error {}
/** The work could not be done: exit code 1, one line. */
export class Refusal extends Error {}

/** Parses the words of a command by its table; environment variables count too, --help prints and ends.
 *  throws UsageError with the parser's sentence */
export function parseArguments<const Table extends readonly Setting[]>(
  table: Table,
  argv: readonly string[],
) {
  const parsed = parseSettings(table, { argv, env: process.env, file: undefined })
  if (!parsed.ok) throw new UsageError(parsed.error.message)
  return parsed.value
}

export function helpOf(name: string, command: Command): string {
  return printHelp({
    command: `flametrail ${name}`,
    purpose: command.purpose,
    examples: command.examples,
    table: command.table,
  })
}

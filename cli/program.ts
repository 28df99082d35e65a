// How does a command become one of the programs of build/? By importing its bundle, which runs as if it had been started
// itself: no second Node process, no signal to pass on.

/** Young garbage is all the agent has: a small nursery costs nothing and saves 30 MB. */
export const AGENT_FLAGS = ['--max-semi-space-size=1', '--max-old-space-size=128']

/** Turns this process into build/<file> with these words. Resolves when the program has started; it then lives on its own
 *  and sets its own exit code.  */
export async function runProgram(file: string, argv: readonly string[]): Promise<number> {
  const program = new URL(file, import.meta.url)
  process.argv = [process.argv[0]!, program.pathname, ...argv]
  await import(/* webpackIgnore: true */ program.href)
  return Number(process.exitCode ?? 0)
}

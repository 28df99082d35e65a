// How does a command become one of the programs of build/? By importing its bundle, which runs as if it had been started
// itself: no second Node process, no signal to pass on.

/** Young garbage is all the agent has: a small nursery costs nothing and saves 30 MB. Four threads that collect it and
 *  compile beside us cost more than they save: without them an eighth less CPU time and 9 MB less, in pairs under load. */
export const AGENT_FLAGS = ['--max-semi-space-size=1', '--max-old-space-size=128', '--single-threaded']

/** For the C library under Node: what was allocated and freed goes back to the system. By itself glibc keeps an arena for
 *  each thread, and once a table of some MB was freed, keeps all up to that size: 20 MB of the agent's memory, measured. */
export const AGENT_ENVIRONMENT: Readonly<Record<string, string>> = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_MMAP_THRESHOLD_: '131072',
  MALLOC_TRIM_THRESHOLD_: '131072',
  UV_THREADPOOL_SIZE: '2',
}

/** Turns this process into build/<file> with these words. Resolves when the program has started; it then lives on its own
 *  and sets its own exit code.  */
export async function runProgram(file: string, argv: readonly string[]): Promise<number> {
  const program = new URL(file, import.meta.url)
  process.argv = [process.argv[0]!, program.pathname, ...argv]
  await import(/* webpackIgnore: true */ program.href)
  return Number(process.exitCode ?? 0)
}

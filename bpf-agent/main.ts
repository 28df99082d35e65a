// The agent as a process: settings in, signals heard, one sentence when it cannot run.
//   exit 0  asked to end, last window sent      1  cannot run here      2  wrong usage
import { printHelp } from '#profile/settings/help'
import { parseSettings } from '#profile/settings/parse'
import { startAgent } from './agent.ts'
import { CannotSample } from './kernel/load.ts'
import { createParts, SettingError } from './parts.ts'
import { AGENT_SETTINGS, type AgentSettings } from './settings.ts'

const say = (line: string) => process.stderr.write(`flametrail agent: ${line}\n`)

async function main(argv: readonly string[]): Promise<void> {
  if (argv.includes('--help')) {
    process.stdout.write(
      printHelp({
        command: 'agent.mjs',
        purpose: 'sample every process of this host and send profiles to a backend',
        examples: ['node agent.mjs --backend http://127.0.0.1:4040'],
        table: AGENT_SETTINGS,
      }),
    )
    return
  }
  const parsed = parseSettings(AGENT_SETTINGS, { argv, env: process.env, file: undefined })
  if (!parsed.ok) return end(2, parsed.error.message)
  if (parsed.value.rest.length > 0)
    return end(2, `the agent takes flags only, got "${parsed.value.rest.join(' ')}"; --help lists them`)
  try {
    await run(parsed.value.values)
  } catch (error) {
    if (error instanceof SettingError) end(2, error.message)
    else if (error instanceof CannotSample) end(1, error.message)
    else throw error
  }
}

async function run(settings: AgentSettings): Promise<void> {
  const agent = await startAgent(settings, createParts(settings))
  const firstMs = Math.min(5000, settings.window)
  say(`sampling ${agent.cpus} CPUs at ${settings.frequency} Hz, first window in ${firstMs / 1000} s`)
  let isEnding = false
  const stop = () => {
    if (isEnding) return
    isEnding = true
    // Nothing keeps the process alive afterwards but a socket that the other side holds open: do not wait for it.
    agent.stop().then(
      () => process.exit(0),
      (error: unknown) => crash(error),
    )
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
  // Started by another program over a channel: when that dies, nobody is left to stop us.
  if (process.channel !== undefined) process.on('disconnect', stop)
  agent.failed.catch(crash)
}

function end(code: number, message: string): void {
  say(message)
  process.exitCode = code
}

/** A broken relation of ours: the stack is for us, the sentence for everyone. */
function crash(error: unknown): never {
  say(`sampling broke, this is a bug: ${(error as Error).stack ?? String(error)}`)
  process.exit(1)
}

await main(process.argv.slice(2))

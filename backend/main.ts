// The backend as a process: words of the command line in, one line to stderr when it serves, an exit code at the end.
// 0: stopped when asked; 1: it could not start or go on; 2: wrong usage.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse as parseYaml } from 'yaml'
import { printHelp } from '#profile/settings/help'
import { parseSettings } from '#profile/settings/parse'
import { version } from '../package.json'
import { type BackendParts, type RunningBackend, startBackend, WrongSettings } from './backend.ts'
import { limitsOf } from './limits.ts'
import { TokenFileError } from './serve/tokens.ts'
import { BACKEND_SETTINGS, type BackendSettings, limitsOfConfig } from './settings.ts'
import { createStoreClient } from './worker-client.ts'

const HELP = {
  command: 'flametrail backend',
  purpose: 'takes profiles in, keeps them, answers queries and serves the viewer, on one port.',
  examples: [
    'flametrail backend',
    'flametrail backend --data-directory /var/lib/flametrail --retention-age 30d',
    'flametrail backend --listen 0.0.0.0:4040 --token-file /etc/flametrail/tokens',
  ],
  table: BACKEND_SETTINGS,
}

const say = (line: string) => process.stderr.write(`${line}\n`)

/** A refusal of the operator's words. */
class UsageError extends Error {}

function readSettings(argv: readonly string[], env: NodeJS.ProcessEnv): BackendSettings {
  const parse = (file: unknown) => {
    const parsed = parseSettings(BACKEND_SETTINGS, { argv, env, file })
    if (!parsed.ok) throw new UsageError(parsed.error.message)
    const [word] = parsed.value.rest
    if (word !== undefined)
      throw new UsageError(`unexpected word "${word}"; flags only, such as --listen 127.0.0.1:4040`)
    return parsed.value.values
  }
  const { config } = parse(undefined)
  if (config === '') return { ...parse(undefined), limits: limitsOf() }
  const { limits, ...file } = readConfig(config)
  const values = parse(file)
  try {
    return { ...values, limits: limitsOfConfig(limits) }
  } catch (error) {
    throw new UsageError(`--config ${config}: ${(error as Error).message}`, { cause: error })
  }
}

function readConfig(path: string): Record<string, unknown> {
  let content: unknown
  try {
    content = parseYaml(readFileSync(path, 'utf8')) ?? {}
  } catch (error) {
    const [why] = (error as Error).message.split('\n')
    throw new UsageError(`--config ${path} cannot be used: ${why}`, { cause: error })
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content))
    throw new UsageError(`--config ${path} must hold keys and values, for example "listen: 127.0.0.1:4040"`)
  return content as Record<string, unknown>
}

const beside = (file: string) => new URL(file, import.meta.url)

/** The worker's bundle lies beside ours. */
const openService: BackendParts['openService'] = (options) =>
  createStoreClient({ ...options, workerUrl: beside('backend-worker.mjs'), log: say })

/** What stops us: signals, and the end of the program that started us over a channel. The second time we go at once. */
function onStop(backend: RunningBackend): void {
  let isStopping = false
  const stop = async () => {
    if (isStopping) process.exit(1)
    isStopping = true
    try {
      await backend.close()
      process.exit(0)
    } catch (error) {
      say(`flametrail backend: stopping failed: ${oneLine(error)}`)
      process.exit(1)
    }
  }
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, stop)
  // Started over a channel, as `flametrail up` does: should it be killed, we stop by ourselves.
  if (process.send !== undefined) process.on('disconnect', stop)
}

const oneLine = (error: unknown) => (error instanceof Error ? error.message : String(error)).split('\n')[0]!

async function main(argv: readonly string[]): Promise<void> {
  if (argv.includes('--help') || argv.includes('-h')) {
    process.stdout.write(printHelp(HELP))
    return
  }
  if (argv.includes('--version')) {
    process.stdout.write(`${version}\n`)
    return
  }
  const settings = readSettings(argv, process.env)
  const backend = await startBackend(settings, {
    openService,
    version,
    viewerDirectory: fileURLToPath(beside('viewer')),
    log: say,
  })
  onStop(backend)
  say(`Flametrail backend ${version} listening on ${backend.url}, data in ${settings['data-directory']}`)
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const isUsage =
    error instanceof UsageError || error instanceof WrongSettings || error instanceof TokenFileError
  say(`flametrail backend: ${oneLine(error)}`)
  process.exit(isUsage ? 2 : 1)
})

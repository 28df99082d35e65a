// What is the agent made of on a real machine? Kernel, names, wire and sender, put together in one place; the loop knows
// only their shapes.
import { randomUUID } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { encodeOtlpProfiles } from '#profile/wire/otlp-encode'
import { version } from '../package.json'
import type { AgentParts } from './agent.ts'
import { hostName } from './host/host-name.ts'
import { parseListenAddress } from './listen-address.ts'
import { createRecordParts } from './record-parts.ts'
import type { AgentSettings } from './settings.ts'
import { createSender } from './ship/sender.ts'

/** A setting that cannot be used as it is: wrong usage. */
export class SettingError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'SettingError'
  }
}

const TOKEN_BYTES_MAX = 4096

/** Makes the real parts; the sampler is loaded but does not tick yet.
 *  throws  SettingError;  CannotSample when the kernel does not let us */
export function createParts(settings: AgentSettings): AgentParts {
  const log = (line: string) => process.stderr.write(`flametrail agent: ${line}\n`)
  const metrics = parseListenAddress(settings['metrics-listen'])
  if (!metrics.ok) throw new SettingError(metrics.error.message)
  const host = settings.host === '' ? hostName() : settings.host
  const sender = settingOrThrow(() =>
    createSender({
      url: settings.backend,
      token: readToken(settings['token-file']),
      bufferBytesMax: settings['buffer-size'],
      log,
    }),
  )
  const excludedCgroups = settings['exclude-cgroup'].map(
    (path) => statSync(cgroupFolder(path, '--exclude-cgroup'), { bigint: true }).ino,
  )
  const sampled = createRecordParts({
    ...{ frequencyHz: settings.frequency, log, host, excludedCgroups },
    cacheFolder: settings['table-cache'],
  })
  return {
    ...sampled,
    encode: encodeOtlpProfiles,
    sender,
    identity: { host, agentId: randomUUID(), version },
    metrics: metrics.value,
    log,
  }
}

function readToken(file: string): string | undefined {
  if (file === '') return undefined
  let token: string
  try {
    token = readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw new SettingError(
      `cannot read the token: ${(error as Error).message}; give --token-file a file that the agent may read`,
    )
  }
  if (token === '' || token.length > TOKEN_BYTES_MAX)
    throw new SettingError(
      `the token file ${file} holds ${token.length} characters; it must hold one token and nothing else`,
    )
  return token
}

/** The directory of a cgroup in the v2 hierarchy; its inode is the cgroup's id.
 *  throws  SettingError that names the flag */
export function cgroupFolder(path: string, flag: string): string {
  const mount = cgroupMount(readFileSync('/proc/self/mountinfo', 'utf8'))
  if (mount === undefined)
    throw new SettingError(`${flag} ${path}: this machine has no cgroup v2 hierarchy mounted`)
  const folder = `${mount}/${path.replace(/^\/+/, '')}`
  try {
    if (!statSync(folder).isDirectory()) throw new Error(`${folder} is no directory`)
    return folder
  } catch (error) {
    throw new SettingError(`${flag} ${path}: ${(error as Error).message}; give a directory below ${mount}`)
  }
}

/** Where the v2 hierarchy is mounted, by the text of /proc/self/mountinfo. */
export function cgroupMount(mountinfo: string): string | undefined {
  for (const line of mountinfo.split('\n')) {
    const [before, after] = line.split(' - ')
    if (after?.startsWith('cgroup2 ')) return before?.split(' ')[4]
  }
  return undefined
}

function settingOrThrow<T>(make: () => T): T {
  try {
    return make()
  } catch (error) {
    throw error instanceof SettingError ? error : new SettingError((error as Error).message)
  }
}

// What is the agent made of on a real machine? Kernel, names, wire and sender, put together in one place; the loop knows
// only their shapes.
import { randomUUID } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { encodeOtlpProfiles } from '#profile/wire/otlp-encode'
import { version } from '../package.json'
import type { AgentParts } from './agent.ts'
import { monotonicMs } from './host/clock.ts'
import { hostName } from './host/host-name.ts'
import { createProcesses } from './host/processes.ts'
import { idleMsOf } from './kernel/accounting.ts'
import { listenToMappings } from './kernel/mapping-events.ts'
import { createSampler } from './kernel/sampler.ts'
import { parseListenAddress } from './listen-address.ts'
import { openMappedSource, versionOfMapped } from './mapped-source.ts'
import type { AgentSettings } from './settings.ts'
import { createSender } from './ship/sender.ts'
import { createSymbolizer } from './symbolize/symbolizer.ts'
import { createHostUnwinder } from './unwind/host-unwinder.ts'

/** A setting that cannot be used as it is: wrong usage. */
export class SettingError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'SettingError'
  }
}

export const USER_FRAMES_MAX = 512 // what a record has room for: USER_FRAMES_MAX of bpf/abi.h
const TOKEN_BYTES_MAX = 4096

/** Makes the real parts; the sampler is loaded but does not tick yet.
 *  throws  SettingError;  CannotSample when the kernel does not let us */
export function createParts(settings: AgentSettings): AgentParts {
  const log = (line: string) => process.stderr.write(`flametrail agent: ${line}\n`)
  const clock = { monotonicMs, wallMs: () => Date.now() }
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
  const processes = createProcesses()
  const sampler = createSampler({
    frequencyHz: settings.frequency,
    userFramesMax: USER_FRAMES_MAX,
    hasTables: true,
    excludedCgroups,
    objectFolder: objectFolder(),
    monotonicMs,
  })
  return {
    sampler,
    processes,
    unwinder: createHostUnwinder({
      ...{ sampler, processes, open: openMappedSource, versionOf: versionOfMapped, log, monotonicMs },
      cacheFolder: settings['table-cache'],
    }),
    mappingEvents: listenToMappings(),
    symbolizer: createSymbolizer({ processes, host, log }),
    encode: encodeOtlpProfiles,
    sender,
    clock,
    idleMs: () => idleMsOf(readFileSync('/proc/stat', 'latin1')),
    identity: { host, agentId: randomUUID(), version },
    metrics: metrics.value,
    log,
  }
}

/** The built BPF object: beside the bundle, or in the checkout's build folder when the sources run. */
export function objectFolder(): string {
  const isBundle = !import.meta.url.endsWith('.ts')
  return fileURLToPath(new URL(isBundle ? './bpf/' : '../build/bpf/', import.meta.url))
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

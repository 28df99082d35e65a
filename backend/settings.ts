// What can an operator set? One table; flags, variables, the config file, help and documents come from it. Limits stand
// in the config file only, below `limits:`, one key per row of limits.ts: they are rarely touched and never in a hurry.
import { parseDuration } from '#profile/settings/duration'
import type { SettingValues } from '#profile/settings/parse'
import type { Setting } from '#profile/settings/setting'
import { parseSize } from '#profile/settings/size'
import { LIMITS, type Limits, limitsOf } from './limits.ts'

const DAY_MS = 86_400_000
const GB = 2 ** 30

export const BACKEND_SETTINGS = [
  {
    name: 'listen',
    kind: 'string',
    unit: 'HOST:PORT',
    default: '127.0.0.1:4040',
    example: '0.0.0.0:4040',
    why: 'Where every protocol is served; off loopback it wants --token-file.',
  },
  {
    name: 'data-directory',
    kind: 'string',
    unit: 'DIR',
    default: '.flametrail',
    example: '/var/lib/flametrail',
    why: 'Where the profiles are kept; made with mode 0700 if it is not there.',
  },
  {
    name: 'retention-age',
    kind: 'duration',
    unit: 'DURATION',
    default: 14 * DAY_MS,
    min: 3_600_000,
    example: '30d',
    why: 'Files whose newest sample is older leave.',
  },
  {
    name: 'retention-size',
    kind: 'size',
    unit: 'SIZE',
    default: 20 * GB,
    min: 64 * 2 ** 20,
    example: '100GB',
    why: 'Above this, the oldest files leave first.',
  },
  {
    name: 'token-file',
    kind: 'string',
    unit: 'FILE',
    default: '',
    example: '/etc/flametrail/tokens',
    why: 'Who may read and write, made by `flametrail token create`; mode 0600, read again when it changes.',
  },
  {
    name: 'insecure-no-auth',
    kind: 'boolean',
    unit: '',
    default: false,
    example: '--insecure-no-auth',
    why: 'Listen off loopback without tokens: whoever reaches the port may read and write everything.',
  },
  {
    name: 'server-hosts',
    kind: 'list',
    unit: 'NAME',
    default: [],
    example: 'profiles.example.net',
    why: 'Further names by which a backend on loopback may be asked, for a proxy in front of it.',
  },
  {
    name: 'viewer-directory',
    kind: 'string',
    unit: 'DIR',
    default: '',
    example: '/usr/share/flametrail/viewer',
    why: 'The built viewer; empty: the folder viewer beside the program.',
  },
  {
    name: 'config',
    kind: 'string',
    unit: 'FILE',
    default: '',
    example: '/etc/flametrail/backend.yaml',
    why: 'YAML with these names as keys, and limits below `limits:`.',
  },
] as const satisfies readonly Setting[]

export type BackendSettings = Omit<SettingValues<typeof BACKEND_SETTINGS>, 'config'> & {
  readonly limits: Limits
}

/** Where to listen: a name or address without brackets, and a port. */
export interface ListenAddress {
  readonly host: string
  readonly port: number
}

/** Reads HOST:PORT, [IPv6]:PORT or :PORT (every address).
 *  throws Error with one sentence */
export function parseListen(text: string): ListenAddress {
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]*)):(\d{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  if (digits === undefined || port > 65_535)
    throw new Error(
      `--listen ${text}: wants HOST:PORT with a port from 0 to 65535; for example --listen 127.0.0.1:4040`,
    )
  const host = bracketed ?? plain ?? ''
  return { host: host === '' ? '::' : host, port }
}

/** Limits from the `limits:` part of the config file: numbers, or texts such as 10m and 64MB; keys may nest.
 *  throws Error with one sentence that names the key */
export function limitsOfConfig(part: unknown): Limits {
  if (part === undefined || part === null) return limitsOf()
  if (typeof part !== 'object' || Array.isArray(part))
    throw new Error(
      'limits in the config file must hold keys and values, for example "limits: {bodyBytes: 64MB}"',
    )
  const overrides = new Map<string, unknown>()
  const visit = (object: object, prefix: string, depth: number) => {
    for (const [key, value] of Object.entries(object)) {
      const name = prefix + key
      if (typeof value === 'object' && value !== null && !Array.isArray(value) && depth < 3)
        visit(value, `${name}.`, depth + 1)
      else overrides.set(name, typeof value === 'string' ? parseLimit(name, value) : value)
    }
  }
  visit(part, '', 0)
  return limitsOf(Object.fromEntries(overrides))
}

function parseLimit(name: string, text: string): unknown {
  if (!Object.hasOwn(LIMITS, name)) return text // limitsOf knows what to say about the key
  const { unit } = LIMITS[name as keyof typeof LIMITS]
  if (unit === 'count') return text
  const parsed = unit === 'ms' ? parseDuration(text) : parseSize(text)
  if (!parsed.ok) throw new Error(`limits.${name}: ${parsed.error.message}`)
  return parsed.value
}

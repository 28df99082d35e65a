// What can an operator set? One table; flags, variables, help and documents come from it.
import type { SettingValues } from '#profile/settings/parse'
import type { Setting } from '#profile/settings/setting'

const MB = 2 ** 20

export const AGENT_SETTINGS = [
  {
    name: 'backend',
    kind: 'string',
    unit: 'URL',
    default: 'http://127.0.0.1:4040',
    example: 'https://profiles.example.net:4040',
    why: 'Where profiles go, as OTLP over HTTP; any OTLP profiles endpoint will do.',
  },
  {
    name: 'token-file',
    kind: 'string',
    unit: 'FILE',
    default: '',
    example: '/etc/flametrail/write-token',
    why: 'File holding a token of the scope write; a token never stands in a flag, where every user of the host could see it.',
  },
  {
    name: 'frequency',
    kind: 'number',
    unit: 'Hz',
    default: 19,
    min: 1,
    max: 499,
    example: '97',
    why: 'Samples per second and CPU; a prime keeps out of step with what it measures.',
  },
  {
    name: 'window',
    kind: 'duration',
    unit: 'DURATION',
    default: 10_000,
    min: 1_000,
    max: 60_000,
    example: '10s',
    why: 'Equal stacks of a window are sent once with their count; the first window is 5s at most, so that the first graph comes soon.',
  },
  {
    name: 'buffer-size',
    kind: 'size',
    unit: 'SIZE',
    default: 64 * MB,
    min: MB,
    max: 4096 * MB,
    example: '64MB',
    why: 'Memory for profiles while the backend is away; above it the oldest go first, and are counted.',
  },
  {
    name: 'host',
    kind: 'string',
    unit: 'NAME',
    default: '',
    example: 'web-7',
    why: 'Name of this machine in the label host; empty: its host name.',
  },
  {
    name: 'exclude-cgroup',
    kind: 'list',
    unit: 'PATH',
    default: [],
    example: '/system.slice/noisy.service',
    why: 'A cgroup v2 directory below its mount whose processes are not sampled, only counted as filtered. May be repeated.',
  },
  {
    name: 'table-cache',
    kind: 'string',
    unit: 'DIR',
    default: '',
    example: '/var/cache/flametrail',
    why: 'Directory for unwind tables compiled once, at most 256 MB: a restarted agent, and each new version of a library, cost less. Empty: nowhere.',
  },
  {
    name: 'metrics-listen',
    kind: 'string',
    unit: 'HOST:PORT',
    default: '127.0.0.1:4041',
    example: '127.0.0.1:4051',
    why: 'Where /metrics and /healthz answer, on loopback only; "" answers nowhere.',
  },
] as const satisfies readonly Setting[]

export type AgentSettings = SettingValues<typeof AGENT_SETTINGS>

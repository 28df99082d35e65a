// Which flags do the commands of the client side know? Tables as data: parser, help and errors come from them.
// Agent and backend keep their own tables in their own households.
import type { Setting } from '#profile/settings/setting'
import { EXPORT_FORMATS } from '#profile/wire/query-api'

/** Whom to ask: shared by every command that talks to a backend. */
const CLIENT = [
  {
    name: 'backend',
    kind: 'string',
    unit: 'URL',
    default: 'http://127.0.0.1:4040',
    example: 'https://profiles.example.net:4040',
    why: 'The backend to ask.',
  },
  {
    name: 'token-file',
    kind: 'string',
    unit: 'FILE',
    default: '',
    example: '/etc/flametrail/read-token',
    why: 'File holding a token of the scope read; a token never stands in a flag, where every user of the host could see it.',
  },
] as const satisfies readonly Setting[]

const RANGE = [
  {
    name: 'type',
    kind: 'string',
    unit: 'TYPE',
    default: 'cpu',
    example: 'process_cpu:cpu:nanoseconds:cpu:nanoseconds',
    why: 'Profile type: an alias or an id of five parts.',
  },
  {
    name: 'from',
    kind: 'string',
    unit: 'TIME',
    default: 'now-1h',
    example: 'now-15m',
    why: 'Start of the range: now-15m, RFC 3339 or epoch.',
  },
  {
    name: 'to',
    kind: 'string',
    unit: 'TIME',
    default: 'now',
    example: '2026-11-24T10:00:00Z',
    why: 'End of the range, exclusive.',
  },
] as const satisfies readonly Setting[]

/** Rows that several commands know; each may say in its own words what it is for. */
const MAX_NODES = {
  name: 'max-nodes',
  kind: 'number',
  unit: 'N',
  default: 20_000,
  min: 1,
  max: 1_048_576,
  example: '2000',
  why: 'The heaviest nodes; the rest is folded and counted.',
} as const satisfies Setting

const LIMIT = {
  name: 'limit',
  kind: 'number',
  unit: 'N',
  default: 20,
  min: 1,
  max: 10_000,
  example: '50',
  why: 'How many rows.',
} as const satisfies Setting

const BASELINE_SELECTOR = {
  name: 'baseline',
  kind: 'string',
  unit: 'SELECTOR',
  default: '',
  example: '{service_version="1.4"}',
  why: 'Makes it a diff: selector of the baseline.',
} as const satisfies Setting

const BASELINE_FROM = {
  name: 'baseline-from',
  kind: 'string',
  unit: 'TIME',
  default: '',
  example: 'now-2h',
  why: 'Start of the baseline; empty: --from.',
} as const satisfies Setting

const BASELINE_TO = {
  name: 'baseline-to',
  kind: 'string',
  unit: 'TIME',
  default: '',
  example: 'now-1h',
  why: 'End of the baseline; empty: --to.',
} as const satisfies Setting

const LISTEN = {
  name: 'listen',
  kind: 'string',
  unit: 'HOST:PORT',
  default: '127.0.0.1:4040',
  example: '127.0.0.1:4050',
  why: 'Where backend and viewer listen.',
} as const satisfies Setting

const DATA_DIRECTORY = {
  name: 'data-directory',
  kind: 'string',
  unit: 'DIR',
  default: '.flametrail',
  example: '/var/lib/flametrail',
  why: 'Where the profiles are kept.',
} as const satisfies Setting

const JSON_OUT = {
  name: 'json',
  kind: 'boolean',
  unit: '',
  default: false,
  example: '--json',
  why: 'Print the answer of the query API as it came, for machines.',
} as const satisfies Setting

/** `flametrail query …`: one table for all kinds, so that a flag means the same everywhere. */
export const QUERY_SETTINGS = [
  ...CLIENT,
  ...RANGE,
  JSON_OUT,
  { ...MAX_NODES, why: 'flame, iceberg, diff: the heaviest nodes; the rest is folded and counted.' },
  {
    name: 'group',
    kind: 'list',
    unit: 'LABEL',
    default: [],
    example: 'service_name',
    why: 'series: one line per value of this label; flame: it becomes the first level. May be repeated.',
  },
  {
    name: 'step',
    kind: 'duration',
    unit: 'DURATION',
    default: 0,
    min: 0,
    example: '1m',
    why: 'series: distance of the points; 0 lets the backend choose.',
  },
  { ...LIMIT, why: 'top, series, labels, diff: how many rows.' },
  {
    name: 'sort',
    kind: 'string',
    unit: 'self|total',
    default: 'self',
    choices: ['self', 'total'],
    example: 'total',
    why: 'top: by own time or with callees.',
  },
  { ...BASELINE_SELECTOR, why: 'diff: selector of the baseline; empty: the same as the comparison.' },
  {
    ...BASELINE_FROM,
    why: 'diff: start of the baseline; empty: the range of equal length before --from.',
  },
  { ...BASELINE_TO, why: 'diff: end of the baseline; empty: --from.' },
] as const satisfies readonly Setting[]

const OUTPUT = {
  name: 'output',
  short: 'o',
  kind: 'string',
  unit: 'FILE',
  default: '',
} as const

const FILE_FREQUENCY = {
  name: 'frequency',
  short: 'F',
  kind: 'number',
  unit: 'Hz',
  default: 19,
  min: 1,
  max: 100_000,
  example: '97',
  why: 'Of folded lines, which do not say it: samples per second and CPU.',
} as const satisfies Setting

/** `flametrail import FILE…`. */
export const IMPORT_SETTINGS = [
  CLIENT[0],
  {
    ...CLIENT[1],
    why: 'File holding a token of the scope write; a token never stands in a flag, where every user of the host could see it.',
  },
  {
    name: 'label',
    short: 'l',
    kind: 'list',
    unit: 'NAME=VALUE',
    default: [],
    example: 'service_name=api',
    why: 'A label of all samples, over those of the file; without service_name the name of the file stands for it. May be repeated.',
  },
  {
    name: 'time',
    kind: 'string',
    unit: 'TIME',
    default: '',
    example: '2026-11-24T10:00:00Z',
    why: 'When the profile began; empty: the time in the file, or when the file was last changed.',
  },
  FILE_FREQUENCY,
] as const satisfies readonly Setting[]

/** `flametrail export [SELECTOR]`. */
export const EXPORT_SETTINGS = [
  ...CLIENT,
  ...RANGE,
  {
    ...OUTPUT,
    example: 'api.pb.gz',
    why: 'Where to write; its extension names the format. Empty: stdout.',
  },
  {
    name: 'format',
    kind: 'string',
    unit: EXPORT_FORMATS.join('|'),
    default: '',
    example: 'folded',
    why: 'What to write; empty: by the extension of --output.',
  },
  {
    name: 'view',
    kind: 'string',
    unit: 'flame|iceberg',
    default: 'flame',
    choices: ['flame', 'iceberg'],
    example: 'iceberg',
    why: 'Stacks from the root, or upside down: functions that burn at the bottom, their callers above.',
  },
  { ...MAX_NODES, default: 1_048_576 },
  BASELINE_SELECTOR,
  BASELINE_FROM,
  BASELINE_TO,
] as const satisfies readonly Setting[]

/** `flametrail diff A B`. */
export const DIFF_SETTINGS = [
  ...CLIENT,
  ...RANGE,
  BASELINE_FROM,
  BASELINE_TO,
  {
    ...OUTPUT,
    example: 'changes.html',
    why: 'Also draw the difference: a page (.html) or a picture (.svg).',
  },
  {
    name: 'fail-on',
    kind: 'list',
    unit: '[FUNCTION:]+Npt',
    default: [],
    example: '+5pt',
    why: 'End with exit code 1 if the own time of any function (+5pt), or the time of one with its callees (json.Marshal:+2pt), grew by more percentage points of the whole. May be repeated.',
  },
  LIMIT,
  FILE_FREQUENCY,
] as const satisfies readonly Setting[]

/** `flametrail up`. */
export const UP_SETTINGS = [
  LISTEN,
  DATA_DIRECTORY,
  {
    name: 'frequency',
    kind: 'number',
    unit: 'Hz',
    default: 19,
    min: 1,
    max: 499,
    example: '97',
    why: 'Samples per second and CPU.',
  },
  {
    name: 'without-agent',
    kind: 'string',
    unit: 'REASON',
    default: '',
    example: '"no kernel headers"',
    why: 'Start no agent, show the sample profile and say this reason.',
  },
] as const satisfies readonly Setting[]

/** `flametrail doctor`. */
export const DOCTOR_SETTINGS = [
  ...CLIENT,
  JSON_OUT,
  { ...LISTEN, why: 'Where the backend would listen.' },
  { ...DATA_DIRECTORY, why: 'Where the backend would keep its profiles.' },
] as const satisfies readonly Setting[]

/** `flametrail token create | list | revoke`. */
export const TOKEN_SETTINGS = [
  {
    name: 'token-file',
    kind: 'string',
    unit: 'FILE',
    default: 'tokens',
    example: '/etc/flametrail/tokens',
    why: 'The file of tokens that the backend reads (its flag --token-file).',
  },
  {
    name: 'scope',
    kind: 'list',
    unit: 'SCOPE',
    default: [],
    example: 'read',
    why: 'create: what the token allows: read, write, metrics or admin. May be repeated.',
  },
  {
    name: 'expires',
    kind: 'duration',
    unit: 'DURATION',
    default: 0,
    min: 0,
    example: '90d',
    why: 'create: how long it is good; 0: until revoked.',
  },
] as const satisfies readonly Setting[]

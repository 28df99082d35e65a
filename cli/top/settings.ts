// Which flags does `flametrail top` know? Those of `record` and of the client mean here what they mean there.
import type { Setting } from '#profile/settings/setting'
import { RECORD_SETTINGS } from '../record/settings.ts'
import { QUERY_SETTINGS } from '../settings.ts'
import { SORTS } from './order.ts'

const [, FREQUENCY, PID, CGROUP] = RECORD_SETTINGS
const [BACKEND, TOKEN_FILE] = QUERY_SETTINGS

/** `flametrail top [SELECTOR]`. */
export const TOP_SETTINGS = [
  {
    name: 'duration',
    short: 'd',
    kind: 'duration',
    unit: 'DURATION',
    default: 0,
    min: 0,
    max: 300_000,
    bareUnitMs: 1000,
    example: '30s',
    why: 'How far back the table looks; a bare number counts seconds. 0: 10s here, 1m from a backend.',
  },
  {
    name: 'interval',
    short: 'i',
    kind: 'duration',
    unit: 'DURATION',
    default: 1_000,
    min: 250,
    max: 60_000,
    bareUnitMs: 1000,
    example: '5s',
    why: 'How often the table is renewed.',
  },
  {
    name: 'sort',
    kind: 'string',
    unit: SORTS.join('|'),
    default: 'self',
    choices: SORTS,
    example: 'total',
    why: 'Order at the start: by own time, with callees, or by the cores of the service.',
  },
  {
    name: 'count',
    short: 'n',
    kind: 'number',
    unit: 'N',
    default: 0,
    min: 0,
    max: 1_000_000,
    example: '3',
    why: 'End after so many tables; 0: when asked to.',
  },
  {
    name: 'limit',
    kind: 'number',
    unit: 'N',
    default: 20,
    min: 1,
    max: 10_000,
    example: '50',
    why: 'Rows of a table where no terminal shows it; on a terminal the screen decides.',
  },
  FREQUENCY,
  PID,
  CGROUP,
  {
    name: 'from-backend',
    kind: 'boolean',
    unit: '',
    default: false,
    example: '--from-backend',
    why: 'Show what a backend has received instead of sampling here; a selector may follow. The flag --backend implies it.',
  },
  BACKEND,
  TOKEN_FILE,
] as const satisfies readonly Setting[]

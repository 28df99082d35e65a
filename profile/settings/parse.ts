// What did the operator ask for? Words of the command line, variables and a file become typed values, or one sentence
// that names the setting, the value, what is allowed and a command that would work. Reads nothing itself.
import { failure, type Result, success } from '../model/result.ts'
import { parseDuration, printDuration } from './duration.ts'
import { nearestWord } from './nearest.ts'
import type { Setting, SettingValue } from './setting.ts'
import { parseSize, printSize } from './size.ts'

/** The values of a table: one key per row, typed by its kind; choices of a string row become a union of words. */
export type SettingValues<Table extends readonly Setting[]> = {
  readonly [Row in Table[number] as Row['name']]: ValueOf<Row>
}
type ValueOf<Row> = Row extends { kind: 'boolean' }
  ? boolean
  : Row extends { kind: 'list' }
    ? readonly string[]
    : Row extends { kind: 'string'; choices: readonly (infer Word)[] }
      ? Word
      : Row extends { kind: 'string' }
        ? string
        : Row extends { kind: 'number' | 'duration' | 'size' }
          ? number
          : SettingValue

export interface SettingSources {
  /** Words after the command: `--flag value`, `--flag=value`, `--flag` and `--no-flag` of booleans, repeated lists; `-f value` and
   *  `-f=value` where a row has a short name. */
  readonly argv: readonly string[]
  /** Variables FLAMETRAIL_…; empty ones count as unset, the others of the environment are not looked at. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** The parsed YAML file, undefined if there is none. Objects nest with a dot: {limits: {a: 1}} is `limits.a`. */
  readonly file: unknown
}
export interface ParsedSettings<Table extends readonly Setting[]> {
  readonly values: SettingValues<Table>
  /** Positional words, and all words after `--`, in order. */
  readonly rest: readonly string[]
}

/** Reads a table's values by flag > environment > file > default. Of a flag given twice the last wins; lists collect.
 *  errors  the first one, naming the flag, variable or key, the value, what is allowed and an example */
export function parseSettings<const Table extends readonly Setting[]>(
  table: Table,
  { argv, env, file }: SettingSources,
): Result<ParsedSettings<Table>> {
  const values = new Map<string, SettingValue>(table.map((row) => [row.name, row.default]))
  for (const read of [() => readFile(table, file), () => readEnv(table, env)]) {
    const found = read()
    if (!found.ok) return found
    for (const [name, value] of found.value) values.set(name, value)
  }
  const flags = readFlags(table, argv)
  if (!flags.ok) return flags
  for (const [name, value] of flags.value.values) values.set(name, value)
  return success({
    values: Object.fromEntries(values) as SettingValues<Table>, // the maps hold exactly the table's rows
    rest: flags.value.rest,
  })
}

/** The variable of a setting: `retention-age` → FLAMETRAIL_RETENTION_AGE. */
export const settingVariable = (name: string): string =>
  `FLAMETRAIL_${name.toUpperCase().replaceAll(/[-.]/g, '_')}`

type Found = Result<ReadonlyMap<string, SettingValue>>

function readFlags(
  table: readonly Setting[],
  argv: readonly string[],
): Result<{ values: ReadonlyMap<string, SettingValue>; rest: readonly string[] }> {
  const values = new Map<string, SettingValue>()
  const rest: string[] = []
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!
    if (word === '--') {
      rest.push(...argv.slice(i + 1))
      break
    }
    if (!word.startsWith('-') || word === '-') {
      rest.push(word)
      continue
    }
    const equals = word.indexOf('=')
    const flag = equals < 0 ? word : word.slice(0, equals)
    const inline = equals < 0 ? undefined : word.slice(equals + 1)
    const row = table.find(
      ({ name, short }) => flag === `--${name}` || (short !== undefined && flag === `-${short}`),
    )
    const negated = table.find(({ name, kind }) => kind === 'boolean' && flag === `--no-${name}`)
    if (row === undefined && negated !== undefined) {
      if (inline !== undefined) return failure(`${flag} takes no value, got "${inline}"; write ${flag}`)
      values.set(negated.name, false)
      continue
    }
    if (row === undefined) return failure(unknownFlag(table, flag))
    if (row.kind === 'boolean' && inline === undefined) {
      values.set(row.name, true)
      continue
    }
    const typed = inline ?? argv[i + 1]
    if (inline === undefined) {
      if (typed === undefined || typed.startsWith('--')) {
        const got = typed === undefined ? 'nothing follows' : `the next word is ${typed}`
        return failure(`${flag} needs a value, but ${got}; for example ${flag} ${row.example}`)
      }
      i++
    }
    const value = parseWord(row, typed!, `${flag} ${typed}`, `${flag} ${row.example}`)
    if (!value.ok) return value
    const before = values.get(row.name)
    const isNext = row.kind === 'list' && before !== undefined
    values.set(
      row.name,
      isNext ? [...(before as readonly string[]), ...(value.value as readonly string[])] : value.value,
    )
  }
  return success({ values, rest })
}

function unknownFlag(table: readonly Setting[], flag: string): string {
  const known = table.flatMap(({ name, kind }) =>
    kind === 'boolean' ? [`--${name}`, `--no-${name}`] : [`--${name}`],
  )
  const nearest = nearestWord(flag, known)
  const all = known.filter((name) => !name.startsWith('--no-')).join(' ')
  const cure = nearest === undefined ? `known flags: ${all}` : `did you mean ${nearest}?`
  return `unknown flag ${flag.slice(0, 100)}; ${cure} (--help explains them)`
}

function readEnv(table: readonly Setting[], env: SettingSources['env']): Found {
  const values = new Map<string, SettingValue>()
  for (const row of table) {
    const variable = settingVariable(row.name)
    const text = env[variable]
    if (text === undefined || text === '') continue
    const words = row.kind === 'list' ? text.split(',').map((word) => word.trim()) : [text]
    const parts: SettingValue[] = []
    for (const word of words) {
      const value = parseWord(row, word, `${variable}=${word}`, `${variable}=${row.example}`)
      if (!value.ok) return value
      parts.push(value.value)
    }
    values.set(row.name, row.kind === 'list' ? (parts as (readonly string[])[]).flat() : parts[0]!)
  }
  return success(values)
}

function readFile(table: readonly Setting[], file: unknown): Found {
  if (file === undefined || file === null) return success(new Map())
  if (typeof file !== 'object' || Array.isArray(file))
    return failure('the config file must hold keys and values, for example "listen: 127.0.0.1:4040"')
  const values = new Map<string, SettingValue>()
  for (const [key, given] of flatten(file, '')) {
    const row = table.find(({ name }) => name === key)
    if (row === undefined) {
      const names = table.map(({ name }) => name)
      const nearest = nearestWord(key, names)
      const cure = nearest === undefined ? `known keys: ${names.join(', ')}` : `did you mean ${nearest}?`
      return failure(`unknown key ${key.slice(0, 100)} in the config file; ${cure}`)
    }
    const value = fileValue(row, given)
    if (!value.ok) return value
    values.set(row.name, value.value)
  }
  return success(values)
}

function flatten(object: object, prefix: string): [string, unknown][] {
  return Object.entries(object).flatMap(([key, value]): [string, unknown][] => {
    const isTable = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isTable && prefix.length < 100 ? flatten(value, `${prefix}${key}.`) : [[prefix + key, value]]
  })
}

function fileValue(row: Setting, given: unknown): Result<SettingValue> {
  const example = `${row.name}: ${row.kind === 'list' ? `[${row.example}]` : row.example}`
  const shown = `${row.name}: ${typeof given === 'string' ? given : JSON.stringify(given)} in the config file`
  if (row.kind === 'list' && Array.isArray(given)) {
    if (!given.every((item) => typeof item === 'string' || typeof item === 'number'))
      return failure(`${shown} must be a list of words; for example ${example}`)
    const parts: string[] = []
    for (const item of given) {
      const value = parseWord(row, String(item), shown, example)
      if (!value.ok) return value
      parts.push(...(value.value as readonly string[]))
    }
    return success(parts)
  }
  if (typeof given !== 'string' && typeof given !== 'number' && typeof given !== 'boolean')
    return failure(`${shown} must be ${allowed(row)}; for example ${example}`)
  return parseWord(row, String(given), shown, example)
}

/** One word to a value of the row's kind; a list of one. `shown` and `example` stand in the sentence of refusal. */
function parseWord(row: Setting, word: string, shown: string, example: string): Result<SettingValue> {
  const refuse = (why: string) => failure<SettingValue>(`${shown}: ${why}; for example ${example}`)
  switch (row.kind) {
    case 'boolean': {
      const truth = BOOLEANS.get(word.toLowerCase())
      return truth === undefined ? refuse('must be true or false') : success(truth)
    }
    case 'string':
    case 'list': {
      const isAllowed = row.choices === undefined || row.choices.includes(word)
      if (!isAllowed) return refuse(`must be ${allowed(row)}`)
      return success(row.kind === 'list' ? [word] : word)
    }
    case 'number': {
      const number = /^-?\d+(\.\d+)?$/.test(word) ? Number(word) : Number.NaN
      return Number.isFinite(number) ? inRange(row, number, refuse) : refuse(`must be ${allowed(row)}`)
    }
    case 'duration':
    case 'size': {
      const isBare = row.bareUnitMs !== undefined && /^\d{1,12}(\.\d{1,3})?$/.test(word)
      if (isBare) return inRange(row, Math.round(Number(word) * row.bareUnitMs!), refuse)
      const parsed = row.kind === 'duration' ? parseDuration(word) : parseSize(word)
      return parsed.ok ? inRange(row, parsed.value, refuse) : refuse(parsed.error.message)
    }
  }
}

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['yes', true],
  ['on', true],
  ['1', true],
  ['false', false],
  ['no', false],
  ['off', false],
  ['0', false],
])

function inRange(
  row: Setting,
  value: number,
  refuse: (why: string) => Result<SettingValue>,
): Result<SettingValue> {
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = row
  return value < min || value > max ? refuse(`must be ${allowed(row)}`) : success(value)
}

/** "a number from 1 to 999 Hz", "one of json, folded", "a duration of at least 1s". */
export function allowed(row: Setting): string {
  if (row.kind === 'boolean') return 'true or false'
  if (row.choices !== undefined) return `one of ${row.choices.join(', ')}`
  if (row.kind === 'string') return 'a text'
  if (row.kind === 'list') return 'a text, and may be repeated'
  const print = (value: number) =>
    row.kind === 'duration' ? printDuration(value) : row.kind === 'size' ? printSize(value) : String(value)
  const { min, max } = row
  const range =
    min !== undefined && max !== undefined
      ? ` from ${print(min)} to ${print(max)}`
      : min !== undefined
        ? ` of at least ${print(min)}`
        : max !== undefined
          ? ` of at most ${print(max)}`
          : ''
  return `a ${row.kind}${range}${row.kind === 'number' && row.unit !== '' ? ` ${row.unit}` : ''}`
}

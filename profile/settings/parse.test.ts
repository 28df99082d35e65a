import { describe, expect, it } from 'vitest'
import { parseSettings, settingVariable } from './parse.ts'
import type { Setting } from './setting.ts'

const TABLE = [
  {
    name: 'listen',
    kind: 'string',
    unit: 'HOST:PORT',
    default: '127.0.0.1:4040',
    example: '127.0.0.1:4040',
    why: 'Where.',
  },
  {
    name: 'frequency',
    kind: 'number',
    unit: 'Hz',
    default: 19,
    min: 1,
    max: 999,
    example: '19',
    why: 'How often.',
  },
  {
    name: 'retention-age',
    kind: 'duration',
    unit: 'DURATION',
    default: 1_209_600_000,
    min: 3_600_000,
    example: '14d',
    why: 'How long.',
  },
  {
    name: 'memory',
    kind: 'size',
    unit: 'SIZE',
    default: 67_108_864,
    max: 1_073_741_824,
    example: '64MB',
    why: 'How much.',
  },
  { name: 'color', kind: 'boolean', unit: '', default: true, example: 'true', why: 'Paint.' },
  { name: 'json', kind: 'boolean', unit: '', default: false, example: 'true', why: 'For machines.' },
  { name: 'label', kind: 'list', unit: 'NAME=VALUE', default: [], example: 'team=a', why: 'Labels.' },
  {
    name: 'view',
    kind: 'string',
    unit: 'VIEW',
    default: 'flame',
    choices: ['flame', 'iceberg'],
    example: 'flame',
    why: 'Shape.',
  },
  { name: 'limits.samples', kind: 'number', unit: '', default: 5, example: '5', why: 'Bound.' },
] as const satisfies readonly Setting[]

const none = { argv: [], env: {}, file: undefined }
const ask = (...argv: string[]) => parseSettings(TABLE, { ...none, argv })
const refusal = (...argv: string[]) => {
  const parsed = ask(...argv)
  return parsed.ok ? 'accepted' : parsed.error.message
}

describe('what the operator asked for', () => {
  it('gives the defaults, typed by the table', () => {
    const parsed = ask()
    if (!parsed.ok) throw new Error(parsed.error.message)
    const listen: string = parsed.value.values.listen
    const age: number = parsed.value.values['retention-age']
    const view: 'flame' | 'iceberg' = parsed.value.values.view
    const labels: readonly string[] = parsed.value.values.label
    expect([listen, age, view, labels]).toEqual(['127.0.0.1:4040', 1_209_600_000, 'flame', []])
  })

  it('reads both ways to write a flag, collects lists, keeps the words', () => {
    const parsed = ask(
      'top',
      '--frequency',
      '97',
      '--memory=1MB',
      '--no-color',
      '--json',
      '--label',
      'a=1',
      'x',
      '--label=b=2',
      '--',
      '--frequency',
    )
    expect(parsed).toMatchObject({
      ok: true,
      value: {
        values: { frequency: 97, memory: 1_048_576, color: false, json: true, label: ['a=1', 'b=2'] },
        rest: ['top', 'x', '--frequency'],
      },
    })
  })

  it('reads short names, and bare numbers where a row says what they count', () => {
    const table = [
      { name: 'output', short: 'o', kind: 'string', unit: 'FILE', default: '', example: 'x.html', why: '' },
      {
        name: 'duration',
        short: 'd',
        kind: 'duration',
        unit: 'DURATION',
        default: 30_000,
        min: 100,
        bareUnitMs: 1000,
        example: '10s',
        why: '',
      },
    ] as const satisfies readonly Setting[]
    const values = (...argv: string[]) => {
      const parsed = parseSettings(table, { ...none, argv })
      return parsed.ok ? parsed.value.values : parsed.error.message
    }
    expect(values('-o', 'a.html', '-d', '10')).toEqual({ output: 'a.html', duration: 10_000 })
    expect(values('-o=a.html', '-d=1.5', '-d', '1m')).toEqual({ output: 'a.html', duration: 60_000 })
    expect(values('-d', '0.05')).toBe('-d 0.05: must be a duration of at least 100ms; for example -d 10s')
    expect(values('-d')).toBe('-d needs a value, but nothing follows; for example -d 10s')
    expect(values('-x')).toContain('unknown flag -x')
    expect(values('-undefined')).toContain('unknown flag -undefined')
  })

  it('lets the last of two equal flags win', () => {
    expect(ask('--frequency', '5', '--frequency', '7')).toMatchObject({ value: { values: { frequency: 7 } } })
  })

  it('takes negative numbers and a lone dash as values and words', () => {
    expect(refusal('--frequency', '-5')).toContain('--frequency -5: must be a number from 1 to 999 Hz')
    expect(ask('-')).toMatchObject({ value: { rest: ['-'] } })
  })

  it('prefers flag to variable to file to default', () => {
    const env = { FLAMETRAIL_FREQUENCY: '2', FLAMETRAIL_LABEL: 'a=1, b=2', FLAMETRAIL_LIMITS_SAMPLES: '9' }
    const file = {
      frequency: 3,
      memory: '2MB',
      'retention-age': '2h',
      limits: { samples: 8 },
      label: ['c=3', 4],
    }
    const values = (argv: string[], sources: object) => {
      const parsed = parseSettings(TABLE, { ...none, argv, ...sources })
      return parsed.ok ? parsed.value.values : parsed.error.message
    }
    expect(values(['--frequency=1'], { env, file })).toMatchObject({
      frequency: 1,
      label: ['a=1', 'b=2'],
      memory: 2_097_152,
    })
    expect(values([], { env, file })).toMatchObject({
      frequency: 2,
      'limits.samples': 9,
      'retention-age': 7_200_000,
    })
    expect(values([], { file })).toMatchObject({ frequency: 3, 'limits.samples': 8, label: ['c=3', '4'] })
    expect(values([], { env: { FLAMETRAIL_FREQUENCY: '' } })).toMatchObject({ frequency: 19 })
  })

  it('names variables in capitals', () => {
    expect(settingVariable('retention-age')).toBe('FLAMETRAIL_RETENTION_AGE')
  })
})

describe('what it says to a mistake', () => {
  it('asks whether the nearest flag was meant', () => {
    expect(refusal('--frequncy', '5')).toBe(
      'unknown flag --frequncy; did you mean --frequency? (--help explains them)',
    )
    expect(refusal('--no-colour')).toContain('did you mean --no-color?')
    expect(refusal('--xyzzy')).toContain('known flags: --listen --frequency')
    expect(refusal('-f')).toContain('unknown flag -f')
  })

  it.each([
    [
      ['--frequency', 'abc'],
      '--frequency abc: must be a number from 1 to 999 Hz; for example --frequency 19',
    ],
    [['--frequency=1e3'], '--frequency 1e3: must be a number from 1 to 999 Hz; for example --frequency 19'],
    [
      ['--frequency', '1000'],
      '--frequency 1000: must be a number from 1 to 999 Hz; for example --frequency 19',
    ],
    [['--retention-age', '10'], '"10" has no unit'],
    [['--retention-age', '1s'], 'must be a duration of at least 1h; for example --retention-age 14d'],
    [['--memory', '2GB'], 'must be a size of at most 1GB; for example --memory 64MB'],
    [['--view', 'top'], '--view top: must be one of flame, iceberg; for example --view flame'],
    [['--json=maybe'], '--json maybe: must be true or false'],
    [['--no-json=1'], '--no-json takes no value, got "1"; write --no-json'],
    [['--listen'], '--listen needs a value, but nothing follows; for example --listen 127.0.0.1:4040'],
    [['--listen', '--json'], '--listen needs a value, but the next word is --json'],
  ])('%j', (argv, sentence) => {
    expect(refusal(...argv)).toContain(sentence)
  })

  it('names variables and keys of the file as it names flags', () => {
    const read = (sources: object) => {
      const parsed = parseSettings(TABLE, { ...none, ...sources })
      return parsed.ok ? 'accepted' : parsed.error.message
    }
    expect(read({ env: { FLAMETRAIL_MEMORY: 'lots' } })).toContain(
      'FLAMETRAIL_MEMORY=lots: "lots" is no size',
    )
    expect(read({ file: { frequncy: 1 } })).toBe(
      'unknown key frequncy in the config file; did you mean frequency?',
    )
    expect(read({ file: { limits: { other: 1 } } })).toContain('unknown key limits.other')
    expect(read({ file: { frequency: null } })).toContain(
      'frequency: null in the config file must be a number',
    )
    expect(read({ file: { frequency: [1] } })).toContain(
      'must be a number from 1 to 999 Hz; for example frequency: 19',
    )
    expect(read({ file: { label: [{}] } })).toContain('must be a list of words; for example label: [team=a]')
    expect(read({ file: ['a'] })).toContain('must hold keys and values')
    expect(read({ file: JSON.parse('{"__proto__": 1}') })).toContain('unknown key __proto__')
  })
})

import { expect, it } from 'vitest'
import { printHelp } from './help.ts'

it('prints purpose, examples, then the flags, in 96 columns', () => {
  const help = printHelp({
    command: 'flametrail agent',
    purpose: 'samples every CPU of this host and ships what it sees',
    examples: ['flametrail agent  # to the backend on this host', 'flametrail agent --frequency 97'],
    table: [
      {
        name: 'frequency',
        short: 'F',
        kind: 'number',
        unit: 'Hz',
        default: 19,
        min: 1,
        max: 999,
        example: '19',
        why: 'Samples per second and CPU: more shows shorter functions and costs more of the CPU it measures.',
      },
      { name: 'color', kind: 'boolean', unit: '', default: true, example: 'true', why: 'Paints.' },
      { name: 'label', kind: 'list', unit: 'NAME=VALUE', default: [], example: 'team=a', why: 'Labels all.' },
      {
        name: 'a-long-name-of-a-setting',
        kind: 'duration',
        unit: 'DURATION',
        default: 60_000,
        example: '1m',
        why: 'Waits.',
      },
    ],
  })
  expect(help).toBe(`flametrail agent: samples every CPU of this host and ships what it sees

Examples
  flametrail agent  # to the backend on this host
  flametrail agent --frequency 97

Flags
  -F, --frequency Hz            Samples per second and CPU: more shows shorter functions and
                                costs more of the CPU it measures. (default 19; from 1 to 999)
  --no-color                    Paints. (default on)
  --label NAME=VALUE            Labels all. (repeatable; for example team=a)
  --a-long-name-of-a-setting DURATION
                                Waits. (default 1m)

Each flag is also a variable (FLAMETRAIL_ and its name in capitals, _ for -) and a key of the
config file; a flag wins over a variable, a variable over the file.
`)
  expect(Math.max(...help.split('\n').map((line) => line.length))).toBeLessThanOrEqual(96)
})

it('prints a command without flags', () => {
  expect(printHelp({ command: 'x', purpose: 'does.', examples: [], table: [] })).toBe('x: does.\n')
})

// The command around a bench that takes no time: exit codes, and what goes where.
import { expect, it } from 'vitest'
import type { Bench } from './bench.ts'
import { benchCommand } from './command.ts'
import { DEMANDS, type Figure } from './figures.ts'
import type { Section } from './results.ts'

const first: Figure = {
  case: 'npm-start-warm',
  metric: 'first_flame',
  value: 9.5,
  unit: 's',
  better: 'lower',
}
const lowered = DEMANDS.map((row) => ({ ...row, bound: row.bound / 2 }))

async function run(words: readonly string[], { figures = [first], demands = DEMANDS } = {}) {
  const start: Bench = {
    workload: 'none',
    async measure({ emit }) {
      for (const figure of figures) emit(figure)
    },
  }
  const lines: object[] = []
  const said: string[] = []
  const saved: Section[] = []
  const code = await benchCommand({
    words,
    benches: { start },
    demands,
    print: (line) => lines.push(line),
    say: (line) => said.push(line),
    save: (section) => saved.push(section),
  })
  return { code, lines, said: said.join('\n'), saved }
}

it('prints the setup, then one object a figure, and ends with 0 while demands are met', async () => {
  const { code, lines, said } = await run(['start', '--check'])
  expect(code).toBe(0)
  expect(said).toBe('')
  expect(lines).toEqual([
    { bench: 'start', setup: expect.objectContaining({ command: 'npm run -s bench -- start --check' }) },
    { bench: 'start', ...first, demand: 15 },
  ])
})

it('ends with 1 under --check when the bound is lowered by hand, and with 0 without it', async () => {
  const missed = await run(['start', '--check'], { demands: lowered })
  expect(missed.code).toBe(1)
  expect(missed.said).toContain('missed: npm-start-warm first_flame, demanded 7.5')
  expect((await run(['start'], { demands: lowered })).code).toBe(0)
})

it('ends with 1 under --check when what is demanded was not measured', async () => {
  const { code, said } = await run(['start', '--check'], { figures: [] })
  expect(code).toBe(1)
  expect(said).toContain('was not measured')
})

it('saves under --save alone', async () => {
  expect((await run(['start'])).saved).toEqual([])
  expect((await run(['start', '--save'])).saved).toMatchObject([{ name: 'start', lines: [{ value: 9.5 }] }])
})

it.each([
  [[], 'got no name; one bench is needed'],
  [['stop'], 'got "stop"; one bench is needed'],
  [['start', 'start'], 'got "start start"; one bench is needed'],
  [['start', '--hours', '0'], '--hours is 0; above 0 and at most 12 are allowed'],
  [['start', '--often'], "Unknown option '--often'"],
])('refuses %j in words', async (words, sentence) => {
  const { code, said, lines } = await run(words)
  expect(code).toBe(2)
  expect(said).toContain(sentence)
  expect(said).toContain('NAME       start')
  expect(lines).toEqual([])
})

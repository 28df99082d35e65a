// What does the command do? Words in, lines out, an exit code: 0 done, 1 a demand was missed under --check (or a bench broke),
// 2 words that nobody understands. Where lines go is the caller's.
import { parseArgs } from 'node:util'
import type { Bench } from './bench.ts'
import { DEMANDS, type Demand, type Figure, type Judged, judge, unanswered } from './figures.ts'
import { machine } from './machine.ts'
import type { Section } from './results.ts'

export interface CommandInput {
  readonly words: readonly string[]
  readonly benches: Readonly<Record<string, Bench>>
  readonly demands?: readonly Demand[]
  /** One object a line, for whoever compares. */
  readonly print: (line: object) => void
  /** For people who wait. */
  readonly say: (line: string) => void
  /** Called under --save, when all is measured. */
  readonly save: (section: Section) => void
}

/** Runs one bench; resolves with the exit code. Rejects with what broke it. */
export async function benchCommand(input: CommandInput): Promise<number> {
  const { words, benches, demands = DEMANDS, print, say } = input
  const asked = askedFor(words, benches)
  if (typeof asked === 'string') {
    say(`${asked}\n${usage(benches)}`)
    return 2
  }
  const { name, bench, hours } = asked
  const command = ['npm run -s bench --', ...words].join(' ')
  const setup = { ...machine(), command, workload: bench.workload, ...(name === 'store' ? { hours } : {}) }
  print({ bench: name, setup })
  const figures: Figure[] = []
  const judged: Judged[] = []
  const emit = (figure: Figure) => {
    const verdict = judge(name, figure, demands)
    figures.push(figure)
    judged.push(verdict)
    print(verdict.line)
    if (verdict.isMissed) say(`missed: ${figure.case} ${figure.metric}, demanded ${verdict.line.demand}`)
  }
  await bench.measure({ emit, say, hours })
  const open = unanswered(name, figures, demands)
  for (const row of open) say(`missed: ${row.case} ${row.metric} was not measured`)
  if (asked.save) input.save({ name, setup, lines: judged.map(({ line }) => line) })
  return asked.check && (open.length > 0 || judged.some(({ isMissed }) => isMissed)) ? 1 : 0
}

const usage = (benches: CommandInput['benches']) => `npm run -s bench -- NAME [--check] [--save] [--hours N]
  NAME       ${Object.keys(benches).join(', ')}
  --check    exit 1 when a demand is missed
  --save     write the figures into bench/RESULTS.md
  --hours N  hours of the store's workload (2)`

/** The words understood, or what is wrong with them. */
function askedFor(words: readonly string[], benches: CommandInput['benches']) {
  const options = {
    check: { type: 'boolean', default: false },
    save: { type: 'boolean', default: false },
    hours: { type: 'string', default: '2' },
  } as const
  try {
    const { values, positionals } = parseArgs({ args: [...words], options, allowPositionals: true })
    const [name = ''] = positionals
    const bench = Object.hasOwn(benches, name) ? benches[name] : undefined
    if (bench === undefined || positionals.length !== 1)
      return `got ${positionals.length === 0 ? 'no name' : JSON.stringify(positionals.join(' '))}; one bench is needed`
    const hours = Number(values.hours)
    if (!(hours > 0 && hours <= 12)) return `--hours is ${values.hours}; above 0 and at most 12 are allowed`
    return { name, bench, check: values.check, save: values.save, hours }
  } catch (error) {
    return (error as Error).message
  }
}

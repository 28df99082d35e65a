// The command: `npm run -s bench -- NAME [--check] [--save] [--hours N]`. On stdout one line that says where and what, then
// one line a figure, and nothing else; people who wait read stderr.
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { benchAgent } from './agent.ts'
import type { Bench } from './bench.ts'
import { type Figure, type Judged, judge, unanswered } from './figures.ts'
import { benchFlamegraph } from './flamegraph.ts'
import { machine, ROOT } from './machine.ts'
import { withSection } from './results.ts'
import { benchStart } from './start.ts'
import { benchStore } from './store.ts'

const BENCHES: Readonly<Record<string, Bench>> = {
  agent: benchAgent,
  flamegraph: benchFlamegraph,
  start: benchStart,
  store: benchStore,
}
const USAGE = `npm run -s bench -- NAME [--check] [--save] [--hours N]
  NAME       ${Object.keys(BENCHES).join(', ')}
  --check    exit 1 when a demand is missed
  --save     write the figures into bench/RESULTS.md
  --hours N  hours of the store's workload (2)`
const RESULTS = path.join(ROOT, 'bench/RESULTS.md')

const say = (line: string) => process.stderr.write(`${line}\n`)
const print = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`)

async function main(words: readonly string[]): Promise<number> {
  const asked = askedFor(words)
  if (typeof asked === 'string') {
    say(`${asked}\n${USAGE}`)
    return 2
  }
  const { name, bench, check, save, hours } = asked
  const setup = {
    ...machine(),
    command: `npm run -s bench -- ${words.join(' ')}`,
    workload: bench.workload,
    ...(name === 'store' ? { hours } : {}),
  }
  print({ bench: name, setup })
  const figures: Figure[] = []
  const judged: Judged[] = []
  await bench.measure({
    emit: (figure) => {
      figures.push(figure)
      const verdict = judge(name, figure)
      judged.push(verdict)
      print(verdict.line)
      if (verdict.isMissed) say(`missed: ${figure.case} ${figure.metric}, demanded ${verdict.line.demand}`)
    },
    say,
    hours,
  })
  const open = unanswered(name, figures)
  for (const { case: one, metric } of open) say(`missed: ${one} ${metric} was not measured`)
  if (save)
    writeFileSync(
      RESULTS,
      withSection(readFileSync(RESULTS, 'utf8'), { name, setup, lines: judged.map(({ line }) => line) }),
    )
  return check && (open.length > 0 || judged.some(({ isMissed }) => isMissed)) ? 1 : 0
}

/** The words understood, or what is wrong with them. */
function askedFor(words: readonly string[]) {
  const options = {
    check: { type: 'boolean', default: false },
    save: { type: 'boolean', default: false },
    hours: { type: 'string', default: '2' },
  } as const
  try {
    const { values, positionals } = parseArgs({ args: [...words], options, allowPositionals: true })
    const [name = ''] = positionals
    const bench = Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined
    if (bench === undefined || positionals.length !== 1)
      return `got ${positionals.length === 0 ? 'no name' : JSON.stringify(positionals.join(' '))}; one bench is needed`
    const hours = Number(values.hours)
    if (!(hours > 0 && hours <= 12)) return `--hours is ${values.hours}; above 0 and at most 12 are allowed`
    return { name, bench, check: values.check, save: values.save, hours }
  } catch (error) {
    return (error as Error).message
  }
}

process.exitCode = await main(process.argv.slice(2)).catch((error: Error) => {
  say(error.stack ?? error.message)
  return 1
})

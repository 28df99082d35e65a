// The command: `npm run -s bench -- NAME [--check] [--save] [--hours N]`. On stdout one line that says where and what, then
// one line a figure, and nothing else.
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { benchAgent } from './agent.ts'
import { benchCommand } from './command.ts'
import { benchFlamegraph } from './flamegraph.ts'
import { benchHost } from './host.ts'
import { ROOT } from './machine.ts'
import { withSection } from './results.ts'
import { benchStart } from './start.ts'
import { benchStore } from './store.ts'

const RESULTS = path.join(ROOT, 'bench/RESULTS.md')
const say = (line: string) => process.stderr.write(`${line}\n`)

process.exitCode = await benchCommand({
  words: process.argv.slice(2),
  benches: {
    agent: benchAgent,
    flamegraph: benchFlamegraph,
    host: benchHost,
    start: benchStart,
    store: benchStore,
  },
  print: (line) => process.stdout.write(`${JSON.stringify(line)}\n`),
  say,
  save: (section) => writeFileSync(RESULTS, withSection(readFileSync(RESULTS, 'utf8'), section)),
}).catch((error: Error) => {
  say(error.stack ?? error.message)
  return 1
})

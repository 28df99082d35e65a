// npm run check: the quick half of npm test: types, style, direction of imports, unit tests; needs an installed checkout.
import { bin, run, say } from './setup.mjs'

const steps = [
  ['types', bin('tsc'), '-p', '.'],
  ['format and lint', bin('biome'), 'check'],
  ['direction of imports', process.execPath, 'scripts/imports.mjs'],
  ['unit tests', bin('vitest'), 'run'],
]
for (const [name, command, ...args] of steps) {
  const { code } = await run(command, args)
  say(`${code === 0 ? 'ok    ' : 'FAILED'} ${name}`)
  if (code !== 0) process.exit(1)
}

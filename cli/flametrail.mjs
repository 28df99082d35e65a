#!/usr/bin/env node
// The `flametrail` command of a built checkout: `npx flametrail …`.
import { existsSync } from 'node:fs'

const program = new URL('../build/cli.mjs', import.meta.url)
if (existsSync(program)) await import(program.href)
else {
  process.stderr.write(
    'flametrail is not built yet; run `npm run build` (or `npm start`, which builds and starts it)\n',
  )
  process.exitCode = 1
}

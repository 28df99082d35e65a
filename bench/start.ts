// How long from `npm start` to the first function on the screen, where everything is installed and built already?
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Bench } from './bench.ts'
import { ROOT } from './machine.ts'
import { freePort, start, stop, until } from './processes.ts'

const DEADLINE_MS = 120_000
/** The table's head, and the first row under it: shares of one function. */
const FIRST_FUNCTION = /^function\s+binary\s+self\s+total\s*\n.*\d/m

export const benchStart: Bench = {
  workload:
    'npm start in a built checkout with an empty data directory, until the first row of the table of functions',
  async measure({ emit }) {
    const directory = mkdtempSync(path.join(tmpdir(), 'flametrail-bench-'))
    const startedMs = performance.now()
    const run = start(process.execPath, [
      path.join(ROOT, 'scripts/start.mjs'),
      '--listen',
      `127.0.0.1:${await freePort()}`,
      '--data-directory',
      path.join(directory, 'data'),
    ])
    try {
      await until('the first function', { run, deadlineMs: DEADLINE_MS, everyMs: 20 }, () =>
        FIRST_FUNCTION.test(run.stdout()),
      )
      const value = (performance.now() - startedMs) / 1_000
      emit({ case: 'npm-start-warm', metric: 'first_flame', value, unit: 's', better: 'lower' })
    } finally {
      await stop(run)
      rmSync(directory, { recursive: true, force: true })
    }
  },
}

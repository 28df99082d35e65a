import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { limitsOf } from '../../limits.ts'
import { AGE_MS, NOW, storeContract } from '../store.contract.ts'
import { openDuckDbStore } from './duckdb-store.ts'

storeContract('DuckDB', async () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'flametrail-store-'))
  const open = (nowMs = NOW) =>
    openDuckDbStore({
      directory,
      limits: limitsOf({ 'store.minFree': 1 }),
      retention: { ageMs: AGE_MS, bytes: 2 ** 40 },
      nowMs,
      report: (line) => {
        throw new Error(line)
      },
    })
  const harness = {
    store: await open(),
    reopen: async (nowMs?: number) => {
      await harness.store.close()
      harness.store = await open(nowMs)
    },
    dispose: async () => {
      await harness.store.close()
      rmSync(directory, { recursive: true })
    },
  }
  return harness
})

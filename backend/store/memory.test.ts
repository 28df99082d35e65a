import { MemoryStore } from './memory.ts'
import { AGE_MS, storeContract } from './store.contract.ts'

storeContract('memory', async () => ({
  store: new MemoryStore({ ageMs: AGE_MS }),
  reopen: async () => undefined,
  dispose: async () => undefined,
}))

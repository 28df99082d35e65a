// A backend to be killed: appends requests FIRST, FIRST + 1, … to a store, four at a time, and prints the number of each
// once it is acknowledged. Runs until it is killed.   append-loop DIRECTORY FIRST
import { writeSync } from 'node:fs'
import { limitsOf } from '../limits.ts'
import { openDuckDbStore } from '../store/duckdb/duckdb-store.ts'
import { profileOfRequest } from './numbered-request.ts'

async function appendForEver(directory: string, first: number): Promise<never> {
  const store = await openDuckDbStore({
    directory,
    limits: limitsOf({ 'store.minFree': 1 }),
    retention: { ageMs: 1e12, bytes: 2 ** 40 },
    nowMs: Date.now(),
    report: (line) => writeSync(2, `${line}\n`),
  })
  let next = first
  const lane = async (): Promise<never> => {
    while (true) {
      const i = next++
      const receivedMs = Date.now()
      const key = i.toString(16).padStart(32, '0')
      await store.append({ key, profiles: [profileOfRequest(i, receivedMs)], receivedMs })
      writeSync(1, `${i}\n`) // at once and unbuffered: what is printed was acknowledged before the kill
    }
  }
  await Promise.all([lane(), lane(), lane(), lane()])
  throw new Error('unreachable')
}

const [, , directory, first] = process.argv
if (directory === undefined || first === undefined) throw new Error('append-loop DIRECTORY FIRST')
await appendForEver(directory, Number(first))

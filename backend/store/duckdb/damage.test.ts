// What becomes of a store when the world is unkind: foreign directories, a second owner, damaged files, full disks.
import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CPU } from '#profile/model/profile-type'
import { type Limits, limitsOf } from '../../limits.ts'
import { HOUR_MS } from '../hours.ts'
import { AGE_MS, foldParts, keyOf, NOW, profileOf } from '../store.contract.ts'
import { type DuckDbStore, openDuckDbStore, type StoreOptions } from './duckdb-store.ts'

let directory: string
let reports: string[]
let open: DuckDbStore[]
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'flametrail-damage-'))
  reports = []
  open = []
})
afterEach(async () => {
  for (const store of open) await store.close()
  rmSync(directory, { recursive: true, force: true })
})

async function openStore(change: Partial<StoreOptions> & { limits?: Limits } = {}): Promise<DuckDbStore> {
  const store = await openDuckDbStore({
    directory,
    limits: limitsOf({ 'store.minFree': 1 }),
    retention: { ageMs: AGE_MS, bytes: 2 ** 40 },
    nowMs: NOW,
    report: (line) => reports.push(line),
    ...change,
  })
  open.push(store)
  return store
}
const append = (store: DuckDbStore, i: number, receivedMs = NOW, value = 1) =>
  store.append({
    key: keyOf(i),
    profiles: [profileOf([{ stack: `main;f${i}`, value, timeMs: receivedMs }], { type: CPU, period: 1 })],
    receivedMs,
  })
async function functionsOf(store: DuckDbStore) {
  const everything = { type: CPU, matchers: [], fromMs: 0, toMs: NOW * 2, groupBy: [] }
  const { value, unreadable } = await store.stackSums(everything)
  return { functions: [...foldParts(value).keys()].map((text) => text.split(';')[1]!).sort(), unreadable }
}
const slots = () =>
  readdirSync(path.join(directory, 'slot'))
    .filter((name) => name.endsWith('.duckdb'))
    .sort()
const inSlot = (name: string) => path.join(directory, 'slot', name)
const flip = (file: string, at: number) => {
  const bytes = readFileSync(file)
  bytes[at]! ^= 4
  writeFileSync(file, bytes)
}

describe('a directory that is not ours', () => {
  const refusal = async () => {
    const error = await openStore().catch((thrown) => thrown)
    expect(error).toMatchObject({ code: 'invalid' })
    expect(error.message).toContain(directory)
    expect(error.message).toContain('--data-directory')
    expect(error.message).not.toContain('\n')
    return error.message as string
  }

  it('is refused when it holds the files of another', async () => {
    writeFileSync(path.join(directory, 'thesis.tex'), '')
    expect(await refusal()).toContain('holds "thesis.tex"')
    expect(readdirSync(directory)).toEqual(['thesis.tex'])
  })

  it('is refused when a Flametrail before 0.1 wrote it', async () => {
    mkdirSync(path.join(directory, 'slot'))
    expect(await refusal()).toContain('before 0.1')
  })

  it('is refused when a newer Flametrail wrote it', async () => {
    writeFileSync(path.join(directory, 'format'), 'flametrail store 99\n')
    expect(await refusal()).toContain('store format 99')
  })

  it.each(['', 'something else', 'x'.repeat(1_000)])(
    'is refused when its format line is %j',
    async (text) => {
      writeFileSync(path.join(directory, 'format'), text)
      expect(await refusal()).toContain('not a Flametrail data directory')
    },
  )

  it('is refused when it is a file', async () => {
    rmSync(directory, { recursive: true })
    writeFileSync(directory, '')
    expect(await refusal()).toContain('not a directory')
  })

  it('is taken when it is new, empty, or a fresh file system', async () => {
    mkdirSync(path.join(directory, 'lost+found'))
    await append(await openStore(), 1)
    directory = path.join(directory, 'deep', 'er')
    await append(await openStore(), 1)
  })
})

describe('a second owner', () => {
  it('is refused in the same process', async () => {
    await openStore()
    await expect(openStore()).rejects.toThrow('already open in this process')
  })

  it('is refused in another process, which names the first', async () => {
    await openStore()
    // Another process: DuckDB's lock is what refuses it, so a few lines that attach the same file are the proof.
    const script = `
      const { DuckDBInstance } = require('@duckdb/node-api')
      DuckDBInstance.create(':memory:').then((db) => db.connect())
        .then((connection) => connection.run("ATTACH '${path.join(directory, 'owner.duckdb')}' AS o"))
        .then(() => console.log('attached'), (error) => console.log(error.message))`
    const { stdout } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' })
    expect(stdout).toMatch(/Could not set lock on file.*PID \d+/s)
  })

  it('opens again after the first has closed', async () => {
    const first = await openStore()
    await append(first, 1)
    await first.close()
    expect((await append(await openStore(), 1)).stored).toBe(false)
  })
})

describe('damage', () => {
  it('of one file costs that file and no other, and is named', async () => {
    const store = await openStore()
    await append(store, 1, NOW)
    await append(store, 2, NOW + HOUR_MS)
    await store.close()
    const [first] = slots()
    flip(inSlot(first!), 100)
    const again = await openStore({ nowMs: NOW + HOUR_MS })
    expect((await functionsOf(again)).functions).toEqual(['f2'])
    expect((await again.stats()).quarantined).toEqual([first])
    expect(readFileSync(path.join(directory, 'quarantine', `${first}.reason`), 'utf8')).toContain('Corrupt')
    expect(reports).toHaveLength(1)
    expect(reports[0]).toContain(first)
    await append(again, 3, NOW + HOUR_MS)
    expect((await functionsOf(again)).functions).toEqual(['f2', 'f3'])
  })

  it.each([
    ['cut to nothing', (file: string) => truncateSync(file, 0)],
    ['cut in its head', (file: string) => truncateSync(file, 5_000)],
    ['overwritten', (file: string) => writeFileSync(file, 'this is no database '.repeat(1_000))],
  ])('of a file that was %s keeps the store running', async (_, harm) => {
    const store = await openStore()
    await append(store, 1)
    await store.close()
    const [name] = slots()
    harm(inSlot(name!))
    const again = await openStore()
    expect((await functionsOf(again)).functions).toEqual([])
    expect((await again.stats()).quarantined).toContain(name)
    await append(again, 2)
    expect((await functionsOf(again)).functions).toEqual(['f2'])
  })

  it('found while reading names the file in the answer and puts it aside', async () => {
    const store = await openStore()
    for (let i = 0; i < 50; i++) await append(store, i, NOW)
    await append(store, 100, NOW + HOUR_MS)
    await store.close()
    const [first] = slots()
    const whole = readFileSync(inSlot(first!))
    const unreadable: string[] = []
    // Somewhere in the file lie blocks that are read only when asked for: flip bytes until one is found.
    for (let at = 12_288 + 4_096; at < whole.length && unreadable.length === 0; at += 65_536) {
      writeFileSync(inSlot(first!), whole)
      flip(inSlot(first!), at)
      const again = await openStore({ nowMs: NOW + HOUR_MS })
      if ((await again.stats()).quarantined.length > 0) {
        // Found at the start already: put it back and try the next place.
        await again.close()
        rmSync(path.join(directory, 'quarantine'), { recursive: true })
        continue
      }
      const answer = await functionsOf(again)
      unreadable.push(...answer.unreadable)
      if (answer.unreadable.length > 0) {
        expect(answer.functions).toEqual(['f100'])
        expect((await again.stats()).quarantined).toEqual([first])
        expect((await functionsOf(again)).unreadable).toEqual([])
      }
      await again.close()
    }
    expect(unreadable).toEqual([first])
  })

  it('of a log is cut off, and what was committed before it survives', async () => {
    const store = await openStore()
    for (let i = 0; i < 20; i++) await append(store, i)
    const [name] = slots()
    const log = readFileSync(`${inSlot(name!)}.wal`)
    const file = readFileSync(inSlot(name!))
    await store.close()
    // As after a kill: file and log as they were before the clean stop, and one bit of the log flipped.
    log[Math.floor(log.length * 0.6)]! ^= 4
    writeFileSync(inSlot(name!), file)
    writeFileSync(`${inSlot(name!)}.wal`, log)
    const again = await openStore()
    const { functions } = await functionsOf(again)
    expect(functions.length).toBeGreaterThan(5)
    expect(functions.length).toBeLessThan(20)
    expect(reports.join()).toContain('cut at byte')
    expect((await again.stats()).quarantined).toEqual([`${name}.wal`])
    // What the cut took may come again; what survived is known.
    let stored = 0
    for (let i = 0; i < 20; i++) if ((await append(again, i)).stored) stored++
    expect(stored).toBe(20 - functions.length)
    expect((await functionsOf(again)).functions).toHaveLength(20)
  })

  it('of the owner file loses nothing', async () => {
    const store = await openStore()
    await append(store, 1)
    await store.close()
    writeFileSync(path.join(directory, 'owner.duckdb'), 'garbage')
    expect((await functionsOf(await openStore())).functions).toEqual(['f1'])
    expect(reports.join()).toContain('owner.duckdb is damaged and made anew')
  })

  it('is not what half-made files of a killed process are', async () => {
    const store = await openStore()
    await append(store, 1)
    await store.close()
    const half = inSlot('20261124T12-abc.duckdb.tmp')
    writeFileSync(half, 'half')
    mkdirSync(path.join(directory, 'tmp'))
    await openStore()
    expect(existsSync(half)).toBe(false)
    expect(existsSync(path.join(directory, 'tmp'))).toBe(false)
    expect(reports).toEqual([])
  })
})

describe('files', () => {
  it('leave when they are more than the retention holds, oldest first, never the open one', async () => {
    const store = await openStore({ retention: { ageMs: AGE_MS * 100, bytes: 1 } })
    for (let hour = 0; hour < 4; hour++) await append(store, hour, NOW + hour * HOUR_MS)
    const names = slots()
    expect(names).toHaveLength(4)
    expect(await store.retain(NOW + 3 * HOUR_MS)).toEqual(names.slice(0, 3))
    expect((await functionsOf(store)).functions).toEqual(['f3'])
    expect(slots()).toEqual(names.slice(3))
  })

  it('wait for their readers before they leave', async () => {
    const store = await openStore()
    for (let hour = 0; hour < 3; hour++) await append(store, hour, NOW + hour * HOUR_MS)
    const reading = Promise.all(Array.from({ length: 20 }, () => functionsOf(store)))
    await store.retain(NOW + 10 * HOUR_MS)
    for (const { functions, unreadable } of await reading) {
      expect(functions).toEqual(['f0', 'f1', 'f2'])
      expect(unreadable).toEqual([])
    }
    expect((await functionsOf(store)).functions).toEqual([])
    expect(slots()).toEqual([])
  })

  it('begin anew when one holds enough stacks or series', async () => {
    const limits = limitsOf({ 'store.minFree': 1, 'store.fileNodes': 4 })
    const store = await openStore({ limits })
    for (let i = 0; i < 6; i++) await append(store, i)
    expect(slots().length).toBeGreaterThan(1)
    expect((await functionsOf(store)).functions).toHaveLength(6)
    for (let i = 0; i < 6; i++) expect((await append(store, i)).stored).toBe(false)
  })

  it('give their dictionaries up when there are too many, and read them again', async () => {
    const limits = limitsOf({ 'store.minFree': 1, 'store.cacheNodes': 1 })
    const store = await openStore({ limits })
    for (let hour = 0; hour < 3; hour++) await append(store, hour, NOW + hour * HOUR_MS)
    for (let i = 0; i < 3; i++) expect((await functionsOf(store)).functions).toEqual(['f0', 'f1', 'f2'])
  })
})

describe('a disk', () => {
  it('with less than the least free space takes nothing in, and answers', async () => {
    await append(await openStore(), 1)
    await open.pop()!.close()
    const store = await openStore({ limits: limitsOf({ 'store.minFree': 2 ** 52 }) })
    const refused = append(store, 2)
    await expect(refused).rejects.toMatchObject({
      code: 'storage_full',
      detail: { key: 'limits.store.minFree' },
    })
    expect((await append(store, 1)).stored).toBe(false)
    expect((await functionsOf(store)).functions).toEqual(['f1'])
  })

  it.runIf(canMount())(
    'that fills up refuses, answers, loses nothing, and heals when space returns',
    async () => {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', directory])
      try {
        const store = await openStore()
        const acknowledged: string[] = []
        const ballast = path.join(directory, 'slot', 'ballast')
        await append(store, 0)
        acknowledged.push('f0')
        writeFileSync(ballast, Buffer.alloc(freeBytes(directory) - 300_000))
        let refusals = 0
        for (let i = 1; i < 40 && refusals < 3; i++) {
          try {
            await appendMuch(store, i)
            acknowledged.push(`f${i}`)
          } catch (error) {
            expect(error).toMatchObject({ isRetryable: true })
            refusals++
          }
        }
        expect(refusals).toBe(3)
        expect((await functionsOf(store)).functions).toEqual([...acknowledged].sort())
        rmSync(ballast)
        await append(store, 1_000)
        acknowledged.push('f1000')
        expect((await functionsOf(store)).functions).toEqual([...acknowledged].sort())
        await store.close()
        const again = await openStore()
        expect((await functionsOf(again)).functions).toEqual([...acknowledged].sort())
        await again.close()
      } finally {
        execFileSync('umount', ['-l', directory])
      }
    },
  )

  it.runIf(canMount())(
    'that fills up while DuckDB checkpoints costs the open file its seat, and no data',
    async () => {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=19m', 'tmpfs', directory])
      try {
        // A log of 16 MB is written into its file by DuckDB itself: here there is no room for that.
        const store = await openStore()
        const acknowledged: string[] = []
        let refused: unknown
        for (let i = 0; i < 30 && refused === undefined; i++) {
          try {
            await appendMuch(store, i, randomText(1_500))
            acknowledged.push(`f${i}`)
          } catch (error) {
            refused = error
          }
        }
        expect(refused).toMatchObject({ code: 'storage_full' })
        expect(reports.join()).toContain('has been invalidated')
        expect((await functionsOf(store)).functions).toEqual([...acknowledged].sort())
        execFileSync('mount', ['-o', 'remount,size=64m', directory])
        await append(store, 1_000)
        expect((await functionsOf(store)).functions).toEqual([...acknowledged, 'f1000'].sort())
        await store.close()
        const again = await openStore()
        expect((await functionsOf(again)).functions).toEqual([...acknowledged, 'f1000'].sort())
        expect((await append(again, 0)).stored).toBe(false)
        await again.close()
      } finally {
        execFileSync('umount', ['-l', directory])
      }
    },
  )
})

const freeBytes = (at: string) => {
  const { bavail, bsize } = statfsSync(at)
  return bavail * bsize
}

const randomText = (length: number) => randomBytes(length).toString('base64').slice(0, length)

/** One function, many series: enough to fill what is left of a small disk in a few requests. */
const appendMuch = (store: DuckDbStore, i: number, text = '') =>
  store.append({
    key: keyOf(i),
    profiles: [
      profileOf(
        Array.from({ length: text === '' ? 4_000 : 1_000 }, (_, row) => ({
          stack: `main;f${i}`,
          labels: { service_name: `service-${i}-${row}`, text: `${row}${text}` },
          timeMs: NOW,
        })),
        { type: CPU, period: 1 },
      ),
    ],
    receivedMs: NOW,
  })

function canMount(): boolean {
  if (process.getuid?.() !== 0) return false
  const probe = mkdtempSync(path.join(tmpdir(), 'flametrail-mount-'))
  try {
    const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', probe])
    if (status === 0) execFileSync('umount', [probe])
    return status === 0
  } finally {
    rmSync(probe, { recursive: true, force: true })
  }
}

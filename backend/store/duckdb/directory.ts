// Is this directory ours, and which files hold what? A data directory carries a line that says so; anything else is
// refused with one sentence and left as it was.
//   <data>/format                          "flametrail store 3"
//   <data>/owner.duckdb                    attached for life: DuckDB's lock on it keeps a second process out
//   <data>/slot/<hour of receipt>-<id>.duckdb (.wal beside it while it is open)
//   <data>/quarantine/                     damaged files, each with a .reason beside it; never deleted by us
// `flametrail up` lets its agent keep <data>/tables/ there, too; the backend never looks into it.
import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import path from 'node:path'
import { ServiceError } from '../../errors.ts'
import { STORE_FORMAT } from './schema.ts'

const FORMAT_FILE = 'format'
const FORMAT_LINE = /^flametrail store (\d{1,9})\n?$/
const SLOT_FILE = /^(\d{4})(\d\d)(\d\d)T(\d\d)-[0-9a-z]{1,40}\.duckdb$/
const CURE = 'choose another with --data-directory'

/** Makes the directory ours if it is new or empty; refuses, with ServiceError `invalid` and one sentence, what is not. */
export function claimDirectory(directory: string): void {
  try {
    claim(directory)
  } catch (error) {
    if (error instanceof ServiceError) throw error
    throw new ServiceError(
      'invalid',
      `cannot use ${directory} as data directory: ${reasonOf(error)}; or ${CURE}`,
      {
        cause: error,
      },
    )
  }
}

function claim(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const entries = readdirSync(directory).sort()
  // A fresh file system has lost+found; the other is our own line, interrupted.
  const foreign = entries.filter((name) => name !== 'lost+found' && name !== `${FORMAT_FILE}.tmp`)
  if (foreign.length === 0) {
    writeFileSync(path.join(directory, `${FORMAT_FILE}.tmp`), `flametrail store ${STORE_FORMAT}\n`)
    renameSync(path.join(directory, `${FORMAT_FILE}.tmp`), path.join(directory, FORMAT_FILE))
  } else if (entries.includes(FORMAT_FILE)) {
    checkFormat(directory)
  } else {
    const old = entries.includes('owner.duckdb') || entries.includes('slot')
    throw new ServiceError(
      'invalid',
      old
        ? `${directory} was written by a Flametrail before 0.1, which this one cannot read; move it away or ${CURE}`
        : `${directory} holds ${JSON.stringify(foreign[0])} and is not a Flametrail data directory; ${CURE}`,
    )
  }
  for (const name of ['slot', 'quarantine']) mkdirSync(path.join(directory, name), { recursive: true })
}

/** Removes what a killed process left half made. Only for the owner: another process may be making it right now. */
export function removeUnfinished(directory: string): void {
  rmSync(path.join(directory, 'tmp'), { recursive: true, force: true }) // pages that DuckDB had spilled
  for (const name of readdirSync(path.join(directory, 'slot')))
    if (name.includes('.tmp')) rmSync(path.join(directory, 'slot', name))
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'EACCES' || code === 'EPERM')
    return 'this user may not read or write it; give it to this user with chown'
  if (code === 'ENOTDIR' || code === 'EEXIST') return 'it is, or stands below, a file and not a directory'
  if (code === 'EROFS') return 'its file system is read-only'
  if (code === 'ENOSPC') return 'its file system is full'
  return message
}

/** Names of the store files, oldest first. */
export function listSlots(directory: string): string[] {
  return readdirSync(path.join(directory, 'slot'))
    .filter((name) => SLOT_FILE.test(name))
    .sort()
}

/** A fresh name for a file that receives from `receivedMs` on; names sort by age. */
export function slotName(receivedMs: number, sequence: number): string {
  const iso = new Date(receivedMs).toISOString()
  const hour = `${iso.slice(0, 4)}${iso.slice(5, 7)}${iso.slice(8, 10)}T${iso.slice(11, 13)}`
  const id = `${Math.floor(receivedMs).toString(36).padStart(9, '0')}${sequence.toString(36).padStart(4, '0')}`
  return `${hour}-${id}${randomBytes(4).toString('hex')}.duckdb`
}

/** Start of the hour of receipt in a file's name, epoch ms. */
export function slotHourMs(name: string): number {
  const [, year, month, day, hour] = SLOT_FILE.exec(name) ?? []
  return Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour))
}

/** Bytes of a file and its log. Never opens it: closing any descriptor of a locked file would drop DuckDB's lock. */
export function slotBytes(directory: string, name: string): number {
  const size = (file: string) =>
    statSync(path.join(directory, 'slot', file), { throwIfNoEntry: false })?.size ?? 0
  return size(name) + size(`${name}.wal`)
}

export function removeSlot(directory: string, name: string): void {
  for (const file of [name, `${name}.wal`]) rmSync(path.join(directory, 'slot', file), { force: true })
}

/** Moves a damaged file and its log aside and writes down why. */
export function quarantineSlot(directory: string, name: string, reason: string): void {
  const target = path.join(directory, 'quarantine')
  for (const file of [name, `${name}.wal`]) {
    const source = path.join(directory, 'slot', file)
    if (statSync(source, { throwIfNoEntry: false }) !== undefined) renameSync(source, path.join(target, file))
  }
  writeFileSync(path.join(target, `${name}.reason`), `${reason}\n`)
}

export function listQuarantined(directory: string): string[] {
  return readdirSync(path.join(directory, 'quarantine'))
    .filter((name) => !name.endsWith('.reason'))
    .sort()
}

/** Makes a rename or a removal last through a power cut. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function checkFormat(directory: string): void {
  const file = path.join(directory, FORMAT_FILE)
  const text = statSync(file).size > 64 ? '' : readFileSync(file, 'utf8')
  const version = Number(FORMAT_LINE.exec(text)?.[1])
  if (Number.isNaN(version))
    throw new ServiceError(
      'invalid',
      `${directory} is not a Flametrail data directory: its file "format" is another's; ${CURE}`,
    )
  if (version > STORE_FORMAT)
    throw new ServiceError(
      'invalid',
      `${directory} was written by a newer Flametrail (store format ${version}, this one reads ${STORE_FORMAT}); update, or ${CURE}`,
    )
  if (version < STORE_FORMAT)
    throw new ServiceError(
      'invalid',
      `${directory} has store format ${version}, which this Flametrail no longer reads (it reads ${STORE_FORMAT}); ${CURE}`,
    )
}

// Who owns the directory, and which of its files can be used? Asked once, at the start.
import { rmSync } from 'node:fs'
import path from 'node:path'
import { ServiceError } from '../../errors.ts'
import { areKeysRemembered } from '../hours.ts'
import type { Database } from './db.ts'
import { listSlots, quarantineSlot } from './directory.ts'
import { isDamage } from './failures.ts'
import { Slot } from './slot.ts'

export interface OpeningOptions {
  readonly directory: string
  readonly nowMs: number
  readonly report: (line: string) => void
}

/** The lock on owner.duckdb is what keeps a second process out. It holds nothing, so a damaged one is made anew. */
export async function takeOwnership(
  db: Database,
  directory: string,
  report: (line: string) => void,
): Promise<void> {
  try {
    await db.attach('owner.duckdb')
  } catch (error) {
    const { message } = error as Error
    if (/Could not set lock on file/.test(message)) {
      const pid = /PID (\d+)/.exec(message)?.[1]
      throw new ServiceError(
        'invalid',
        `${directory} is in use by another Flametrail backend${pid === undefined ? '' : ` (process ${pid})`}; ` +
          'stop that one, or choose another with --data-directory',
        { cause: error },
      )
    }
    if (!isDamage(error))
      throw new ServiceError('invalid', `cannot open the store in ${directory}: ${message}`, { cause: error })
    report(`owner.duckdb is damaged and made anew: ${message}`)
    for (const file of ['owner.duckdb', 'owner.duckdb.wal'])
      rmSync(path.join(directory, file), { force: true })
    await db.attach('owner.duckdb')
  }
}

/** Attaches all files, oldest first; damaged ones go to quarantine. Throws ServiceError if one cannot be opened though whole. */
export async function openSlots(db: Database, options: OpeningOptions): Promise<Slot[]> {
  const slots: Slot[] = []
  for (const name of listSlots(options.directory)) {
    try {
      const slot = await Slot.open(db, options.directory, name, options.report)
      if (areKeysRemembered(slot.hourMs, options.nowMs)) await slot.loadReceipts()
      slots.push(slot)
    } catch (error) {
      const { message } = error as Error
      if (!isDamage(error))
        throw new ServiceError(
          'invalid',
          `cannot open the store file ${name} in ${options.directory}: ${message}`,
          {
            cause: error,
          },
        )
      quarantine(options, name, message)
    }
  }
  return slots
}

/** Puts a file aside and says so. */
export function quarantine(
  { directory, report }: Omit<OpeningOptions, 'nowMs'>,
  name: string,
  reason: string,
): void {
  quarantineSlot(directory, name, reason)
  report(`store file ${name} is damaged and now in quarantine: ${reason}`)
}

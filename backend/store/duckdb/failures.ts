// What does it mean that DuckDB threw? Damage, a full disk, a file given up, too large a question: each has its own cure.
import { ServiceError } from '../../errors.ts'

export const RETRY_AFTER_S = 5

/** The file does not hold what it should: it goes to quarantine, the rest goes on. */
export class DamagedSlot extends Error {}

/** DuckDB 1.5 has no codes for these: its sentences are the only sign, and tests hold them. A full disk or too few file
 *  descriptors are no damage. */
export const isDamage = (error: unknown): boolean =>
  error instanceof DamagedSlot ||
  /Corrupt (database|WAL) file|not a valid DuckDB database|Could not read enough bytes|Failure while replaying WAL|Serialization Error|INTERNAL Error/.test(
    (error as Error).message,
  )

/** True if DuckDB has given a file up until it is attached anew. */
export const isInvalidated = (error: unknown): boolean =>
  /has been invalidated|FATAL/i.test((error as Error).message)

/** The refusal after a failed commit: retryable, whatever failed. */
export function notCommitted(cause: unknown): ServiceError {
  const { message } = cause as Error
  return /No space left|not enough space|disk full|Could not write/i.test(message)
    ? new ServiceError(
        'storage_full',
        'the disk of the data directory is full; free some space or lower retention-size',
        {
          retryAfterS: 30,
          cause,
        },
      )
    : new ServiceError(
        'starting',
        'the store could not commit this request; nothing of it was kept, send it again',
        {
          retryAfterS: RETRY_AFTER_S,
          cause,
        },
      )
}

/** What a failed read tells its asker. */
export function readableError(error: unknown): unknown {
  if (!/Out of Memory/i.test((error as Error).message)) return error
  return new ServiceError(
    'limit',
    'this query needs more memory than there is; narrow the time range or add a matcher',
    {
      cause: error,
    },
  )
}

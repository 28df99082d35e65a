// When does a store begin a new file, forget a request, let a file go? Pure rules, the same for every store.

export const HOUR_MS = 3_600_000
/** A request may come again for 26 h (limits.ingest.maxAge); a file receives for one hour. */
const KEYS_REMEMBERED_MS = 27 * HOUR_MS

/** Start of the hour of a moment, epoch ms. */
export const hourOf = (timeMs: number): number => Math.floor(timeMs / HOUR_MS) * HOUR_MS

/** May a request in a file of this hour of receipt still come again? */
export const areKeysRemembered = (hourMs: number, nowMs: number): boolean =>
  hourMs + KEYS_REMEMBERED_MS > nowMs

/** Is everything in a file older than the retention? `lastMs` is NaN for a file without samples. */
export function isExpired(
  file: { readonly hourMs: number; readonly lastMs: number },
  nowMs: number,
  ageMs: number,
): boolean {
  const receivedUntilMs = file.hourMs + HOUR_MS
  const newestMs = Number.isNaN(file.lastMs) ? receivedUntilMs : file.lastMs
  return receivedUntilMs <= nowMs && newestMs < nowMs - ageMs
}

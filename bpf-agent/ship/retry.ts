// Sent, later, or never? What the backend's answer means for a request, and how long to wait before the next try.
// Refuses to repeat what time cannot cure.

export type Verdict =
  | { readonly kind: 'stored' }
  | { readonly kind: 'later'; readonly waitMs: number | undefined }
  | { readonly kind: 'refused' }

const RETRYABLE = [408, 429, 500, 502, 503, 504]
const WAIT_MS_LEAST = 1000
const WAIT_MS_MOST = 60_000
/** A backend that restarts is back within seconds; only a long absence earns long pauses. */
const WAIT_MS_EARLY = 5000
const EARLY_MS = 120_000
const RETRY_AFTER_MS_MAX = 300_000 // a wrong or hostile header must not silence an agent for a day

/** Judges an HTTP answer.
 *  in   retryAfter  the header: seconds or an HTTP date
 *  out  waitMs  what the backend asked for, at most 5 min */
export function judgeAnswer(answer: {
  readonly status: number
  readonly retryAfter: string | undefined
  readonly nowMs: number
}): Verdict {
  const { status, retryAfter, nowMs } = answer
  if (status >= 200 && status < 300) return { kind: 'stored' }
  if (!RETRYABLE.includes(status)) return { kind: 'refused' }
  return { kind: 'later', waitMs: retryAfterMs(retryAfter, nowMs) }
}

/** How long to wait after a failure: full jitter under a bound that doubles, so that a thousand agents of a restarted
 *  backend do not come back in step.
 *  in   failures   in a row, at least 1
 *       failingMs  since the first of them
 *       random     0 … 1 */
export function waitMsBefore(next: {
  readonly failures: number
  readonly failingMs: number
  readonly askedMs: number | undefined
  readonly random: number
}): number {
  const { failures, failingMs, askedMs, random } = next
  const most = failingMs < EARLY_MS ? WAIT_MS_EARLY : WAIT_MS_MOST
  const bound = Math.min(most, WAIT_MS_LEAST * 2 ** Math.min(failures - 1, 16))
  const jitter = Math.max(100, random * bound)
  return askedMs === undefined ? jitter : askedMs + random * WAIT_MS_LEAST
}

function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined
  const text = header.trim()
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), RETRY_AFTER_MS_MAX)
}

// How do the page's words for a time range become Grafana's, and back?
import { dateMath, dateTime, type TimeRange } from '@grafana/data'
import { DEFAULT_STATE } from './url-state.ts'

interface Bounds {
  readonly from: string
  readonly to: string
}

/** `now-1h` stays relative in `raw`, so that the picker says "Last 1 hour"; digits are epoch ms. */
export function timeRangeOf({ from, to }: Bounds): TimeRange {
  const bound = (text: string, roundUp: boolean) =>
    /^\d+$/.test(text) ? dateTime(Number(text)) : (dateMath.toDateTime(text, { roundUp }) ?? dateTime())
  const start = bound(from, false)
  const end = bound(to, true)
  // `from=now` with `to=now-1h` reads well to no one: only words that a person typed can come in this order.
  if (!start.isBefore(end)) return timeRangeOf(DEFAULT_STATE)
  return {
    from: start,
    to: end,
    raw: { from: /^\d+$/.test(from) ? start : from, to: /^\d+$/.test(to) ? end : to },
  }
}

/** The other way. */
export function boundsOf(range: TimeRange): Bounds {
  const text = (raw: TimeRange['raw']['from'], moment: TimeRange['from']) =>
    typeof raw === 'string' && raw.startsWith('now') ? raw : String(moment.valueOf())
  return { from: text(range.raw.from, range.from), to: text(range.raw.to, range.to) }
}

export const absoluteRange = (fromMs: number, toMs: number): TimeRange =>
  timeRangeOf({ from: String(Math.round(fromMs)), to: String(Math.round(toMs)) })

/** The range moved by half of its length (-1 back, 1 forward), never beyond now. */
export function shiftRange(range: TimeRange, direction: -1 | 1, nowMs: number): TimeRange {
  const lengthMs = range.to.valueOf() - range.from.valueOf()
  const toMs = Math.min(range.to.valueOf() + (direction * lengthMs) / 2, Math.max(nowMs, range.to.valueOf()))
  return absoluteRange(toMs - lengthMs, toMs)
}

/** Twice as long about the same middle, never beyond now. */
export function zoomOut(range: TimeRange, nowMs: number): TimeRange {
  const lengthMs = range.to.valueOf() - range.from.valueOf()
  const toMs = Math.min(range.to.valueOf() + lengthMs / 2, Math.max(nowMs, range.to.valueOf()))
  return absoluteRange(toMs - 2 * lengthMs, toMs)
}

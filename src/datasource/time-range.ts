// Which moments does a query ask for? The panel's range, widened where it is shorter than the windows that samples are
// stored in, and the range of a diff's baseline.
import { failure, type Result, success } from '#profile/model/result'
import { ms, type TimeRange } from '#profile/model/units'
import { parseTime } from '#profile/wire/time'
import type { Baseline } from './query.ts'

/** Agents add samples up over windows of this length: a shorter range would fall between two of them. */
const WINDOW_MS = 10_000

/** Goes out to whole windows, one more on each side, when the range is shorter than a window; else only rounds.
 *  out  the range, and whether it is wider than what was asked */
export function widenRange(asked: TimeRange): TimeRange & { readonly isWidened: boolean } {
  const fromMs = Math.floor(asked.fromMs)
  const toMs = Math.ceil(asked.toMs)
  if (toMs - fromMs >= WINDOW_MS) return { fromMs: ms(fromMs), toMs: ms(toMs), isWidened: false }
  return {
    fromMs: ms((Math.floor(fromMs / WINDOW_MS) - 1) * WINDOW_MS),
    toMs: ms((Math.ceil(toMs / WINDOW_MS) + 1) * WINDOW_MS),
    isWidened: true,
  }
}

/** The baseline's range beside the comparison's: its own, or shifted back, or the range of equal length just before. */
export function baselineRange(comparison: TimeRange, baseline: Baseline | undefined): Result<TimeRange> {
  const { from, to, shift } = baseline ?? {}
  if (from !== undefined && to !== undefined) return success({ fromMs: ms(from), toMs: ms(to) })
  if (shift === undefined) {
    const lengthMs = comparison.toMs - comparison.fromMs
    return success({ fromMs: ms(comparison.fromMs - lengthMs), toMs: comparison.fromMs })
  }
  const start = parseTime(`now-${shift}`, comparison.fromMs)
  const end = parseTime(`now-${shift}`, comparison.toMs)
  if (!start.ok || !end.ok) {
    return failure(`"${shift}" is no time shift. Write how much earlier the baseline is, like 1h, 30m or 7d.`)
  }
  return success({ fromMs: ms(start.value), toMs: ms(end.value) })
}

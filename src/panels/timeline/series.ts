// What does the strip draw? One line: the sum of the series that came, gaps as gaps.
import type { DataFrame, Field } from '@grafana/data'
import { makeFormat } from '#profile/picture/format'
import { frameMeta } from '../../frame/frame-meta.ts'
import { isProfileFrame } from '../../frame/frame-to-tree.ts'
import { ownUnit } from '../../frame/units.ts'

export interface StripSeries {
  /** Epoch ms, ascending: where each step begins. */
  readonly timesMs: readonly number[]
  /** Null where nobody reported. */
  readonly values: readonly (number | null)[]
  readonly stepMs: number
  /** Ours: "cores", "bytes/s". */
  readonly unit: string
  /** The largest value; 0 where there is none. */
  readonly max: number
}

const STEP_MS = 10_000 // what agents add samples up over

/** Adds the series among some frames up.    out  undefined: there is no series among them.    cost O(rows · log rows) */
export function seriesOf(frames: readonly DataFrame[]): StripSeries | undefined {
  const series = frames.map(columnsOf).filter((columns) => columns !== undefined)
  const [first] = series
  if (first === undefined) return undefined
  const sums = new Map<number, number | null>()
  for (const { time, value } of series)
    for (let row = 0; row < time.values.length; row++) {
      const moment: unknown = time.values[row]
      if (typeof moment !== 'number' || !Number.isFinite(moment)) continue
      const came: unknown = value.values[row]
      const sum = sums.get(moment) ?? null
      sums.set(moment, isRate(came) ? (sum ?? 0) + came : sum)
    }
  const timesMs = [...sums.keys()].sort((one, other) => one - other)
  const values = timesMs.map((moment) => sums.get(moment) ?? null)
  const max = values.reduce<number>((most, value) => Math.max(most, value ?? 0), 0)
  const interval = first.time.config.interval
  const stepMs = isRate(interval) && interval > 0 ? interval : STEP_MS
  return { timesMs, values, stepMs, max, unit: ownUnit(first.value.config.unit) }
}

/** The series that a query brought along with its profile (query type `both`); none where some of them were left out, for
 *  then their sum is not the query's. */
export function broughtSeries(frames: readonly DataFrame[], refId: string): StripSeries | undefined {
  const own = frames.filter((frame) => frame.refId === refId && !isProfileFrame(frame))
  const isWhole = own.every((frame) => {
    const meta = frameMeta(frame) as { readonly nodes?: { readonly folded?: unknown } } | undefined
    return meta !== undefined && !(Number(meta.nodes?.folded) > 0)
  })
  return isWhole ? seriesOf(own) : undefined
}

function columnsOf(frame: DataFrame): { readonly time: Field; readonly value: Field } | undefined {
  const time = frame.fields.find((field) => field.type === 'time')
  const value = frame.fields.find((field) => field.type === 'number')
  return time === undefined || value === undefined ? undefined : { time, value }
}

const isRate = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0

/** The value of the step that holds a moment; undefined where the series has no such step. */
export function valueAt({ timesMs, values, stepMs }: StripSeries, moment: number): number | null | undefined {
  let low = 0
  let high = timesMs.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (timesMs[middle]! <= moment) low = middle + 1
    else high = middle
  }
  const row = low - 1
  return row >= 0 && moment < timesMs[row]! + stepMs ? values[row] : undefined
}

/** A rate with three digits: "1.24 cores", "0.0031 cores", "12.4 MiB/s". */
export function rateText(value: number, unit: string): string {
  if (unit === 'bytes/s') return `${makeFormat('bytes')(value)}/s`
  if (value >= 100) return makeFormat(unit)(Math.round(value))
  return `${Number(value.toPrecision(3))} ${unit === 'count' ? '' : unit}`.trim()
}

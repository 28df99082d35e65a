// How much over time? Sums per step and group as rates: CPU time in cores, everything else in its unit per second.
// Samples stand in windows of ten seconds; a window counts in the step in which it starts.
import { CPU, printProfileType } from '#profile/model/profile-type'
import type { Quality } from '#profile/tree/quality'
import type { SeriesAnswer } from '#profile/wire/query-api'
import { ServiceError } from '../errors.ts'
import type { QualitySums, SeriesSums } from '../store/store.ts'
import { lostShareOf } from './lost-share.ts'
import type { Asked } from './profile-query.ts'
import type { ParsedSeries } from './query-service.ts'
import { parseQuestion, type Question } from './question.ts'
import { hasSampleProfile } from './sampled-tree.ts'

const WINDOW_MS = 10_000
const POINTS_WANTED = 200 // about one per five pixels of a panel

export async function series(request: ParsedSeries, asked: Asked): Promise<SeriesAnswer> {
  const question = parseQuestion(request, asked.nowMs)
  const stepMs = request.step === undefined ? stepFor(question) : Math.round(request.step * 1_000)
  // Steps begin at multiples of the step, so that a panel that refreshes shows the same points again.
  const fromMs = Math.floor(question.fromMs / stepMs) * stepMs
  const points = Math.ceil((question.toMs - fromMs) / stepMs)
  const most = asked.limits.seriesPoints
  if (points > most)
    throw new ServiceError(
      'limit',
      `${points} points of ${stepMs / 1_000} s; at most ${most} are allowed. Take a longer step or a shorter range`,
      { key: 'limits.seriesPoints', limit: most, got: points },
    )
  const query = { ...question, fromMs, stepMs, groupBy: request.group }
  const [{ value: sums, unreadable }, sampleProfile, lost, lastStepMs] = await Promise.all([
    asked.store.seriesSums(query),
    hasSampleProfile(asked.store, question),
    lostShareOf(asked.store, question),
    coveredMs(question, { fromMs: fromMs + (points - 1) * stepMs, stepMs }, asked),
  ])
  const isCpu = printProfileType(question.type) === printProfileType(CPU)
  const perSecond = isCpu ? 1e9 : 1 // nanoseconds on a CPU per second are cores
  const secondsOf = (step: number) => (step === points - 1 ? lastStepMs : stepMs) / 1_000
  const rows = heaviestFirst(sums)
  const kept = rows.slice(0, request.limit)
  return {
    kind: 'series',
    meta: {
      type: printProfileType(question.type),
      unit: question.type.sampleUnit,
      fromMs,
      toMs: question.toMs,
      samples: Math.round(sums.samples),
      ...sharesOf(sums.quality),
      ...(lost === undefined ? {} : { lost }),
      nodes: { sent: kept.length, folded: rows.length - kept.length },
      sampleProfile,
      coverage: { unreadable },
      tookMs: asked.tookMs(),
    },
    valueUnit: isCpu ? 'cores' : `${question.type.sampleUnit}/s`,
    stepS: stepMs / 1_000,
    labels: kept.map(({ values }) => Object.fromEntries(request.group.map((name, i) => [name, values[i]!]))),
    t: Array.from({ length: points }, (_, i) => fromMs + i * stepMs),
    v: kept.map(({ sum }) =>
      Array.from(sums.reported, (reported, step) =>
        reported === 0 ? null : sum[step]! / perSecond / secondsOf(step),
      ),
    ),
  }
}

/** What the stacks behind some sums are like, as every answer says it. 0 and 0 of nothing. */
export function sharesOf(groups: readonly QualitySums[]): Quality {
  const sum = (key: keyof QualitySums) => groups.reduce((all, group) => all + group[key], 0)
  const share = (part: number, all: number) => (all > 0 ? part / all : 0)
  return { endEarly: share(sum('early'), sum('all')), unnamed: share(sum('unnamed'), sum('frames')) }
}

/** A step of whole windows that gives about POINTS_WANTED points. */
export function stepFor({ fromMs, toMs }: { readonly fromMs: number; readonly toMs: number }): number {
  return Math.max(1, Math.ceil((toMs - fromMs) / POINTS_WANTED / WINDOW_MS)) * WINDOW_MS
}

/** How much of the last step has been reported: up to its last window that anyone reported, so that a rate does not fall
 *  towards now only because now is in the middle of a step. */
async function coveredMs(
  question: Question,
  last: { readonly fromMs: number; readonly stepMs: number },
  { store }: Asked,
): Promise<number> {
  const { fromMs, stepMs } = last
  if (fromMs + stepMs <= question.toMs || stepMs <= WINDOW_MS) return stepMs
  const { value } = await store.seriesSums({ ...question, fromMs, stepMs: WINDOW_MS, groupBy: [] })
  return Math.min(stepMs, (value.reported.lastIndexOf(1) + 1) * WINDOW_MS || stepMs)
}

function heaviestFirst(sums: SeriesSums): { values: readonly string[]; sum: Float64Array; total: number }[] {
  const steps = sums.reported.length
  const rows = sums.values.map((values) => ({ values, sum: new Float64Array(steps), total: 0 }))
  for (let i = 0; i < sums.sum.length; i++) {
    const row = rows[sums.group[i]!]!
    row.sum[sums.bucket[i]!]! += sums.sum[i]!
    row.total += sums.sum[i]!
  }
  const text = ({ values }: { values: readonly string[] }) => JSON.stringify(values)
  return rows.sort((one, other) => other.total - one.total || (text(one) < text(other) ? -1 : 1))
}

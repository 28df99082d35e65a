// Whose stacks can be trusted, and whose cannot? Shares of each group, read off what is stored per series and window: no
// stack is touched, so it costs the same for a service as for a fleet.
import { printProfileType } from '#profile/model/profile-type'
import type { QualityAnswer } from '#profile/wire/query-api'
import { lostShareOf } from './lost-share.ts'
import type { Asked } from './profile-query.ts'
import type { ParsedQuality } from './query-service.ts'
import { parseQuestion } from './question.ts'
import { hasSampleProfile } from './sampled-tree.ts'
import { sharesOf } from './series-query.ts'

export async function quality(request: ParsedQuality, asked: Asked): Promise<QualityAnswer> {
  const question = parseQuestion(request, asked.nowMs)
  const [{ value: sums, unreadable }, sampleProfile, lost] = await Promise.all([
    asked.store.seriesSums({
      ...question,
      stepMs: Math.max(1, question.toMs - question.fromMs),
      groupBy: request.group,
    }),
    hasSampleProfile(asked.store, question),
    lostShareOf(asked.store, question),
  ])
  const groups = sums.values
    .map((values, i) => ({ values, own: sums.quality[i]! }))
    .sort(
      (one, other) =>
        other.own.samples - one.own.samples ||
        (JSON.stringify(one.values) < JSON.stringify(other.values) ? -1 : 1),
    )
  const kept = groups.slice(0, request.limit)
  const shares = kept.map(({ own }) => sharesOf([own]))
  return {
    kind: 'quality',
    meta: {
      type: printProfileType(question.type),
      unit: question.type.sampleUnit,
      fromMs: question.fromMs,
      toMs: question.toMs,
      samples: Math.round(sums.samples),
      ...sharesOf(sums.quality),
      ...(lost === undefined ? {} : { lost }),
      nodes: { sent: kept.length, folded: groups.length - kept.length },
      sampleProfile,
      coverage: { unreadable },
      tookMs: asked.tookMs(),
    },
    labels: kept.map(({ values }) => Object.fromEntries(request.group.map((name, i) => [name, values[i]!]))),
    samples: kept.map(({ own }) => Math.round(own.samples)),
    endEarly: shares.map(({ endEarly }) => endEarly),
    unnamed: shares.map(({ unnamed }) => unnamed),
  }
}

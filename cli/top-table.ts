// Which functions burn most? One table, whether a backend answers or a recording does.
import type { Profile } from '#profile/model/profile'
import { buildTreeOfProfile } from '#profile/tree/build'
import { functionTable } from '#profile/tree/functions'
import { type Quality, qualityOf } from '#profile/tree/quality'
import { printShare, printTable } from './output.ts'

/** Columns of equal length, in the order in which they are shown; `self` and `totals` in the unit of `total`. */
export interface TopRows {
  readonly total: number
  readonly name: readonly string[]
  readonly mapping: readonly string[]
  readonly self: readonly number[]
  readonly totals: readonly number[]
  /** `lost`: share of the samples that agents lost, where they gave account. */
  readonly meta: Quality & { readonly samples: number; readonly lost?: number }
}

/** The hottest functions by their own time, and how far the stacks can be trusted. */
export function printTop(top: TopRows): string {
  const columns = [
    { title: 'function', align: 'left', widthMax: 60 },
    { title: 'binary', align: 'left', widthMax: 24 },
    { title: 'self', align: 'right' },
    { title: 'total', align: 'right' },
  ] as const
  const share = (value: number) => printShare(top.total > 0 ? value / top.total : 0)
  const rows = top.name.map((name, i) => [name, top.mapping[i]!, share(top.self[i]!), share(top.totals[i]!)])
  const { samples, endEarly, unnamed, lost = 0 } = top.meta
  const percent = (of: number) => `${Math.round(of * 100)} %`
  const parts = [
    `${samples} samples`,
    ...(lost >= 0.01 ? [`${percent(lost)} of samples were lost`] : []),
    ...(endEarly > 0 ? [`${percent(endEarly)} of stacks end early`] : []),
    ...(unnamed >= 0.01 ? [`${percent(unnamed)} of frames have no name: no symbols`] : []),
  ]
  return `${printTable(columns, rows)}${parts.join('; ')}\n`
}

/** The hottest functions of a profile.  out  at most `limit` rows, by own time, then total, then name */
export function topOfProfile(profile: Profile, limit: number): TopRows {
  const tree = buildTreeOfProfile(profile)
  const { frames, total } = tree
  const rows = functionTable(tree)
  const order = Array.from(rows.frame, (_, row) => row)
    .sort(
      (one, other) =>
        rows.self[other]! - rows.self[one]! || rows.total[other]! - rows.total[one]! || one - other,
    )
    .slice(0, limit)
  return {
    total: total[0]!,
    name: order.map((row) => frames.name[rows.frame[row]!]!),
    mapping: order.map((row) => frames.mapping[rows.frame[row]!]!),
    self: order.map((row) => rows.self[row]!),
    totals: order.map((row) => rows.total[row]!),
    meta: { samples: total[0]!, ...qualityOf([tree]) },
  }
}

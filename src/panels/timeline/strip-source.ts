// Whom can a panel ask again, and for what? The frames say: each of ours carries its query and the data source that
// answered it. Frames of others carry none, and then there is no strip.
import type { DataFrame, DataQuery } from '@grafana/data'
import { failure, type Result, success } from '#profile/model/result'
import { frameMeta } from '../../frame/frame-meta.ts'
import { isProfileFrame } from '../../frame/frame-to-tree.ts'
import type { Span } from './brush.ts'

/** A query as the data source left it in its frame: interpolated, so that nothing has to be looked up again. The data
 *  source reads any shape; what stands here is what the strip itself changes. */
export interface SourceQuery extends DataQuery {
  readonly profileTypeId?: unknown
  readonly labelSelector?: unknown
  readonly groupBy?: unknown
  readonly limit?: unknown
  readonly invert?: unknown
  readonly path?: unknown
  readonly baseline?: unknown
}

export interface StripSource {
  /** Of the data source. */
  readonly uid: string
  /** Of a diff: the comparison's, with the baseline in it. */
  readonly query: SourceQuery
  /** What the panel was asked for: the range of its tree, or of its comparison. */
  readonly chart: Span
  readonly isDiff: boolean
  /** Of a diff of two frames: the first one's range. Other diffs have theirs in the query. */
  readonly baselineChart?: Span
}

const NO_QUERY =
  'There is no time strip: this profile does not say which query of a Flametrail data source it answers.'

/** Reads the source out of a panel's frames.
 *  in   isDiff  what the panel made of them: a diff, of one frame or of two
 *  out  a sentence where the frames come from elsewhere, or from two places */
export function stripSource(series: readonly DataFrame[], isDiff: boolean): Result<StripSource> {
  const profiles = series.filter(isProfileFrame)
  if (!isDiff) return sourceOf(profiles[0], isDiff)
  const whole = profiles.find((frame) => frameMeta(frame)?.view === 'diff')
  if (whole !== undefined) return sourceOf(whole, isDiff)
  const [baseline, comparison] = profiles.map((frame) => sourceOf(frame, isDiff))
  if (baseline === undefined || comparison === undefined) return failure(NO_QUERY)
  if (!baseline.ok) return baseline
  if (!comparison.ok) return comparison
  return joined(baseline.value, comparison.value)
}

/** Two queries as one diff. */
function joined(baseline: StripSource, comparison: StripSource): Result<StripSource> {
  if (baseline.uid !== comparison.uid)
    return failure('There is no time strip: baseline and comparison come from two data sources.')
  if (baseline.query.profileTypeId !== comparison.query.profileTypeId)
    return failure('There is no time strip: baseline and comparison are of two profile types.')
  const { labelSelector } = baseline.query
  const query = { ...comparison.query, baseline: { labelSelector } }
  return success({ ...comparison, query, baselineChart: baseline.chart })
}

function sourceOf(frame: DataFrame | undefined, isDiff: boolean): Result<StripSource> {
  const meta = frame === undefined ? undefined : frameMeta(frame)
  const query = meta?.query as Partial<SourceQuery> | undefined
  const uid: unknown = query?.datasource?.uid
  if (meta === undefined || typeof uid !== 'string' || uid === '') return failure(NO_QUERY)
  const range = meta.view === 'diff' ? meta.comparison : meta
  const { fromMs, toMs } = range
  if (!(Number.isFinite(fromMs) && Number.isFinite(toMs) && fromMs < toMs)) return failure(NO_QUERY)
  const refId = frame?.refId ?? query?.refId ?? 'A'
  return success({ uid, query: { ...query, refId }, chart: { fromMs, toMs }, isDiff })
}

/** Whether two sources are one query: their ranges may differ. */
export const isSameQuery = (one: StripSource, other: StripSource): boolean => keyOf(one) === keyOf(other)

const keyOf = ({ uid, query, isDiff }: StripSource): string => JSON.stringify([uid, query, isDiff])

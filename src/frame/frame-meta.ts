// What does a profile frame say of itself, beside its columns? What panels print in their header and query again with.
import type { DataFrame } from '@grafana/data'
import type { AnswerMeta } from '#profile/wire/query-api'

/** A query as the data source interpolated it. The frame only carries it; what it reads is `invert`. */
export interface FrameQuery {
  readonly invert?: boolean | undefined
}

/** Which picture the tree is meant for: iceberg trees arrive inverted, with the base functions as first level. */
export type FrameView = 'flame' | 'iceberg'

/** `meta.custom.flametrail` of a profile frame: the answer's own meta, and where it came from. */
export interface TreeFrameMeta extends AnswerMeta {
  readonly v: 1
  readonly view: FrameView
  readonly query: FrameQuery
}

/** `meta.custom.flametrail` of a diff frame. */
export interface DiffFrameMeta {
  readonly v: 1
  readonly view: 'diff'
  readonly query: FrameQuery
  readonly baseline: AnswerMeta
  readonly comparison: AnswerMeta
}

/** Ids of the panels a frame asks for. Where they are not installed, Grafana falls back to its own flame graph. */
export const PANEL_IDS = {
  flame: 'flametrail-flamegraph-panel',
  iceberg: 'flametrail-iceberg-panel',
  diff: 'flametrail-diff-panel',
} as const

/** Reads the meta of a frame of ours; undefined for frames of other data sources and of other versions. */
export function frameMeta(frame: DataFrame): TreeFrameMeta | DiffFrameMeta | undefined {
  const meta: unknown = frame.meta?.custom?.flametrail
  if (typeof meta !== 'object' || meta === null || (meta as { v?: unknown }).v !== 1) return undefined
  return meta as TreeFrameMeta | DiffFrameMeta
}

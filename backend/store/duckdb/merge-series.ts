// How do the answers of several files become one? Files know groups by ids of their own; values and labels are what they
// have in common.
import { labelsText } from '#profile/model/labels'
import { printProfileType } from '#profile/model/profile-type'
import { UNMATCHED } from '../match-series.ts'
import { samplesBehind } from '../series-table.ts'
import type { QualitySums, SeriesQuery, SeriesSeen, SeriesSums } from '../store.ts'
import type { SlotSeriesSums } from './slot.ts'

/** cost O(rows + groups × buckets) */
export function mergeSeriesSums(
  answers: readonly (SlotSeriesSums | undefined)[],
  query: Pick<SeriesQuery, 'fromMs' | 'toMs' | 'stepMs'>,
): SeriesSums {
  const buckets = Math.max(0, Math.ceil((query.toMs - query.fromMs) / query.stepMs))
  const reported = new Uint8Array(buckets)
  const values: (readonly string[])[] = []
  const sums: Float64Array[] = []
  const quality: { -readonly [Key in keyof QualitySums]: number }[] = []
  const touched: Uint8Array[] = []
  const groupIds = new Map<string, number>()
  const groupOf = (own: readonly string[]) => {
    const key = JSON.stringify(own)
    let id = groupIds.get(key)
    if (id === undefined) {
      id = values.push(own) - 1
      groupIds.set(key, id)
      sums.push(new Float64Array(buckets))
      quality.push({ all: 0, early: 0, frames: 0, unnamed: 0, samples: 0 })
      touched.push(new Uint8Array(buckets))
    }
    return id
  }
  let samples = 0
  for (const answer of answers) {
    if (answer === undefined) continue
    const { matched, group, bucket, amount, rows, early, frames, unnamed } = answer
    for (let row = 0; row < group.length; row++) {
      reported[bucket[row]!] = 1
      if (group[row] === UNMATCHED) continue
      const { values: own, type } = matched.groups[group[row]!]!
      const id = groupOf(own)
      sums[id]![bucket[row]!]! += amount[row]! * type.scale
      touched[id]![bucket[row]!] = 1
      const behind = samplesBehind(type, amount[row]!, rows[row]!)
      samples += behind
      const trust = quality[id]!
      trust.all += amount[row]! * type.scale
      trust.early += early[row]! * type.scale
      trust.frames += frames[row]! * type.scale
      trust.unnamed += unnamed[row]! * type.scale
      trust.samples += behind
    }
  }
  return { ...cellsOf(sums, touched), values, quality, reported, samples }
}

/** Each series once, from its first to its last moment in any file. */
export function mergeSeriesSeen(found: readonly SeriesSeen[]): readonly SeriesSeen[] {
  const seen = new Map<string, SeriesSeen>()
  for (const one of found) {
    const key = `${printProfileType(one.type)} ${labelsText(one.labels)}`
    const known = seen.get(key)
    seen.set(key, {
      ...one,
      firstMs: Math.min(known?.firstMs ?? one.firstMs, one.firstMs),
      lastMs: Math.max(known?.lastMs ?? one.lastMs, one.lastMs),
    })
  }
  return [...seen.values()]
}

function cellsOf(sums: readonly Float64Array[], touched: readonly Uint8Array[]) {
  const group: number[] = []
  const bucket: number[] = []
  const sum: number[] = []
  sums.forEach((row, id) => {
    for (let i = 0; i < row.length; i++) {
      if (touched[id]![i] === 0) continue
      group.push(id)
      bucket.push(i)
      sum.push(row[i]!)
    }
  })
  return { group: Uint32Array.from(group), bucket: Uint32Array.from(bucket), sum: Float64Array.from(sum) }
}

// Which labels, values and profile types are there in a range? Always with the number of series behind each.
import { findLabel } from '#profile/labels/lookup'
import { printProfileType, profileTypeAlias } from '#profile/model/profile-type'
import type { LabelsAnswer, ProfileTypesAnswer } from '#profile/wire/query-api'
import type { SeriesSeen } from '../store/store.ts'
import type { Asked } from './profile-query.ts'
import type { ParsedLabels, ParsedProfileTypes } from './query-service.ts'
import { parseQuestion, parseRange } from './question.ts'

export async function labels(request: ParsedLabels, asked: Asked): Promise<LabelsAnswer> {
  return count(request, asked, ({ labels }) => labels.map(([name]) => name))
}

/** Series without the label do not count. */
export async function labelValues(name: string, request: ParsedLabels, asked: Asked): Promise<LabelsAnswer> {
  return count(request, asked, ({ labels }) => [findLabel(labels, name)].filter((value) => value !== ''))
}

export async function profileTypes(request: ParsedProfileTypes, asked: Asked): Promise<ProfileTypesAnswer> {
  const range = parseRange(request, asked.nowMs)
  const { value } = await asked.store.series({ type: undefined, matchers: [], ...range })
  const types = new Map(value.map(({ type }) => [printProfileType(type), type]))
  return {
    kind: 'profile-types',
    types: [...types]
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([id, type]) => ({ id, alias: profileTypeAlias(type), unit: type.sampleUnit })),
  }
}

async function count(
  request: ParsedLabels,
  asked: Asked,
  textsOf: (series: SeriesSeen) => readonly string[],
): Promise<LabelsAnswer> {
  const { value } = await asked.store.series(parseQuestion(request, asked.nowMs))
  const counts = new Map<string, number>()
  for (const series of value)
    for (const text of textsOf(series))
      if (text.startsWith(request.prefix)) counts.set(text, (counts.get(text) ?? 0) + 1)
  const sorted = [...counts].sort(([one], [other]) => (one < other ? -1 : 1)).slice(0, request.limit)
  return { kind: 'labels', names: sorted.map(([text]) => text), series: sorted.map(([, series]) => series) }
}

// What must every store answer? Arrays and loops say it: no index, no trie of its own, no file. The oracle of all tests,
// and a store for tests of what stands above it.
import { findLabel } from '#profile/labels/lookup'
import { checkMatcher, type Matcher, matchesLabels } from '#profile/labels/matcher'
import { type Labels, labelsText } from '#profile/model/labels'
import { type Profile, TRUNCATED_NAME } from '#profile/model/profile'
import { printProfileType } from '#profile/model/profile-type'
import { frameTrie } from '#profile/tree/frame-trie'
import { isNameless } from '#profile/tree/quality'
import { ServiceError } from '../errors.ts'
import { areKeysRemembered, hourOf, isExpired } from './hours.ts'
import { assertRequest, keyWords, samplesOf } from './request.ts'
import { samplesBehind, storageOf } from './series-table.ts'
import type {
  Account,
  Answer,
  AppendResult,
  QualitySums,
  RequestKey,
  SeriesQuery,
  SeriesSeen,
  SeriesSums,
  StackQuery,
  StackSums,
  Store,
  StoreStats,
} from './store.ts'

interface Hour {
  readonly hourMs: number
  readonly keys: Set<RequestKey>
  readonly profiles: Profile[]
  readonly accounts: Account[]
}
interface Row {
  readonly labels: Labels
  readonly stack: number
  readonly amount: number
  readonly timeMs: number
}

export class MemoryStore implements Store {
  readonly #ageMs: number
  #hours: Hour[] = []

  constructor(options: { readonly ageMs: number }) {
    this.#ageMs = options.ageMs
  }

  async append(request: {
    readonly key: RequestKey
    readonly profiles: readonly Profile[]
    readonly receivedMs: number
    readonly accounts?: readonly Account[]
  }): Promise<AppendResult> {
    const { key, profiles, receivedMs, accounts = [] } = request
    keyWords(key)
    assertRequest(profiles)
    const known = this.#hours.some((hour) => areKeysRemembered(hour.hourMs, receivedMs) && hour.keys.has(key))
    if (!known) {
      const hour = this.#hourFor(receivedMs)
      hour.keys.add(key)
      hour.profiles.push(...profiles)
      hour.accounts.push(...accounts)
    }
    return { stored: !known, samples: samplesOf(profiles) }
  }

  async stackSums(query: StackQuery): Promise<Answer<readonly StackSums[]>> {
    const matches = allMatch(query.matchers)
    const parts: StackSums[] = []
    for (const profile of this.#profilesOf(query)) {
      const { trie, nodeOfStack } = frameTrie(profile)
      const stored = storageOf(profile.type, profile.period)
      const groups = new Map<string, { values: string[]; sums: Map<number, number>; samples: number }>()
      for (const row of rowsOf(profile, query)) {
        if (!matches(row.labels)) continue
        const values = query.groupBy.map((name) => findLabel(row.labels, name))
        const key = JSON.stringify(values)
        const group = groups.get(key) ?? { values, sums: new Map(), samples: 0 }
        groups.set(key, group)
        group.samples += samplesBehind(stored, row.amount, 1)
        if (row.amount === 0) continue
        const node = nodeOfStack[row.stack]!
        group.sums.set(node, (group.sums.get(node) ?? 0) + row.amount * stored.scale)
      }
      if (groups.size === 0) continue
      parts.push({
        trie,
        groups: [...groups.values()].map(({ values, sums, samples }) => {
          const node = Uint32Array.from(sums.keys()).sort()
          return { values, node, sum: Float64Array.from(node, (id) => sums.get(id)!), samples }
        }),
      })
    }
    return { value: parts, unreadable: [] }
  }

  async seriesSums(query: SeriesQuery): Promise<Answer<SeriesSums>> {
    const matches = allMatch(query.matchers)
    const buckets = Math.max(0, Math.ceil((query.toMs - query.fromMs) / query.stepMs))
    const reported = new Uint8Array(buckets)
    const values: string[][] = []
    const cells = new Map<string, { group: number; bucket: number; sum: number }>()
    const groupIds = new Map<string, number>()
    const quality: QualitySums[] = []
    let samples = 0
    for (const profile of this.#profilesOf(query)) {
      const stored = storageOf(profile.type, profile.period)
      const namesOf = namesOfStacks(profile)
      for (const row of rowsOf(profile, query)) {
        const bucket = Math.floor((row.timeMs - query.fromMs) / query.stepMs)
        reported[bucket] = 1
        if (!matches(row.labels)) continue
        const own = query.groupBy.map((name) => findLabel(row.labels, name))
        const group = groupIds.get(JSON.stringify(own)) ?? values.push(own) - 1
        groupIds.set(JSON.stringify(own), group)
        const cell = cells.get(`${group} ${bucket}`) ?? { group, bucket, sum: 0 }
        cells.set(`${group} ${bucket}`, cell)
        cell.sum += row.amount * stored.scale
        const behind = samplesBehind(stored, row.amount, 1)
        samples += behind
        quality[group] = withStack(quality[group], namesOf(row.stack), row.amount * stored.scale, behind)
      }
    }
    const rows = [...cells.values()]
    const value = {
      values,
      quality,
      group: Uint32Array.from(rows, (row) => row.group),
      bucket: Uint32Array.from(rows, (row) => row.bucket),
      sum: Float64Array.from(rows, (row) => row.sum),
      reported,
      samples,
    }
    return { value, unreadable: [] }
  }

  async series(query: Parameters<Store['series']>[0]): Promise<Answer<readonly SeriesSeen[]>> {
    const matches = allMatch(query.matchers)
    const seen = new Map<string, SeriesSeen>()
    for (const profile of this.#profilesOf(query)) {
      const { type } = storageOf(profile.type, profile.period)
      for (const { labels, timeMs } of rowsOf(profile, query)) {
        if (!matches(labels)) continue
        const key = `${printProfileType(type)} ${labelsText(labels)}`
        const known = seen.get(key)
        seen.set(key, {
          type,
          labels,
          firstMs: Math.min(known?.firstMs ?? timeMs, timeMs),
          lastMs: Math.max(known?.lastMs ?? timeMs, timeMs),
        })
      }
    }
    return { value: [...seen.values()], unreadable: [] }
  }

  async accounts({ fromMs, toMs }: Parameters<Store['accounts']>[0]): Promise<Answer<readonly Account[]>> {
    const all = this.#hours.flatMap((hour) => {
      const { firstMs, lastMs } = timesOf([hour])
      return lastMs >= fromMs && firstMs < toMs ? hour.accounts : []
    })
    const value = all.filter(({ reportedMs }) => reportedMs >= fromMs && reportedMs < toMs)
    return { value, unreadable: [] }
  }

  async retain(nowMs: number): Promise<readonly string[]> {
    const expired = this.#hours.filter((hour) =>
      isExpired({ hourMs: hour.hourMs, lastMs: timesOf([hour]).lastMs }, nowMs, this.#ageMs),
    )
    this.#hours = this.#hours.filter((hour) => !expired.includes(hour))
    return expired.map((hour) => new Date(hour.hourMs).toISOString())
  }

  async stats(): Promise<StoreStats> {
    const { firstMs, lastMs, rows } = timesOf(this.#hours)
    return {
      files: this.#hours.length,
      bytes: 0,
      oldestMs: rows === 0 ? undefined : firstMs,
      newestMs: rows === 0 ? undefined : lastMs,
      rows,
      quarantined: [],
    }
  }

  async close(): Promise<void> {}

  /** The last hour, or a new one if the clock has moved on; an earlier hour never opens again. */
  #hourFor(receivedMs: number): Hour {
    const last = this.#hours.at(-1)
    if (last !== undefined && last.hourMs >= hourOf(receivedMs)) return last
    const hour: Hour = { hourMs: hourOf(receivedMs), keys: new Set(), profiles: [], accounts: [] }
    this.#hours.push(hour)
    return hour
  }

  #profilesOf({ type }: { readonly type: StackQuery['type'] | undefined }): readonly Profile[] {
    const all = this.#hours.flatMap((hour) => hour.profiles)
    if (type === undefined) return all
    const wanted = printProfileType(type)
    return all.filter((profile) => printProfileType(storageOf(profile.type, profile.period).type) === wanted)
  }
}

/** Names of a stack's frames, root first. */
function namesOfStacks(profile: Profile): (stack: number) => readonly string[] {
  const { trie, nodeOfStack } = frameTrie(profile)
  return (stack) => {
    const names: string[] = []
    for (let node = nodeOfStack[stack]!; node > 0; node = trie.parent[node]!)
      names.unshift(trie.frames.name[trie.frame[node]!]!)
    return names
  }
}

function withStack(
  before: QualitySums | undefined,
  names: readonly string[],
  value: number,
  samples: number,
): QualitySums {
  const { all = 0, early = 0, frames = 0, unnamed = 0, samples: others = 0 } = before ?? {}
  const real = names.filter((name) => name !== TRUNCATED_NAME)
  return {
    all: all + value,
    early: early + (names[0] === TRUNCATED_NAME ? value : 0),
    frames: frames + value * real.length,
    unnamed: unnamed + value * real.filter(isNameless).length,
    samples: others + samples,
  }
}

// Compiled anew for every label set: nothing to remember, nothing to get wrong.
function allMatch(matchers: readonly Matcher[]): (labels: Labels) => boolean {
  const refusal = matchers.map(checkMatcher).find((failure) => failure !== undefined)
  if (refusal !== undefined) throw new ServiceError('invalid', refusal.message)
  return (labels) => matchesLabels(matchers, labels)
}

function rowsOf(profile: Profile, range: { readonly fromMs: number; readonly toMs: number }): Row[] {
  const { samples, labelSets } = profile
  const rows = Array.from(samples.value, (amount, i) => ({
    labels: labelSets[samples.labelSet[i]!]!,
    stack: samples.stack[i]!,
    amount,
    timeMs: samples.timeMs[i]!,
  }))
  return rows.filter(({ timeMs }) => timeMs >= range.fromMs && timeMs < range.toMs)
}

function timesOf(hours: readonly Hour[]): { firstMs: number; lastMs: number; rows: number } {
  const times = hours.flatMap(({ profiles }) => profiles.flatMap(({ samples }) => [...samples.timeMs]))
  if (times.length === 0) return { firstMs: Number.NaN, lastMs: Number.NaN, rows: 0 }
  return {
    firstMs: times.reduce((one, other) => Math.min(one, other)),
    lastMs: times.reduce((one, other) => Math.max(one, other)),
    rows: times.length,
  }
}

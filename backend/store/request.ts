// What may be appended? Whole, well-formed requests: ids in range, values finite, keys of 128 bits. Decoders promise it;
// the store checks, since one id out of range would make a file unreadable.
import type { Profile } from '#profile/model/profile'
import { assertProfile } from '#profile/model/profile'
import { haveSameTables } from './dictionary.ts'
import { samplesBehind, storageOf } from './series-table.ts'
import type { RequestKey } from './store.ts'

export type KeyWords = readonly [number, number, number, number]

/** A key as four words. Throws an Error if it is not 32 lower-case hex digits: keys are made by us. */
export function keyWords(key: RequestKey): KeyWords {
  if (!/^[0-9a-f]{32}$/.test(key)) throw new Error(`request key ${JSON.stringify(key)} is not 32 hex digits`)
  const word = (i: number) => Number.parseInt(key.slice(8 * i, 8 * i + 8), 16)
  return [word(0), word(1), word(2), word(3)]
}

/** Throws an Error naming the broken relation. cost O(tables + samples): tables shared by reference are checked once */
export function assertRequest(profiles: readonly Profile[]): void {
  let checked: Profile | undefined
  for (const profile of profiles) {
    if (checked === undefined || !haveSameTables(checked, profile)) {
      assertProfile(profile)
      checked = profile
    } else assertSamples(profile)
  }
}

/** Rows that the request will write. */
export function rowsOf(profiles: readonly Profile[]): number {
  return profiles.reduce((rows, { samples }) => rows + samples.value.length, 0)
}

/** Samples that a request brings: its values ÷ what one sample is worth. */
export function samplesOf(profiles: readonly Profile[]): number {
  let samples = 0
  for (const profile of profiles) {
    const type = storageOf(profile.type, profile.period)
    const amount = profile.samples.value.reduce((sum, value) => sum + value, 0)
    samples += samplesBehind(type, amount, profile.samples.value.length)
  }
  return samples
}

function assertSamples({ samples, stacks, labelSets }: Profile): void {
  const n = samples.value.length
  if (samples.stack.length !== n || samples.labelSet.length !== n || samples.timeMs.length !== n)
    throw new Error('profile is broken: columns of samples differ in length')
  for (let i = 0; i < n; i++) {
    const value = samples.value[i]!
    if (samples.stack[i]! >= stacks.parent.length || samples.labelSet[i]! >= labelSets.length)
      throw new Error(`profile is broken: sample ${i} points at a stack or a label set that is not there`)
    if (!(value >= 0 && Number.isFinite(value) && Number.isFinite(samples.timeMs[i]!)))
      throw new Error(`profile is broken: sample ${i} has value ${value} at ${samples.timeMs[i]}`)
  }
}

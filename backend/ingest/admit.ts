// May these samples be stored, by their clock? Ahead of ours beyond a bound they would outlive retention; older than
// request keys are remembered they could be stored twice. A sender whose `Date` differs from our clock by more than two
// minutes has its times shifted by the difference first. Pure: time comes in as numbers.
import type { Profile, SampleTable } from '#profile/model/profile'

/** Below this a difference is network and rounding: `Date` counts whole seconds. */
const SHIFT_FROM_MS = 120_000

/** How far our clock is ahead of the sender's, to be added to its times; 0 where it is close or unknown.
 *  in   sentMs  the sender's clock when it sent, undefined if it does not say */
export function clockShift(receivedMs: number, sentMs: number | undefined): number {
  if (sentMs === undefined || !Number.isFinite(sentMs)) return 0
  const offset = receivedMs - sentMs
  return Math.abs(offset) <= SHIFT_FROM_MS ? 0 : Math.round(offset / 1_000) * 1_000
}

export interface Admission {
  /** Profiles that still have samples, in order. */
  readonly profiles: readonly Profile[]
  /** Samples refused, in sample rows; the profiles they came from; the farthest distance from our clock, ms. */
  readonly ahead: Refused
  readonly old: Refused
}
export interface Refused {
  readonly samples: number
  readonly profiles: number
  readonly farthestMs: number
}

/** Shifts all sample times, then keeps those within [receivedMs − maxAgeMs, receivedMs + maxAheadMs].
 *  cost O(samples); profiles without a refused or shifted sample pass by reference */
export function admitByClock(
  profiles: readonly Profile[],
  clock: {
    readonly receivedMs: number
    readonly shiftMs: number
    readonly maxAheadMs: number
    readonly maxAgeMs: number
  },
): Admission {
  const ahead = { samples: 0, profiles: 0, farthestMs: 0 }
  const old = { samples: 0, profiles: 0, farthestMs: 0 }
  const kept: Profile[] = []
  const note = (refused: typeof ahead, count: number, farthestMs: number) => {
    if (count === 0) return
    refused.samples += count
    refused.profiles++
    refused.farthestMs = Math.max(refused.farthestMs, farthestMs)
  }
  for (const profile of profiles) {
    const { timeMs } = profile.samples
    const isIn = new Uint8Array(timeMs.length)
    let held = 0
    let aheadCount = 0
    let aheadMs = 0
    let oldMs = 0
    for (let i = 0; i < timeMs.length; i++) {
      const distance = timeMs[i]! + clock.shiftMs - clock.receivedMs
      if (distance > clock.maxAheadMs) {
        aheadCount++
        aheadMs = Math.max(aheadMs, distance)
      } else if (distance < -clock.maxAgeMs) oldMs = Math.max(oldMs, -distance)
      else {
        isIn[i] = 1
        held++
      }
    }
    note(ahead, aheadCount, aheadMs)
    note(old, timeMs.length - held - aheadCount, oldMs)
    if (held === 0) continue
    if (held === timeMs.length && clock.shiftMs === 0) kept.push(profile)
    else
      kept.push({
        ...profile,
        timeMs: profile.timeMs + clock.shiftMs,
        samples: pick(profile.samples, isIn, held, clock.shiftMs),
      })
  }
  return { profiles: kept, ahead, old }
}

function pick(samples: SampleTable, isIn: Uint8Array, held: number, shiftMs: number): SampleTable {
  const stack = new Uint32Array(held)
  const labelSet = new Uint32Array(held)
  const value = new Float64Array(held)
  const timeMs = new Float64Array(held)
  let row = 0
  for (let i = 0; i < isIn.length; i++) {
    if (isIn[i] === 0) continue
    stack[row] = samples.stack[i]!
    labelSet[row] = samples.labelSet[i]!
    value[row] = samples.value[i]!
    timeMs[row] = samples.timeMs[i]! + shiftMs
    row++
  }
  return { stack, labelSet, value, timeMs }
}

/** Samples behind a profile: a sampler's counts added up, else its rows. */
export function countSamples({ type, samples }: Profile): number {
  if (type.sampleType !== 'samples' || type.sampleUnit !== 'count') return samples.value.length
  let sum = 0
  for (const value of samples.value) sum += value
  return sum
}

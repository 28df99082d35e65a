// May these samples be stored, by their clock? Far ahead of ours they would outlive retention and are refused. Old ones
// are kept and told of: a recording is as good as the day it was made. A sender whose `Date` differs from our clock by
// more than two minutes has its times shifted by the difference first. Pure: time comes in as numbers.
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
  /** Refused: too far ahead of our clock. */
  readonly ahead: ByClock
  /** Kept, though older than request keys are remembered. */
  readonly old: ByClock
}
export interface ByClock {
  /** Rows, as the sender counts them. */
  readonly samples: number
  /** Profiles that hold at least one of them. */
  readonly profiles: number
  /** Largest distance from our clock, ms. */
  readonly farthestMs: number
}

/** Shifts all sample times, then drops those later than receivedMs + maxAheadMs.
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
  for (const profile of profiles) {
    const { timeMs } = profile.samples
    const weight = sampleWeights(profile)
    const isIn = new Uint8Array(timeMs.length)
    const before = { ahead: ahead.samples, old: old.samples }
    let held = 0
    for (let i = 0; i < timeMs.length; i++) {
      const distanceMs = timeMs[i]! + clock.shiftMs - clock.receivedMs
      if (distanceMs > clock.maxAheadMs) {
        ahead.samples += weight(i)
        ahead.farthestMs = Math.max(ahead.farthestMs, distanceMs)
        continue
      }
      if (-distanceMs > clock.maxAgeMs) {
        old.samples += weight(i)
        old.farthestMs = Math.max(old.farthestMs, -distanceMs)
      }
      isIn[i] = 1
      held++
    }
    if (ahead.samples > before.ahead) ahead.profiles++
    if (old.samples > before.old) old.profiles++
    if (held === 0) continue
    const isSame = held === timeMs.length && clock.shiftMs === 0
    kept.push(
      isSame
        ? profile
        : {
            ...profile,
            timeMs: profile.timeMs + clock.shiftMs,
            samples: pick(profile.samples, isIn, held, clock.shiftMs),
          },
    )
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
export function countSamples(profile: Profile): number {
  const weight = sampleWeights(profile)
  let sum = 0
  for (let i = 0; i < profile.samples.value.length; i++) sum += weight(i)
  return sum
}

/** How many samples a row stands for. */
function sampleWeights({ type, samples }: Profile): (row: number) => number {
  const isCount = type.sampleType === 'samples' && type.sampleUnit === 'count'
  return isCount ? (row) => samples.value[row]! : () => 1
}

// How do the tests of this folder read a Profile? As lists of frames and sums by a key: nothing of the columns' numbering.
// For tests only.
import type { Profile } from '../model/profile.ts'
import type { OtlpLimits } from './otlp-limits.ts'

/** The backend's defaults. */
export const LIMITS: OtlpLimits = {
  profilesPerRequest: 10_000,
  samplesMax: 250_000,
  tableEntries: 4_000_000,
  stackDepth: 1_000,
  stringBytes: 8_192,
  labelNames: 64,
  labelNameBytes: 1_024,
  labelValueBytes: 2_048,
}
export const RECEIVED_MS = Date.UTC(2026, 10, 24, 10)

/** Sums of the samples' values by a key of their row. */
export function sumOf(
  profiles: readonly Profile[],
  key: (profile: Profile, row: number) => string,
): Map<string, number> {
  const sums = new Map<string, number>()
  for (const profile of profiles)
    for (let row = 0; row < profile.samples.stack.length; row++) {
      const text = key(profile, row)
      sums.set(text, (sums.get(text) ?? 0) + profile.samples.value[row]!)
    }
  return sums
}

/** The locations of a stack, leaf first: "inlined|caller kind address". */
export function framesOfStack(profile: Profile, stack: number): string[] {
  const { stacks, locations, lines, functions, strings } = profile
  const frames: string[] = []
  for (let node = stack; node !== 0; node = stacks.parent[node]!) {
    const row = stacks.location[node]!
    const names: string[] = []
    for (let i = locations.lineStart[row]!; i < locations.lineStart[row + 1]!; i++)
      names.push(strings[functions.name[lines.function[i]!]!]!)
    const address = BigInt(locations.addressHigh[row]!) * 2n ** 32n + BigInt(locations.addressLow[row]!)
    frames.push(`${names.join('|')} ${strings[locations.kind[row]!]} ${address}`)
  }
  return frames
}

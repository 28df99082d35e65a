// How do the windows of one recording become one profile? Every table is interned anew, equal samples are added up, the
// span goes from the first start to the last end.
import { ProfileBuilder } from './builder.ts'
import { asId, type FunctionId, type LocationId, NONE, type StackId } from './ids.ts'
import type { Profile } from './profile.ts'
import { printProfileType } from './profile-type.ts'

/** Merges profiles of one type and period.
 *  in   at least one; tables may be shared or not
 *  out  samples of equal stack, label set and time added up, in the order of their first one; rows that no sample uses
 *       are left out
 *  cost O(samples + stacks · depth of what is new).  throws if types or periods differ: values of two are never added */
export function mergeProfiles(profiles: readonly Profile[]): Profile {
  const first = profiles[0]
  if (first === undefined) throw new Error('no profile to merge')
  const builder = new ProfileBuilder()
  const sums = new Map<string, Parameters<ProfileBuilder['sample']>[0]>()
  for (const profile of profiles) {
    if (printProfileType(profile.type) !== printProfileType(first.type) || profile.period !== first.period)
      throw new Error(
        `cannot add ${printProfileType(profile.type)} of period ${profile.period} to ${printProfileType(first.type)} of period ${first.period}`,
      )
    const stackOf = stacksInto(builder, profile)
    const { stack, labelSet, value, timeMs } = profile.samples
    for (let i = 0; i < stack.length; i++) {
      const sample = {
        stack: stackOf(stack[i]!),
        labelSet: builder.labelSet(profile.labelSets[labelSet[i]!]!),
        timeMs: timeMs[i]!,
      }
      const key = `${sample.stack} ${sample.labelSet} ${sample.timeMs}`
      sums.set(key, { ...sample, value: (sums.get(key)?.value ?? 0) + value[i]! })
    }
  }
  for (const sample of sums.values()) builder.sample(sample)
  const timeMs = Math.min(...profiles.map((profile) => profile.timeMs))
  const endMs = Math.max(...profiles.map((profile) => profile.timeMs + profile.durationMs))
  return builder.build({ type: first.type, period: first.period, timeMs, durationMs: endMs - timeMs })
}

/** Ids of one profile's stacks in the builder, each copied when it is first asked for. */
function stacksInto(builder: ProfileBuilder, profile: Profile): (stack: number) => StackId {
  const { strings, functions, mappings, locations, lines, stacks } = profile
  const known = new Int32Array(stacks.parent.length).fill(NONE)
  known[0] = 0
  const knownLocations = new Int32Array(locations.mapping.length).fill(NONE)
  const text = (row: number) => strings[row]!

  function functionOf(row: number): FunctionId {
    return builder.function({
      name: text(functions.name[row]!),
      systemName: text(functions.systemName[row]!),
      file: text(functions.file[row]!),
      startLine: functions.startLine[row]!,
    })
  }

  function locationOf(row: number): LocationId {
    if (knownLocations[row] !== NONE) return asId(knownLocations[row]!)
    const mapping = locations.mapping[row]!
    const calls = []
    for (let i = locations.lineStart[row]!; i < locations.lineStart[row + 1]!; i++)
      calls.push({ function: functionOf(lines.function[i]!), line: lines.line[i]! })
    const id = builder.location({
      mapping:
        mapping === NONE
          ? NONE
          : builder.mapping({
              file: text(mappings.file[mapping]!),
              buildId: text(mappings.buildId[mapping]!),
            }),
      addressHigh: locations.addressHigh[row]!,
      addressLow: locations.addressLow[row]!,
      kind: text(locations.kind[row]!),
      lines: calls,
    })
    knownLocations[row] = id
    return id
  }

  return (stack) => {
    const missing: number[] = []
    for (let node = stack; known[node] === NONE; node = stacks.parent[node]!) missing.push(node)
    for (const node of missing.reverse())
      known[node] = builder.stack(asId(known[stacks.parent[node]!]!), locationOf(stacks.location[node]!))
    return asId(known[stack]!)
  }
}

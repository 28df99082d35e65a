import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { arbProfile } from '../testing/arbitrary.ts'
import { drawTree, profileFromText } from '../testing/draw.ts'
import { buildTreeOfProfile } from '../tree/build.ts'
import { mergeTrees } from '../tree/merge.ts'
import { labelsText } from './labels.ts'
import { mergeProfiles } from './merge-profiles.ts'
import { assertProfile, type Profile } from './profile.ts'

/** Samples as text, equal ones added up: what a profile says, whatever the order of its tables. */
function meaning({ samples, stacks, locations, lines, functions, mappings, labelSets, strings }: Profile) {
  const sums = new Map<string, number>()
  const frame = (row: number) => {
    const mapping = locations.mapping[row]!
    const calls = []
    for (let i = locations.lineStart[row]!; i < locations.lineStart[row + 1]!; i++) {
      const id = lines.function[i]!
      const texts = [functions.name, functions.systemName, functions.file].map(
        (column) => strings[column[id]!],
      )
      calls.push([...texts, functions.startLine[id], lines.line[i]])
    }
    const place =
      mapping === -1 ? [] : [strings[mappings.file[mapping]!], strings[mappings.buildId[mapping]!]]
    return [
      place,
      locations.addressHigh[row],
      locations.addressLow[row],
      strings[locations.kind[row]!],
      calls,
    ]
  }
  for (let i = 0; i < samples.stack.length; i++) {
    const path = []
    for (let node = samples.stack[i]!; node !== 0; node = stacks.parent[node]!)
      path.push(frame(stacks.location[node]!))
    const key = JSON.stringify([path, labelsText(labelSets[samples.labelSet[i]!]!), samples.timeMs[i]])
    sums.set(key, (sums.get(key) ?? 0) + samples.value[i]!)
  }
  return [...sums].sort()
}

describe('merged profiles', () => {
  it('hold what each held, equal stacks added up, over the whole span', () => {
    const merged = mergeProfiles([
      profileFromText('main main\nread work\n3    4', { timeMs: 1000, durationMs: 500 }),
      profileFromText('main main\nwork idle\n5    6', { timeMs: 1000, durationMs: 2000 }),
    ])
    assertProfile(merged)
    expect(drawTree(buildTreeOfProfile(merged))).toBe(
      drawTree(buildTreeOfProfile(profileFromText('main main main\nread work idle\n3    9    6'))),
    )
    expect([merged.samples.stack.length, merged.timeMs, merged.durationMs]).toEqual([3, 1000, 2000])
  })

  it('law: one profile stays what it is', () => {
    fc.assert(
      fc.property(arbProfile(), (profile) => {
        const merged = mergeProfiles([profile])
        assertProfile(merged)
        expect(meaning(merged)).toEqual(meaning(profile))
        expect(meaning(mergeProfiles([merged]))).toEqual(meaning(profile))
      }),
    )
  })

  it('law: the tree of the merged is the merged trees', () => {
    fc.assert(
      fc.property(fc.array(arbProfile(), { minLength: 1, maxLength: 4 }), (profiles) => {
        const merged = mergeProfiles(profiles)
        expect(drawTree(buildTreeOfProfile(merged))).toBe(
          drawTree(mergeTrees(profiles.map(buildTreeOfProfile))),
        )
      }),
    )
  })

  it('refuses to add what is not of one type', () => {
    const one = profileFromText('main')
    expect(() => mergeProfiles([one, { ...one, period: 1 }])).toThrow('cannot add')
    expect(() => mergeProfiles([])).toThrow('no profile')
  })
})

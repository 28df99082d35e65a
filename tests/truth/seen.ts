// Which stacks did a recording see of one program? Out of the Profile that the agent wrote, by the name of the thread.
import { NONE } from '#profile/model/ids'
import { labelValue } from '#profile/model/labels'
import type { Profile } from '#profile/model/profile'
import { isAddressName } from '#profile/tree/frame-trie'
import type { SeenStack } from './check.ts'
import type { Frame } from './pattern.ts'

/** Stacks of all threads of a name, equal ones added up: user frames root first, inlined ones too. Kernel frames are left
 *  out: what the kernel does on top of a program is no business of its own stack.
 *  in   keep  of interpreted programs: the frames that are compared
 *  cost O(stacks × depth) */
export function stacksOf(profile: Profile, comm: string, keep?: (frame: Frame) => boolean): SeenStack[] {
  const found = new Map<string, { frames: Frame[]; samples: number }>()
  const { stack, labelSet, value } = profile.samples
  for (let i = 0; i < stack.length; i++) {
    if (labelValue(profile.labelSets[labelSet[i]!]!, 'comm') !== comm) continue
    const all = userFrames(profile, stack[i]!)
    const frames = keep === undefined ? all : all.filter(keep)
    const key = JSON.stringify(frames.map(({ name, binary }) => [name, binary]))
    const known = found.get(key)
    if (known === undefined) found.set(key, { frames, samples: value[i]! })
    else known.samples += value[i]!
  }
  return [...found.values()]
}

function userFrames(profile: Profile, leaf: number): Frame[] {
  const { stacks, locations, lines, functions, mappings, strings } = profile
  const frames: Frame[] = []
  for (let node = leaf; node !== 0; node = stacks.parent[node]!) {
    const row = stacks.location[node]!
    if (strings[locations.kind[row]!] === 'kernel') continue
    const mapping = locations.mapping[row]!
    const binary = mapping === NONE ? '' : strings[mappings.file[mapping]!]!
    const [first, after] = [locations.lineStart[row]!, locations.lineStart[row + 1]!]
    for (let i = first; i < after; i++) {
      const name = strings[functions.name[lines.function[i]!]!]!
      frames.push({ name: isAddressName(name) ? '' : name, binary })
    }
    if (first === after) frames.push({ name: '', binary })
  }
  return frames.reverse()
}

// How much does a profile hold, and of what? Values in the unit in which a store would keep them, and how many samples they
// stand for, which decides what is chance.
import type { Profile } from '#profile/model/profile'
import { CPU, type ProfileType, printProfileType, storedType } from '#profile/model/profile-type'
import { buildTreeOfProfile } from '#profile/tree/build'
import type { CallTree } from '#profile/tree/call-tree'

export interface SampledProfile {
  readonly type: ProfileType
  readonly tree: CallTree
  /** undefined: the profile does not say; bytes, for one, are no samples. */
  readonly samples: number | undefined
}

/** cost one fold */
export function sampledProfile(profile: Profile): SampledProfile {
  const { type, scale } = storedType(profile.type, profile.period)
  const value = profile.samples.value.map((one) => one * scale)
  const tree = buildTreeOfProfile({ ...profile, samples: { ...profile.samples, value } })
  return { type, tree, samples: samplesOf(type, profile.period, tree.total[0]!) }
}

function samplesOf(type: ProfileType, period: number, total: number): number | undefined {
  if (printProfileType(type) === printProfileType(CPU))
    return period > 0 ? Math.round(total / period) : undefined
  return type.sampleType === 'samples' && type.sampleUnit === 'count' ? Math.round(total) : undefined
}

// How does a query's answer become a profile, for files that hold stacks? The type of the answer, its range as the window,
// and the period that makes its values the number of samples it stands for.
import type { Labels } from '../model/labels.ts'
import type { Profile } from '../model/profile.ts'
import { parseProfileType, printProfileType } from '../model/profile-type.ts'
import { failure, type Result, success } from '../model/result.ts'
import type { CallTree } from '../tree/call-tree.ts'
import { profileOfTree } from '../tree/profile-of-tree.ts'
import type { AnswerMeta } from './query-api.ts'

/** In  tree  upright, as /flame gives it
 *  out  one sample a stack, at the start of the range; period in nanoseconds for CPU time, else 0
 *  errors  a type that is no profile type */
export function profileOfAnswer(
  tree: CallTree,
  meta: Pick<AnswerMeta, 'type' | 'fromMs' | 'toMs' | 'samples'>,
  labels: Labels = [],
): Result<Profile> {
  const type = parseProfileType(meta.type)
  if (type === undefined) return failure(`its type ${JSON.stringify(meta.type.slice(0, 100))} is none`)
  const isCpu = printProfileType(type) === printProfileType(parseProfileType('cpu')!)
  const period = isCpu && meta.samples > 0 ? Math.round(tree.total[0]! / meta.samples) : 0
  const head = { type, period, timeMs: meta.fromMs, durationMs: meta.toMs - meta.fromMs }
  return success(profileOfTree(tree, head, labels))
}

// One profile type, one selector, one range: which call tree is that? Each file of the store folds on its own trie of
// frames; the trees merge by function, and labels asked for become the first levels.
import { printProfileType } from '#profile/model/profile-type'
import { buildTree } from '#profile/tree/build'
import type { CallTree } from '#profile/tree/call-tree'
import { groupTrees } from '#profile/tree/group'
import { mergeTrees } from '#profile/tree/merge'
import { qualityOf } from '#profile/tree/quality'
import type { AnswerMeta } from '#profile/wire/query-api'
import type { Store } from '../store/store.ts'
import { lostShareOf } from './lost-share.ts'
import type { Question } from './question.ts'

/** Series of the sample profile, which stands in where no agent can run, carry this label. */
const SAMPLE_PROFILE_LABEL = 'flametrail_sample_profile'

export interface SampledTree {
  /** Whole: nothing folded, nothing left out. */
  readonly tree: CallTree
  /** What every answer says of it; nodes and time are the caller's. */
  readonly meta: Omit<AnswerMeta, 'nodes' | 'tookMs'>
}

/** cost one fold per file, one merge; the fold of a file is O(its touched nodes) */
export async function sampledTree(
  store: Store,
  question: Question,
  groupBy: readonly string[] = [],
): Promise<SampledTree> {
  const [sums, sampleProfile, lost] = await Promise.all([
    store.stackSums({ ...question, groupBy }),
    hasSampleProfile(store, question),
    lostShareOf(store, question),
  ])
  const groups = sums.value.flatMap(({ trie, groups }) =>
    groups.map(({ values, node, sum, samples }) => ({
      path: values.map((value, i) => (value === '' ? `(no ${groupBy[i]})` : value)),
      tree: buildTree({ trie, node, sum }),
      samples,
    })),
  )
  const trees = groups.map(({ tree }) => tree)
  const samples = groups.reduce((sum, group) => sum + group.samples, 0)
  return {
    // One file's tree is whole already: merging a million nodes with nothing takes a third of a second.
    tree: groupBy.length > 0 ? groupTrees(groups) : trees.length === 1 ? trees[0]! : mergeTrees(trees),
    meta: {
      type: printProfileType(question.type),
      unit: question.type.sampleUnit,
      fromMs: question.fromMs,
      toMs: question.toMs,
      samples: Math.round(samples),
      ...qualityOf(trees),
      ...(lost === undefined ? {} : { lost }),
      sampleProfile,
      coverage: { unreadable: sums.unreadable },
    },
  }
}

export async function hasSampleProfile(store: Store, question: Question): Promise<boolean> {
  const { value } = await store.series({
    ...question,
    matchers: [...question.matchers, { name: SAMPLE_PROFILE_LABEL, operator: '=', value: 'true' }],
  })
  return value.length > 0
}

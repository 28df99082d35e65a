// What changed between two questions? Two call trees over one set of nodes, absolute sums on both sides, baseline first;
// how to scale them is the reader's choice.
import { printProfileType } from '#profile/model/profile-type'
import { diffTrees } from '#profile/tree/diff'
import { invertDiff } from '#profile/tree/invert'
import { pruneDiff } from '#profile/tree/prune'
import { subtreeOfDiff } from '#profile/tree/subtree'
import type { DiffAnswer } from '#profile/wire/query-api'
import { diffToJson } from '#profile/wire/tree-answer'
import { ServiceError } from '../errors.ts'
import { type Asked, checkNodes, countFolded, cutAt } from './profile-query.ts'
import type { ParsedDiff } from './query-service.ts'
import { parseQuestion } from './question.ts'
import { sampledTree } from './sampled-tree.ts'

export async function diff(request: ParsedDiff, asked: Asked): Promise<DiffAnswer> {
  checkNodes(request.maxNodes, asked.limits)
  const baselineQuestion = parseQuestion(request.baseline, asked.nowMs)
  const comparisonQuestion = parseQuestion(request.comparison, asked.nowMs)
  const types = [baselineQuestion, comparisonQuestion].map(({ type }) => printProfileType(type))
  if (types[0] !== types[1])
    throw new ServiceError(
      'invalid',
      `baseline is ${types[0]} and comparison is ${types[1]}; only values of one profile type can be compared`,
      { key: 'type' },
    )
  const baseline = await sampledTree(asked.store, baselineQuestion)
  const comparison = await sampledTree(asked.store, comparisonQuestion)
  const whole = diffTrees({ baseline: baseline.tree, comparison: comparison.tree })
  const { tree, folded } = trim(whole, request, asked)
  const nodes = { sent: tree.depth.length, folded }
  const tookMs = asked.tookMs()
  return diffToJson(tree, {
    baseline: { ...baseline.meta, nodes, tookMs },
    comparison: { ...comparison.meta, nodes, tookMs },
  })
}

function trim(whole: ReturnType<typeof diffTrees>, request: ParsedDiff, { limits }: Asked) {
  const { view, path, maxNodes } = request
  if (view === 'iceberg' && path.length === 0) {
    const tree = invertDiff(whole, { maxNodes })
    return { tree, folded: countFolded(tree) }
  }
  const upright = view === 'iceberg' ? invertDiff(whole, { maxNodes: limits.maxNodes }) : whole
  const { tree, foldedNodes } = pruneDiff(cutAt(subtreeOfDiff, upright, path), maxNodes)
  return { tree, folded: foldedNodes }
}

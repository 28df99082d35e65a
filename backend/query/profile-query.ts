// How do a flame graph and an iceberg come to be? The tree of the samples, cut at the path asked for, then at most as many
// nodes as one can look at.
import type { CallTree } from '#profile/tree/call-tree'
import { invertTree } from '#profile/tree/invert'
import { pruneTree } from '#profile/tree/prune'
import { subtreeAt } from '#profile/tree/subtree'
import type { TreeAnswer } from '#profile/wire/query-api'
import { treeToJson } from '#profile/wire/tree-answer'
import { ServiceError } from '../errors.ts'
import type { Limits } from '../limits.ts'
import type { Store } from '../store/store.ts'
import type { ParsedTree } from './query-service.ts'
import { parseQuestion } from './question.ts'
import { type SampledTree, sampledTree } from './sampled-tree.ts'

/** What every query needs beside its request. */
export interface Asked {
  readonly store: Store
  readonly limits: Limits
  readonly nowMs: number
  /** Milliseconds since the question came. */
  readonly tookMs: () => number
}

export async function flame(request: ParsedTree, asked: Asked): Promise<TreeAnswer> {
  checkNodes(request.maxNodes, asked.limits)
  const sampled = await sampledTree(asked.store, parseQuestion(request, asked.nowMs), request.groupBy)
  const cut = cutAt(subtreeAt, sampled.tree, request.path)
  const { tree, foldedNodes } = pruneTree(cut, request.maxNodes)
  return answer(tree, foldedNodes, sampled, asked)
}

export async function iceberg(request: ParsedTree, asked: Asked): Promise<TreeAnswer> {
  checkNodes(request.maxNodes, asked.limits)
  const sampled = await sampledTree(asked.store, parseQuestion(request, asked.nowMs), request.groupBy)
  if (request.path.length === 0) {
    const tree = invertTree(sampled.tree, { maxNodes: request.maxNodes })
    return answer(tree, countFolded(tree), sampled, asked)
  }
  // What a path leads to may be light, so the iceberg is opened as far as any answer may be, then cut, then pruned.
  const whole = invertTree(sampled.tree, { maxNodes: asked.limits.maxNodes })
  const { tree, foldedNodes } = pruneTree(cutAt(subtreeAt, whole, request.path), request.maxNodes)
  return answer(tree, foldedNodes, sampled, asked)
}

/** Throws ServiceError `not_found` if the tree has no such path. */
export function cutAt<Tree>(
  subtree: (tree: Tree, path: readonly string[]) => Tree | undefined,
  tree: Tree,
  path: readonly string[],
): Tree {
  const cut = subtree(tree, path)
  if (cut !== undefined) return cut
  const shown = path.slice(-3).join(' > ').slice(0, 200)
  throw new ServiceError(
    'not_found',
    `no stack of this answer begins with the path of ${path.length} frames that ends in ${shown}; ` +
      'ask without path, or with one from an answer for the same range',
    { key: 'path' },
  )
}

/** Throws ServiceError `limit`. */
export function checkNodes(maxNodes: number, limits: Limits): void {
  if (maxNodes <= limits.maxNodes) return
  throw new ServiceError(
    'limit',
    `maxNodes is ${maxNodes}; at most ${limits.maxNodes} are allowed. Ask for fewer or raise limits.maxNodes`,
    { key: 'limits.maxNodes', limit: limits.maxNodes, got: maxNodes },
  )
}

export const countFolded = ({ folded }: { readonly folded?: Uint32Array }): number =>
  folded === undefined ? 0 : folded.reduce((sum, count) => sum + count, 0)

function answer(tree: CallTree, folded: number, sampled: SampledTree, asked: Asked): TreeAnswer {
  const nodes = { sent: tree.depth.length, folded }
  return treeToJson(tree, { ...sampled.meta, nodes, tookMs: asked.tookMs() })
}

// Is this a call tree at all? The relations that call-tree.ts promises, for builders of ours and for tests. What comes over
// the wire is checked where it is read (wire/tree-answer.ts), with a sentence instead of an exception.
import { parentsOf } from './ancestry.ts'
import type { CallTree, DiffTree } from './call-tree.ts'
import { isFoldedFrame } from './frame-table.ts'
import { type Shape, type Side, sidesOf } from './sides.ts'

export interface Expected {
  /** Order of siblings: by name, file, mapping; by total, falling; or any. */
  readonly siblings?: 'by frame' | 'by total'
}

/** Throws if a relation between the columns is broken; totals may differ from their sums by rounding. cost O(nodes) */
export function assertCallTree(tree: CallTree, expected: Expected = {}): void {
  assertTree(tree, sidesOf(tree), expected)
}

/** As assertCallTree; and no node but the root is zero on both sides. */
export function assertDiffTree(tree: DiffTree, expected: Expected = {}): void {
  assertTree(tree, sidesOf(tree), expected)
}

function holds(truth: boolean, relation: string): asserts truth {
  if (!truth) throw new Error(`call tree is broken: ${relation}`)
}

function assertTree(shape: Shape, sides: readonly Side[], { siblings }: Expected): void {
  const { frames, depth, frame, folded } = shape
  const n = depth.length
  const frameCount = frames.name.length
  holds(n >= 1 && depth[0] === 0 && frame[0] === 0, 'node 0 must be the root, depth 0 and frame 0')
  for (const column of [frames.file, frames.mapping, frames.kind])
    holds(column.length === frameCount, `columns of frames have ${column.length} and ${frameCount} rows`)
  const columns = [frame, ...sides.flatMap(({ self, total }) => [self, total]), ...(folded ? [folded] : [])]
  for (const column of columns) holds(column.length === n, `columns have ${column.length} and ${n} rows`)
  for (let i = 1; i < n; i++) {
    holds(
      depth[i]! >= 1 && depth[i]! <= depth[i - 1]! + 1,
      `depth ${depth[i]} follows ${depth[i - 1]} at ${i}`,
    )
    holds(frame[i]! > 0 && frame[i]! < frameCount, `frame[${i}] = ${frame[i]} of ${frameCount}`)
    if ((folded?.[i] ?? 0) > 0)
      holds(isFoldedFrame(frames, frame[i]!), `folded node ${i} has a name of its own`)
    holds(
      sides.some(({ total }) => total[i]! > 0),
      `node ${i} has no total`,
    )
  }
  const parent = parentsOf(depth)
  for (const side of sides) assertSums(side, parent)
  assertSiblings({ shape, sides, parent, siblings })
}

function assertSums({ self, total }: Side, parent: Int32Array): void {
  const sum = Float64Array.from(self)
  for (let i = parent.length - 1; i > 0; i--) sum[parent[i]!]! += sum[i]!
  for (let i = 0; i < sum.length; i++) {
    holds(self[i]! >= 0, `self[${i}] = ${self[i]}`)
    holds(
      Math.abs(sum[i]! - total[i]!) <= 1e-9 * total[i]!,
      `total[${i}] = ${total[i]}, its parts make ${sum[i]}`,
    )
  }
}

interface Siblings {
  readonly shape: Shape
  readonly sides: readonly Side[]
  readonly parent: Int32Array
  readonly siblings: Expected['siblings']
}

function assertSiblings({ shape: { frames, frame }, sides, parent, siblings }: Siblings): void {
  const before = new Int32Array(parent.length).fill(-1) // the sibling seen last, by parent
  const seen = new Set<number>()
  for (let i = 1; i < parent.length; i++) {
    const key = parent[i]! * frames.name.length + frame[i]!
    holds(!seen.has(key), `two children of ${parent[i]} have frame ${frame[i]}`)
    seen.add(key)
    const last = before[parent[i]!]!
    before[parent[i]!] = i
    if (last < 0 || siblings === undefined) continue
    const isFolded = isFoldedFrame(frames, frame[i]!)
    holds(!isFoldedFrame(frames, frame[last]!), `a folded node stands before its sibling ${i}`)
    if (isFolded) continue
    if (siblings === 'by frame')
      holds(isBefore(last, i), `node ${i} stands behind ${last}, against their names`)
    else holds(sides[0]!.total[last]! >= sides[0]!.total[i]!, `node ${i} is heavier than ${last} before it`)
  }

  function isBefore(one: number, other: number): boolean {
    const text = (node: number) =>
      [frames.name, frames.file, frames.mapping].map((column) => column[frame[node]!]!)
    const [a, b] = [text(one), text(other)]
    const different = a.findIndex((part, k) => part !== b[k])
    return different >= 0 && a[different]! < b[different]!
  }
}

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { arbTree } from '../testing/arbitrary.ts'
import { drawDiff, drawTree, treeFromDrawing, treeFromStacks } from '../testing/draw.ts'
import { naivePrune, stacksOfTree, tidy } from '../testing/naive.ts'
import { outdent } from '../testing/outdent.ts'
import { assertCallTree, assertDiffTree } from './assert-tree.ts'
import { emptyTree } from './build.ts'
import { diffTrees } from './diff.ts'
import { invertTree } from './invert.ts'
import { pruneDiff, pruneTree } from './prune.ts'

const tree = treeFromDrawing(`
  main 12
  read 6                  work 5          zip 1
  cache 1  disk 4         hash 2  sum 1
`)

describe('pruneTree', () => {
  it('keeps the heaviest nodes and folds the rest of each parent into one exact child', () => {
    const pruned = pruneTree(tree, 5)
    expect(drawTree(pruned.tree)).toBe(
      outdent(`
        main 12
        read 6                work 5        (folded:1) 1
        disk 4  (folded:1) 1  (folded:2) 3
      `),
    )
    expect(pruned.foldedNodes).toBe(4)
  })

  it('gives the tree itself when everything fits', () => {
    expect(pruneTree(tree, 9)).toEqual({ tree, foldedNodes: 0 })
  })

  it('cuts a chain of equal values at the bound', () => {
    const chain = treeFromStacks(Array.from({ length: 3_000 }, (_, i) => `f${i}`).join('\n'))
    const pruned = pruneTree(chain, 4)
    expect(drawTree(pruned.tree)).toBe('f0 1\nf1 1\nf2 1\n(folded:2997) 1')
  })

  it('leaves the root alone with one folded child at a bound of 1', () => {
    expect(drawTree(pruneTree(tree, 1).tree)).toBe('(folded:8) 12')
  })

  it('keeps an inverted tree in its order, folded boxes last', () => {
    const iceberg = treeFromDrawing('z 5  b 4  a 3')
    expect(drawTree(pruneTree(iceberg, 3).tree)).toBe('z 5  b 4  (folded:1) 3')
  })

  it('folds what was folded before into the new rest', () => {
    const once = treeFromDrawing('a 5  b 4  (folded:7) 3')
    expect(drawTree(pruneTree(once, 2).tree)).toBe('a 5  (folded:8) 7')
  })

  it('refuses a bound that leaves no root', () => {
    for (const bound of [0, -1, Number.NaN])
      expect(() => pruneTree(emptyTree(), bound)).toThrow(
        `maxNodes is ${bound}; at least 1 is needed, the root`,
      )
  })

  it('equals the naive one at any bound: total kept, self values add up, nothing but heavy nodes stays', () => {
    fc.assert(
      fc.property(arbTree(), fc.integer({ min: 1, max: 20 }), (whole, maxNodes) => {
        const pruned = pruneTree(whole, maxNodes)
        assertCallTree(pruned.tree, { siblings: 'by frame' })
        expect(pruned.tree.total[0]).toBe(whole.total[0])
        expect(pruned.tree.self.reduce((sum, self) => sum + self, 0)).toBe(whole.total[0])
        expect(tidy(stacksOfTree(pruned.tree))).toEqual(naivePrune(stacksOfTree(whole), maxNodes))
        const kept = pruned.tree.depth.length - (pruned.tree.folded?.filter((count) => count > 0).length ?? 0)
        expect(kept).toBe(Math.min(maxNodes, whole.depth.length))
        expect(kept + pruned.foldedNodes).toBe(whole.depth.length)
      }),
    )
  })

  it('keeps the total of an iceberg, and pruning again to the same bound changes no kept node', () => {
    fc.assert(
      fc.property(arbTree(), fc.integer({ min: 1, max: 20 }), (whole, maxNodes) => {
        const once = pruneTree(invertTree(whole), maxNodes).tree
        assertCallTree(once, { siblings: 'by total' })
        expect(once.total[0]).toBe(whole.total[0])
        expect(pruneTree(once, once.depth.length).tree).toBe(once)
      }),
    )
  })
})

describe('pruneDiff', () => {
  it('keeps what is large on either side', () => {
    const diff = diffTrees({
      baseline: treeFromDrawing('a 90  b 9  c 1'),
      comparison: treeFromDrawing('a 2  b 1  c 7'),
    })
    expect(drawDiff(pruneDiff(diff, 3).tree)).toBe('a 90→2  c 1→7  (folded:1) 9→1')
  })

  it('keeps both totals at any bound', () => {
    fc.assert(
      fc.property(arbTree(), arbTree(), fc.integer({ min: 1, max: 20 }), (baseline, comparison, maxNodes) => {
        const diff = diffTrees({ baseline, comparison })
        const pruned = pruneDiff(diff, maxNodes)
        assertDiffTree(pruned.tree, { siblings: 'by frame' })
        expect(pruned.tree.baselineTotal[0]).toBe(baseline.total[0])
        expect(pruned.tree.comparisonTotal[0]).toBe(comparison.total[0])
        const kept = pruned.tree.depth.length - (pruned.tree.folded?.filter((count) => count > 0).length ?? 0)
        expect(kept).toBe(Math.min(maxNodes, diff.depth.length))
      }),
    )
  })
})

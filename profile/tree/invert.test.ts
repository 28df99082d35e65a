// Start here. Stacks are columns of text, root on top; a tree is rows of boxes, each over its children.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { arbTree } from '../testing/arbitrary.ts'
import { drawDiff, drawTree, treeFromDrawing, treeFromStacks } from '../testing/draw.ts'
import { naiveInvert, naiveTotals, stacksOfDiff, stacksOfTree, tidy } from '../testing/naive.ts'
import { outdent } from '../testing/outdent.ts'
import { assertCallTree, assertDiffTree } from './assert-tree.ts'
import { emptyTree } from './build.ts'
import type { CallTree } from './call-tree.ts'
import { diffTrees } from './diff.ts'
import { invertDiff, invertTree } from './invert.ts'
import { mergeTrees } from './merge.ts'
import { pruneTree } from './prune.ts'

describe('invertTree', () => {
  it('makes leaf functions the roots, widest first, and hangs their callers on them', () => {
    const tree = treeFromStacks(`
      main main main main main
      read read read work work
      disk disk
    `)
    expect(drawTree(tree)).toBe(
      outdent(`
        main 5
        read 3  work 2
        disk 2
      `),
    )
    expect(drawTree(invertTree(tree))).toBe(
      outdent(`
        disk 2  work 2  read 1
        read 2  main 2  main 1
        main 2
      `),
    )
  })

  it('joins one function called from several places into one root', () => {
    const tree = treeFromStacks(`
      main main   main
      json gzip   json
      copy copy   copy
    `)
    expect(drawTree(invertTree(tree))).toBe(
      outdent(`
        copy 3
        json 2  gzip 1
        main 2  main 1
      `),
    )
  })

  it('counts recursion once per base function', () => {
    const tree = treeFromStacks(`
      a a
      b a
      a
      3 1
    `)
    expect(drawTree(invertTree(tree))).toBe(
      outdent(`
        a 4
        b 3  a 1
        a 3
      `),
    )
  })

  it('leaves samples of the empty stack with the root', () => {
    expect(drawTree(invertTree(treeFromDrawing('a 2  ∅ 3')))).toBe('a 2  ∅ 3')
  })

  it('keeps the heaviest boxes when there is room for few, and folds the exact rest', () => {
    const tree = treeFromStacks(`
      main main main idle
      read read work
      disk copy
      8    4    2    1
    `)
    expect(drawTree(invertTree(tree, { maxNodes: 5 }))).toBe(
      outdent(`
        disk 8  copy 4        (folded:2) 3
        read 8  (folded:1) 4
        main 8
      `),
    )
  })

  it('joins what it folds with what was folded before, in one box', () => {
    const tree = treeFromDrawing(`
      main 9
      a 5  b 3  (folded:7) 1
    `)
    expect(drawTree(invertTree(tree, { maxNodes: 2 }))).toBe(
      outdent(`
        a 5           (folded:8) 4
        (folded:1) 5
      `),
    )
    expect(drawTree(invertTree(tree))).toBe(
      outdent(`
        a 5     b 3     (folded:7) 1
        main 5  main 3  main 1
      `),
    )
  })

  it('inverts the empty tree to the empty tree', () => {
    expect(invertTree(emptyTree())).toEqual(emptyTree())
  })

  it('inverts a chain of 5,000 calls of one function', () => {
    const deep = treeFromStacks(Array.from({ length: 5_000 }, () => 'f').join('\n'))
    expect(invertTree(deep)).toEqual(deep)
    expect(drawTree(invertTree(deep, { maxNodes: 3 }))).toBe('f 1\nf 1\n(folded:1) 1')
  })

  it('refuses a bound below the root', () => {
    expect(() => invertTree(emptyTree(), { maxNodes: 0 })).toThrow(
      'maxNodes is 0; at least 1 is needed, the root',
    )
  })

  it('equals reversing every stack', () => {
    fc.assert(
      fc.property(arbTree(), (tree) => {
        const inverted = invertTree(tree)
        assertCallTree(inverted, { siblings: 'by total' })
        expect(tidy(stacksOfTree(inverted))).toEqual(naiveInvert(stacksOfTree(tree)))
      }),
    )
  })

  it('gives the stacks back when done twice', () => {
    fc.assert(
      fc.property(arbTree(), (tree) => {
        expect(mergeTrees([invertTree(invertTree(tree))])).toEqual(tree)
      }),
    )
  })

  it('keeps the total, the bound, and exact totals of all boxes shown, at any bound', () => {
    fc.assert(
      fc.property(arbTree(), fc.integer({ min: 1, max: 30 }), (tree, maxNodes) => {
        const bounded = invertTree(tree, { maxNodes })
        assertCallTree(bounded, { siblings: 'by total' })
        expect(bounded.total[0]).toBe(tree.total[0])
        const whole = new Map(
          naiveTotals(stacksOfTree(invertTree(tree))).map(({ path, value }) => [path.join(), value]),
        )
        const shown = naiveTotals(stacksOfTree(bounded)).filter(
          ({ path }) => !(path.at(-1) ?? '').startsWith('(folded)'),
        )
        expect(shown.length).toBeLessThanOrEqual(maxNodes)
        for (const { path, value } of shown) expect(whole.get(path.join())).toBe(value)
        // The boxes are the heaviest of all: what trimming the whole iceberg would have left.
        const weights = (of: CallTree) =>
          [...of.total]
            .filter((_, node) => of.frames.name[of.frame[node]!] !== '(folded)')
            .sort((a, b) => a - b)
        expect(weights(bounded)).toEqual(weights(pruneTree(invertTree(tree), maxNodes).tree))
      }),
    )
  })

  it('stays exact on a tree that was trimmed before', () => {
    fc.assert(
      fc.property(arbTree(), fc.integer({ min: 1, max: 9 }), (tree, maxNodes) => {
        const pruned = pruneTree(tree, maxNodes).tree
        const inverted = invertTree(pruned, { maxNodes })
        assertCallTree(inverted, { siblings: 'by total' })
        expect(inverted.total[0]).toBe(tree.total[0])
      }),
    )
  })
})

describe('invertDiff', () => {
  it('keeps both sides, sorted by the mean of their shares', () => {
    const diff = diffTrees({
      baseline: treeFromDrawing(`
        main 10
        read 6  work 4
      `),
      comparison: treeFromDrawing(`
        main 100
        read 20  work 80
      `),
    })
    expect(drawDiff(invertDiff(diff))).toBe(
      outdent(`
        work 4→80  read 6→20
        main 4→80  main 6→20
      `),
    )
    expect(drawDiff(invertDiff(diff, { maxNodes: 2 }))).toBe(
      outdent(`
        work 4→80        (folded:1) 6→20
        (folded:1) 4→80
      `),
    )
  })

  it('equals the diff of both icebergs', () => {
    fc.assert(
      fc.property(arbTree(), arbTree(), (baseline, comparison) => {
        const inverted = invertDiff(diffTrees({ baseline, comparison }))
        assertDiffTree(inverted)
        const sides = stacksOfDiff(inverted)
        expect(tidy(sides.baseline)).toEqual(naiveInvert(stacksOfTree(baseline)))
        expect(tidy(sides.comparison)).toEqual(naiveInvert(stacksOfTree(comparison)))
      }),
    )
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { arbTree } from '../testing/arbitrary.ts'
import { drawDiff, treeFromDrawing } from '../testing/draw.ts'
import { stacksOfDiff, stacksOfTree, tidy } from '../testing/naive.ts'
import { outdent } from '../testing/outdent.ts'
import { assertDiffTree } from './assert-tree.ts'
import { emptyTree } from './build.ts'
import { diffTrees } from './diff.ts'

describe('diffTrees', () => {
  it('shows both sides of every node, the new and the gone ones too', () => {
    const baseline = treeFromDrawing(`
      main 10
      read 6  work 4
      disk 5
    `)
    const comparison = treeFromDrawing(`
      main 21
      gzip 1  work 20
    `)
    expect(drawDiff(diffTrees({ baseline, comparison }))).toBe(
      outdent(`
        main 10→21
        gzip 0→1  read 6→0  work 4→20
                  disk 5→0
      `),
    )
  })

  it('keeps folded counts of both sides in one box', () => {
    const side = treeFromDrawing('a 2  (folded:3) 1')
    expect([...diffTrees({ baseline: side, comparison: side }).folded!]).toEqual([0, 0, 6])
  })

  it('of a tree and itself has equal sides', () => {
    fc.assert(
      fc.property(arbTree(), (tree) => {
        const diff = diffTrees({ baseline: tree, comparison: tree })
        assertDiffTree(diff, { siblings: 'by frame' })
        expect(diff.baselineSelf).toEqual(tree.self)
        expect(diff.comparisonSelf).toEqual(tree.self)
        expect(diff.comparisonTotal).toEqual(diff.baselineTotal)
        expect(diff.frames).toEqual(tree.frames)
      }),
    )
  })

  it('swaps its columns when the sides are swapped, and changes nothing else', () => {
    fc.assert(
      fc.property(arbTree(), arbTree(), (one, other) => {
        const diff = diffTrees({ baseline: one, comparison: other })
        expect(diffTrees({ baseline: other, comparison: one })).toEqual({
          ...diff,
          baselineSelf: diff.comparisonSelf,
          baselineTotal: diff.comparisonTotal,
          comparisonSelf: diff.baselineSelf,
          comparisonTotal: diff.baselineTotal,
        })
      }),
    )
  })

  it('holds exactly the stacks of each side', () => {
    fc.assert(
      fc.property(arbTree(), fc.oneof(arbTree(), fc.constant(emptyTree())), (baseline, comparison) => {
        const diff = diffTrees({ baseline, comparison })
        assertDiffTree(diff, { siblings: 'by frame' })
        const sides = stacksOfDiff(diff)
        expect(tidy(sides.baseline)).toEqual(tidy(stacksOfTree(baseline)))
        expect(tidy(sides.comparison)).toEqual(tidy(stacksOfTree(comparison)))
      }),
    )
  })
})

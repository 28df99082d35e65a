import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { arbTree } from '../testing/arbitrary.ts'
import { drawTree, treeFromDrawing } from '../testing/draw.ts'
import { stacksOfTree, tidy } from '../testing/naive.ts'
import { outdent } from '../testing/outdent.ts'
import { assertCallTree } from './assert-tree.ts'
import { emptyTree } from './build.ts'
import { mergeTrees } from './merge.ts'

describe('mergeTrees', () => {
  it('adds equal stacks and puts the others beside them', () => {
    const one = treeFromDrawing(`
      main 3
      read 2  work 1
    `)
    const other = treeFromDrawing(`
      idle 1  main 5
              idle 1  read 4
    `)
    expect(drawTree(mergeTrees([one, other]))).toBe(
      outdent(`
        idle 1  main 8
                idle 1  read 6  work 1
      `),
    )
  })

  it('adds folded counts, and keeps folded boxes behind their siblings', () => {
    const one = treeFromDrawing(`
      main 3
      read 2  (folded:4) 1
    `)
    const other = treeFromDrawing(`
      main 3
      (folded:2) 3
    `)
    expect(drawTree(mergeTrees([one, other]))).toBe(
      outdent(`
        main 6
        read 2  (folded:6) 4
      `),
    )
  })

  it('makes the empty tree of no tree', () => {
    expect(mergeTrees([])).toEqual(emptyTree())
  })

  it('does not care about order or grouping, to the last column, and the empty tree is neutral', () => {
    fc.assert(
      fc.property(arbTree(), arbTree(), arbTree(), (a, b, c) => {
        const all = mergeTrees([a, b, c])
        assertCallTree(all, { siblings: 'by frame' })
        expect(mergeTrees([c, a, b])).toEqual(all)
        expect(mergeTrees([mergeTrees([a, b]), c])).toEqual(all)
        expect(mergeTrees([a, mergeTrees([c, b])])).toEqual(all)
        expect(mergeTrees([a, emptyTree()])).toEqual(a)
        expect(mergeTrees([a])).toEqual(a)
      }),
    )
  })

  it('equals putting the lists of stacks together', () => {
    fc.assert(
      fc.property(fc.array(arbTree(), { maxLength: 4 }), (trees) => {
        expect(tidy(stacksOfTree(mergeTrees(trees)))).toEqual(tidy(trees.flatMap(stacksOfTree)))
      }),
    )
  })
})

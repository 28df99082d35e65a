import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { arbTree } from '../testing/arbitrary.ts'
import { drawTree, treeFromDrawing } from '../testing/draw.ts'
import { naiveFrame, stacksOfTree, tidy } from '../testing/naive.ts'
import { outdent } from '../testing/outdent.ts'
import { assertCallTree } from './assert-tree.ts'
import { emptyTree } from './build.ts'
import { groupTrees } from './group.ts'
import { mergeTrees } from './merge.ts'

const main = treeFromDrawing(`
  main 3
  read 2
`)

describe('groupTrees', () => {
  it('puts each tree under the names of its group', () => {
    const groups = [
      { path: ['web', 'eu'], tree: main },
      { path: ['api', 'eu'], tree: treeFromDrawing('idle 1  ∅ 1') },
      { path: ['web', 'us'], tree: main },
    ]
    expect(drawTree(groupTrees(groups))).toBe(
      outdent(`
        api 2   web 6
        eu 2    eu 3    us 3
        idle 1  main 3  main 3
                read 2  read 2
      `),
    )
  })

  it('merges groups of one name', () => {
    const groups = [
      { path: ['web'], tree: main },
      { path: ['web'], tree: main },
    ]
    expect(drawTree(groupTrees(groups))).toBe('web 6\nmain 6\nread 4')
  })

  it('is the empty tree without groups', () => {
    expect(groupTrees([])).toEqual(emptyTree())
  })

  it('equals writing the name in front of every stack, and without names it merges', () => {
    fc.assert(
      fc.property(arbTree(), arbTree(), (one, other) => {
        const grouped = groupTrees([
          { path: ['x'], tree: one },
          { path: ['y'], tree: other },
        ])
        const under = (name: string, tree: typeof one) =>
          stacksOfTree(tree).map(({ path, value }) => ({ path: [naiveFrame(name), ...path], value }))
        expect(tidy(stacksOfTree(grouped))).toEqual(tidy([...under('x', one), ...under('y', other)]))
        if (one.total[0]! > 0 && other.total[0]! > 0) assertCallTree(grouped, { siblings: 'by frame' })
        const ungrouped = [one, other].map((tree) => ({ path: [], tree }))
        expect(groupTrees(ungrouped)).toEqual(mergeTrees([one, other]))
      }),
    )
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { arbTree } from '../testing/arbitrary.ts'
import { drawDiff, drawTree, treeFromDrawing, treeFromStacks } from '../testing/draw.ts'
import { naiveSubtree, pathsOf, stacksOfTree, tidy } from '../testing/naive.ts'
import { outdent } from '../testing/outdent.ts'
import { assertCallTree } from './assert-tree.ts'
import { diffTrees } from './diff.ts'
import { subtreeAt, subtreeOfDiff } from './subtree.ts'

const tree = treeFromDrawing(`
  main 10                idle 2
  read 6         work 3
  disk 4  net 1
`)

describe('subtreeAt', () => {
  it('keeps what lies under the path, its ancestors as full bars', () => {
    const cut = subtreeAt(tree, ['main', 'read'])!
    expect(drawTree(cut)).toBe(
      outdent(`
        main 6
        read 6
        disk 4  net 1
      `),
    )
    expect(cut.total[0]).toBe(6)
    expect(cut.frames.name).toEqual(['total', 'disk', 'main', 'net', 'read'])
  })

  it('is the whole tree for an empty path, and undefined where nothing is', () => {
    expect(subtreeAt(tree, [])).toBe(tree)
    expect(subtreeAt(tree, ['read'])).toBeUndefined()
    expect(subtreeAt(tree, ['main', 'read', 'disk', 'disk'])).toBeUndefined()
    expect(subtreeAt(tree, ['total'])).toBeUndefined()
  })

  it('keeps all that bear the names, when files or mappings differ', () => {
    const two = treeFromStacks(`
      f@a.c f@b.c f@b.c
      g     g     h
    `)
    expect(drawTree(subtreeAt(two, ['f', 'g'])!)).toBe(
      outdent(`
        f@a.c 1  f@b.c 1
        g 1      g 1
      `),
    )
  })

  it('carries folded counts along', () => {
    const folded = treeFromDrawing(`
      a 5           b 1
      (folded:3) 2
    `)
    expect(drawTree(subtreeAt(folded, ['a'])!)).toBe('a 5\n(folded:3) 2')
  })

  it('equals picking the stacks that begin with the path', () => {
    fc.assert(
      fc.property(arbTree(), fc.nat(), (any, pick) => {
        const paths = pathsOf(any)
        const path = paths[pick % paths.length]!.map((frame) => frame.split('\0')[0]!)
        const cut = subtreeAt(any, path)!
        assertCallTree(cut, { siblings: 'by frame' })
        expect(tidy(stacksOfTree(cut))).toEqual(tidy(naiveSubtree(stacksOfTree(any), path)))
      }),
    )
  })
})

describe('subtreeOfDiff', () => {
  it('cuts both sides, also where one has nothing', () => {
    const diff = diffTrees({ baseline: tree, comparison: treeFromDrawing('idle 3') })
    expect(drawDiff(subtreeOfDiff(diff, ['main', 'read'])!)).toBe(
      outdent(`
        main 6→0
        read 6→0
        disk 4→0  net 1→0
      `),
    )
    expect(subtreeOfDiff(diff, ['gone'])).toBeUndefined()
  })
})

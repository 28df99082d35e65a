import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { asId, type FrameId } from '../model/ids.ts'
import { arbTree } from '../testing/arbitrary.ts'
import { drawDiff, drawTree, treeFromDrawing, treeFromStacks } from '../testing/draw.ts'
import {
  naiveCallers,
  naiveFrame,
  naiveInvert,
  naiveReroot,
  stacksOfDiff,
  stacksOfTree,
  tidy,
} from '../testing/naive.ts'
import { outdent } from '../testing/outdent.ts'
import { assertCallTree, assertDiffTree } from './assert-tree.ts'
import { emptyTree } from './build.ts'
import type { CallTree } from './call-tree.ts'
import { diffTrees } from './diff.ts'
import { functionTable } from './functions.ts'
import { sandwichDiff, sandwichTree } from './sandwich.ts'

const tree = treeFromDrawing(`
  main 9
  read 4  work 5
  disk 3  read 2
`)
const drawn = (of: CallTree, which: FrameId | string) => {
  const { callers, callees } = sandwichTree(of, which)
  return `${drawTree(callers)}\n--\n${drawTree(callees)}`
}

describe('sandwichTree', () => {
  it('hangs the callers on the function, widest first, and beside it what it calls', () => {
    expect(drawn(tree, 'read')).toBe(
      outdent(`
        read 6
        main 4  work 2
                main 2
        --
        read 6
        disk 3
      `),
    )
  })

  it('counts recursion once, at its outermost call', () => {
    const recursive = treeFromStacks(`
      main main
      f    f
      g
      f
      h
    `)
    expect(drawn(recursive, 'f')).toBe(
      outdent(`
        f 2
        main 2
        --
        f 2
        g 1
        f 1
        h 1
      `),
    )
  })

  it('takes a frame, where a name would mean two', () => {
    const two = treeFromStacks(`
      a     b     b
      f@a.c f@b.c f@b.c
    `)
    const row = two.frames.file.indexOf('b.c')
    expect(drawn(two, asId(row))).toBe('f@b.c 2\nb 2\n--\nf@b.c 2')
    expect(drawn(two, 'f')).toBe(
      outdent(`
        f@b.c 2  f@a.c 1
        b 2      a 1
        --
        f@a.c 1  f@b.c 2
      `),
    )
  })

  it('is of nothing for the root, what was folded, and what nobody calls', () => {
    const folded = treeFromDrawing('a 5\n(folded:3) 2')
    const none = { callers: emptyTree(), callees: emptyTree() }
    for (const which of ['total', '(folded)', 'gone', asId<FrameId>(0), asId<FrameId>(99)])
      expect(sandwichTree(folded, which)).toEqual(none)
    expect(sandwichTree(emptyTree(), 'main')).toEqual(none)
    expect(drawn(folded, 'a')).toBe('a 5\n--\na 5\n(folded:3) 2')
  })

  it('takes a chain of 5,000 calls', () => {
    const deep = treeFromStacks(Array.from({ length: 5_000 }, () => 'f').join('\n'))
    expect(sandwichTree(deep, 'f').callees).toEqual(deep)
    expect(drawTree(sandwichTree(deep, 'f').callers)).toBe('f 1')
  })

  it('equals cutting every stack, and weighs what the table of functions says', () => {
    fc.assert(
      fc.property(arbTree(), (any) => {
        const { frame, total } = functionTable(any)
        frame.forEach((row, i) => {
          const { callers, callees } = sandwichTree(any, asId(row))
          assertCallTree(callers, { siblings: 'by total' })
          assertCallTree(callees, { siblings: 'by frame' })
          expect([callers.total[0], callees.total[0]]).toEqual([total[i], total[i]])
          const { name, file, mapping } = any.frames
          const isIt = (one: string) => one === naiveFrame(name[row]!, file[row], mapping[row])
          const stacks = stacksOfTree(any)
          expect(tidy(stacksOfTree(callees))).toEqual(tidy(naiveReroot(stacks, isIt)))
          expect(tidy(stacksOfTree(callers))).toEqual(naiveInvert(naiveCallers(stacks, isIt)))
        })
      }),
    )
  })
})

describe('sandwichDiff', () => {
  it('shows both sides of callers and callees', () => {
    const diff = diffTrees({ baseline: tree, comparison: treeFromDrawing('main 8\nread 8\ndisk 8') })
    const { callers, callees } = sandwichDiff(diff, 'read')
    expect(`${drawDiff(callers)}\n--\n${drawDiff(callees)}`).toBe(
      outdent(`
        read 6→8
        main 4→8  work 2→0
                  main 2→0
        --
        read 6→8
        disk 3→8
      `),
    )
  })

  it('equals the sandwich of each side', () => {
    fc.assert(
      fc.property(arbTree(), arbTree(), fc.constantFrom('a', 'b', 'c'), (baseline, comparison, name) => {
        const diff = sandwichDiff(diffTrees({ baseline, comparison }), name)
        for (const part of ['callers', 'callees'] as const) {
          assertDiffTree(diff[part])
          const sides = stacksOfDiff(diff[part])
          expect(tidy(sides.baseline)).toEqual(tidy(stacksOfTree(sandwichTree(baseline, name)[part])))
          expect(tidy(sides.comparison)).toEqual(tidy(stacksOfTree(sandwichTree(comparison, name)[part])))
        }
      }),
    )
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { arbTree } from '../testing/arbitrary.ts'
import { drawDiff, drawTree, treeFromDrawing, treeFromStacks } from '../testing/draw.ts'
import { naiveReroot, stacksOfDiff, stacksOfTree, tidy } from '../testing/naive.ts'
import { outdent } from '../testing/outdent.ts'
import { assertCallTree, assertDiffTree } from './assert-tree.ts'
import { emptyTree } from './build.ts'
import { diffTrees } from './diff.ts'
import { type Focus, focusDiff, focusTree } from './focus.ts'
import { invertTree } from './invert.ts'

const named =
  (...names: readonly string[]) =>
  ({ name }: { readonly name: string }) =>
    names.includes(name)
const tree = treeFromDrawing(`
  main 9
  read 4  work 5
  disk 3  read 2
`)
const drawn = (focus: Focus, of = tree) => {
  const { tree: focused, leftOut } = focusTree(of, focus)
  return `${drawTree(focused)}\nleft out ${leftOut}`
}

describe('focusTree', () => {
  it('keeps the stacks that hold a function, and says what is left out', () => {
    expect(drawn({ keep: named('read') })).toBe(
      outdent(`
        main 6
        read 4  work 2
        disk 3  read 2
        left out 3
      `),
    )
  })

  it('drops the stacks that hold a function', () => {
    expect(drawn({ drop: named('read') })).toBe(
      outdent(`
        main 3
        work 3
        left out 6
      `),
    )
  })

  it('reroots at a function wherever it is called from', () => {
    expect(drawn({ reroot: named('read') })).toBe(
      outdent(`
        read 6
        disk 3
        left out 3
      `),
    )
    expect(drawn({ reroot: named('work', 'disk') })).toBe(
      outdent(`
        disk 3  work 5
                read 2
        left out 1
      `),
    )
  })

  it('reroots recursion at its outermost call', () => {
    const recursive = treeFromStacks(`
      main main
      f    f
      g    g
      f
      h
    `)
    expect(drawn({ reroot: named('f') }, recursive)).toBe(
      outdent(`
        f 2
        g 2
        f 1
        h 1
        left out 0
      `),
    )
  })

  it('does all that is asked: keep, drop, reroot', () => {
    expect(drawn({ keep: named('read'), drop: named('disk'), reroot: named('work') })).toBe(
      outdent(`
        work 2
        read 2
        left out 7
      `),
    )
  })

  it('sees file, mapping and kind of a frame, not its name alone', () => {
    const two = treeFromStacks('libc.so!f@a.c libc.so!f@b.c f')
    expect(drawn({ drop: ({ file }) => file === 'a.c' }, two)).toBe('f 1  libc.so!f@b.c 1\nleft out 1')
    expect(drawn({ keep: ({ mapping, kind }) => mapping === 'libc.so' && kind === 'native' }, two)).toBe(
      'libc.so!f@a.c 1  libc.so!f@b.c 1\nleft out 1',
    )
  })

  it('leaves the tree as it is when nothing is asked, and nothing of it when nothing matches', () => {
    expect(focusTree(tree, {})).toEqual({ tree, leftOut: 0 })
    for (const focus of [{ keep: named() }, { reroot: named() }])
      expect(focusTree(tree, focus)).toEqual({ tree: emptyTree(), leftOut: 9 })
    expect(focusTree(emptyTree(), { keep: () => true, reroot: () => true })).toEqual({
      tree: emptyTree(),
      leftOut: 0,
    })
  })

  it('never matches the root and what was folded, which goes with the frames it hangs on', () => {
    const folded = treeFromDrawing(`
      a 5           b 3           ∅ 2
      (folded:3) 2  (folded:4) 1
    `)
    expect(drawn({ keep: named('total', '(folded)') }, folded)).toBe('\nleft out 10')
    expect(drawn({ keep: named('a') }, folded)).toBe('a 5\n(folded:3) 2\nleft out 5')
    expect(drawn({ drop: named('a', '(folded)') }, folded)).toBe('b 3  ∅ 2\n(folded:4) 1\nleft out 5')
    const nested = treeFromDrawing(`
      x 3           y 2
      a 3           a 2
      (folded:3) 2  (folded:4) 1
    `)
    expect(drawn({ reroot: named('a') }, nested)).toBe('a 5\n(folded:7) 3\nleft out 0')
  })

  it('keeps the order of an iceberg', () => {
    const { tree: kept } = focusTree(invertTree(tree), { keep: named('main') })
    expect(kept).toEqual(invertTree(tree))
  })

  it('takes a chain of 5,000 calls', () => {
    const deep = treeFromStacks(Array.from({ length: 5_000 }, () => 'f').join('\n'))
    expect(focusTree(deep, { keep: named('f'), reroot: named('f') })).toEqual({ tree: deep, leftOut: 0 })
  })

  it('equals looking through every stack', () => {
    const some = fc.option(fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'Zed', 'total')), {
      nil: undefined,
    })
    fc.assert(
      fc.property(arbTree(), some, some, some, (any, keep, drop, reroot) => {
        const { tree: focused, leftOut } = focusTree(any, {
          ...(keep && { keep: named(...keep) }),
          ...(drop && { drop: named(...drop) }),
          ...(reroot && { reroot: named(...reroot) }),
        })
        assertCallTree(focused, { siblings: 'by frame' })
        const isOf = (names: readonly string[]) => (frame: string) => names.includes(frame.split('\0')[0]!)
        const left = stacksOfTree(any)
          .filter(({ path }) => keep === undefined || path.some(isOf(keep)))
          .filter(({ path }) => drop === undefined || !path.some(isOf(drop)))
        const expected = reroot === undefined ? left : naiveReroot(left, isOf(reroot))
        expect(tidy(stacksOfTree(focused))).toEqual(tidy(expected))
        expect(focused.total[0]! + leftOut).toBe(any.total[0])
      }),
    )
  })
})

describe('focusDiff', () => {
  it('keeps both sides, also where one has nothing', () => {
    const diff = diffTrees({ baseline: tree, comparison: treeFromDrawing('main 8\nidle 3  work 4') })
    const { tree: focused, leftOut } = focusDiff(diff, { reroot: named('read', 'work') })
    expect(`${drawDiff(focused)}\n${JSON.stringify(leftOut)}`).toBe(
      outdent(`
        read 4→0  work 5→4
        disk 3→0  read 2→0
        {"baseline":0,"comparison":4}
      `),
    )
  })

  it('equals focusing each side', () => {
    fc.assert(
      fc.property(arbTree(), arbTree(), fc.constantFrom('a', 'b', 'c'), (baseline, comparison, name) => {
        const focus = { keep: named(name), drop: named('d') }
        const { tree: focused } = focusDiff(diffTrees({ baseline, comparison }), focus)
        assertDiffTree(focused)
        const sides = stacksOfDiff(focused)
        expect(tidy(sides.baseline)).toEqual(tidy(stacksOfTree(focusTree(baseline, focus).tree)))
        expect(tidy(sides.comparison)).toEqual(tidy(stacksOfTree(focusTree(comparison, focus).tree)))
      }),
    )
  })
})

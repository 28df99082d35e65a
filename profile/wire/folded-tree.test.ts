import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CPU_SAMPLES } from '../model/profile-type.ts'
import { arbTree } from '../testing/arbitrary.ts'
import { treeFromStacks } from '../testing/draw.ts'
import { stacksOfTree, tidy } from '../testing/naive.ts'
import { buildTreeOfProfile, emptyTree } from '../tree/build.ts'
import { diffTrees } from '../tree/diff.ts'
import { parseFolded } from './folded.ts'
import { foldedDiffLines, foldedTreeLines } from './folded-tree.ts'
import { LIMITS } from './otlp-testing.ts'

const HEAD = { type: CPU_SAMPLES, period: 10_000_000, timeMs: 1_700_000_000_000, durationMs: 10_000 }
const tree = treeFromStacks(`
  main main main main
  read read work
  disk
`)

describe('foldedTreeLines', () => {
  it('prints a line per stack that has value of its own', () => {
    expect([...foldedTreeLines(tree, undefined)].join('')).toBe(
      'main 1\nmain;read 1\nmain;read;disk 1\nmain;work 1\n',
    )
  })
  it('scales values to the samples they stand for, and leaves out what rounds to nothing', () => {
    expect([...foldedTreeLines(tree, 400)][0]).toBe('main 100\n')
    expect([...foldedTreeLines(tree, 1)]).toEqual([])
  })
  it('prints nothing for an empty tree, and value without a stack under a name of its own', () => {
    expect([...foldedTreeLines(emptyTree(), undefined)]).toEqual([])
    const lone = { ...emptyTree(), self: Float64Array.of(3), total: Float64Array.of(3) }
    expect([...foldedTreeLines(lone, undefined)]).toEqual(['[no stack] 3\n'])
  })
  it('is read back by parseFolded, name by name, for any tree', () => {
    fc.assert(
      fc.property(arbTree(), (drawn) => {
        const text = [...foldedTreeLines(drawn, undefined)].join('')
        const profile = parseFolded(text, { head: HEAD, labels: [], limits: LIMITS })
        if (!profile.ok) throw new Error(profile.error.message)
        const names = stacksOfTree(drawn).map(({ path, value }) => ({
          path: path.length === 0 ? ['[no stack]\0\0'] : path.map((frame) => `${frame.split('\0')[0]}\0\0`),
          value,
        }))
        expect(tidy(stacksOfTree(buildTreeOfProfile(profile.value)))).toEqual(tidy(names))
      }),
    )
  })
})

describe('foldedDiffLines', () => {
  it('prints both sides, baseline first, each scaled by itself', () => {
    const comparison = treeFromStacks(`
      main main
      work work
    `)
    const diff = diffTrees({ baseline: tree, comparison })
    expect([...foldedDiffLines(diff, { baseline: undefined, comparison: 20 })].join('')).toBe(
      'main 1 0\nmain;read 1 0\nmain;read;disk 1 0\nmain;work 1 20\n',
    )
  })
})

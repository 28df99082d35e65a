import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assertProfile } from '../model/profile.ts'
import { CPU_SAMPLES } from '../model/profile-type.ts'
import { arbTree } from '../testing/arbitrary.ts'
import { drawTree, treeFromStacks } from '../testing/draw.ts'
import { stacksOfProfile, stacksOfTree, tidy } from '../testing/naive.ts'
import { buildTreeOfProfile, emptyTree } from './build.ts'
import { profileOfTree } from './profile-of-tree.ts'

const HEAD = { type: CPU_SAMPLES, period: 52_631_579, timeMs: 1_700_000_000_000, durationMs: 10_000 }

describe('profileOfTree', () => {
  it('makes one sample of each node with value of its own', () => {
    const tree = treeFromStacks(`
      main main          main
      read libc!read@a.c main
      disk
      5    7             2
    `)
    const profile = profileOfTree(tree, HEAD, [['service_name', 'api']])
    expect([...profile.samples.value].sort()).toEqual([2, 5, 7])
    expect(profile.labelSets).toEqual([[['service_name', 'api']]])
    expect([...profile.samples.timeMs]).toEqual([HEAD.timeMs, HEAD.timeMs, HEAD.timeMs])
    expect(drawTree(buildTreeOfProfile(profile))).toBe(drawTree(tree))
  })

  it('keeps value that has no stack, and makes nothing of nothing', () => {
    const lone = { ...emptyTree(), self: Float64Array.of(3), total: Float64Array.of(3) }
    expect(buildTreeOfProfile(profileOfTree(lone, HEAD))).toEqual(lone)
    expect(profileOfTree(emptyTree(), HEAD).samples.value).toHaveLength(0)
  })

  it('does not rename a frame whose kind says truncated', () => {
    const tree = treeFromStacks('main')
    const frames = { ...tree.frames, kind: ['', 'abort-marker'] }
    expect(drawTree(buildTreeOfProfile(profileOfTree({ ...tree, frames }, HEAD)))).toBe('main 1')
  })

  it('is undone by buildTreeOfProfile, for any tree, and makes well-formed profiles', () => {
    fc.assert(
      fc.property(arbTree(), (tree) => {
        const profile = profileOfTree(tree, HEAD)
        assertProfile(profile)
        expect(buildTreeOfProfile(profile)).toEqual(tree)
        expect(tidy(stacksOfProfile(profile))).toEqual(tidy(stacksOfTree(tree)))
      }),
    )
  })
})

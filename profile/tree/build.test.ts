import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { arbProfile } from '../testing/arbitrary.ts'
import { drawTree, profileFromText, treeFromStacks } from '../testing/draw.ts'
import { naiveTotals, stacksOfProfile, stacksOfTree, tidy } from '../testing/naive.ts'
import { outdent } from '../testing/outdent.ts'
import { assertCallTree } from './assert-tree.ts'
import { buildTree, buildTreeOfProfile, emptyTree } from './build.ts'
import { frameTrie } from './frame-trie.ts'

describe('buildTree', () => {
  it('adds stacks up, children under their callers, siblings by name', () => {
    const tree = treeFromStacks(`
      main main main
      work read read
           disk
    `)
    expect(drawTree(tree)).toBe(
      outdent(`
        main 3
        read 2  work 1
        disk 1
      `),
    )
    expect(tree.frames.name).toEqual(['total', 'disk', 'main', 'read', 'work'])
    expect([...tree.depth]).toEqual([0, 1, 2, 3, 2])
    expect([...tree.self]).toEqual([0, 0, 1, 1, 1])
    expect([...tree.total]).toEqual([3, 3, 2, 1, 1])
  })

  it('tells functions of one name apart by file and mapping', () => {
    const tree = treeFromStacks(`
      libc!read libssl!read libc!read@a.c libc!read
    `)
    expect(drawTree(tree)).toBe('libc!read 2  libssl!read 1  libc!read@a.c 1')
  })

  it('gives a function called total a frame of its own', () => {
    const tree = treeFromStacks('total')
    expect(tree.frames.name).toEqual(['total', 'total'])
    expect([...tree.frame]).toEqual([0, 1])
  })

  it('adds a node that occurs twice, and makes none for a sum of zero', () => {
    const { trie } = frameTrie(profileFromText('a a\nb c'))
    const sums = { trie, node: Uint32Array.of(2, 3, 2, 1), sum: Float64Array.of(5, 0, 7, 1) }
    expect(drawTree(buildTree(sums))).toBe('a 13\nb 12')
  })

  it('keeps the sum of the empty stack at the root', () => {
    const { trie } = frameTrie(profileFromText('a'))
    expect(drawTree(buildTree({ trie, node: Uint32Array.of(0, 1), sum: Float64Array.of(2, 3) }))).toBe(
      'a 3  ∅ 2',
    )
  })

  it('makes the empty tree of nothing', () => {
    const { trie } = frameTrie(profileFromText('a'))
    expect(buildTree({ trie, node: new Uint32Array(), sum: new Float64Array() })).toEqual(emptyTree())
  })

  it('builds a chain of 5,000 calls, and refuses one that does not fit 16 bits of depth', () => {
    const chain = (length: number) => ({
      trie: {
        frames: { name: ['total', 'f'], file: ['', ''], mapping: ['', ''], kind: ['', ''] },
        parent: Int32Array.from({ length: length + 1 }, (_, i) => i - 1),
        frame: new Uint32Array(length + 1).fill(1, 1),
      },
      node: Uint32Array.of(length),
      sum: Float64Array.of(1),
    })
    expect(buildTree(chain(5_000)).depth.at(-1)).toBe(5_000)
    expect(buildTree(chain(65_535)).depth.at(-1)).toBe(65_535)
    expect(() => buildTree(chain(65_536))).toThrow('a call tree is deeper than 65535 frames')
  })

  it('equals the stacks of any profile, total by total, in pre-order', () => {
    fc.assert(
      fc.property(arbProfile(), (profile) => {
        const tree = buildTreeOfProfile(profile)
        assertCallTree(tree, { siblings: 'by frame' })
        expect(tidy(stacksOfTree(tree))).toEqual(tidy(stacksOfProfile(profile)))
        const totals = naiveTotals(stacksOfProfile(profile)).map(({ value }) => value)
        expect([...tree.total]).toEqual(totals.length === 0 ? [0] : totals)
      }),
    )
  })
})

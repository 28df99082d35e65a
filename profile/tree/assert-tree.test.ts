import { describe, expect, it } from 'vitest'
import { treeFromDrawing } from '../testing/draw.ts'
import { assertCallTree, assertDiffTree } from './assert-tree.ts'
import type { CallTree } from './call-tree.ts'
import { diffTrees } from './diff.ts'

const sound = treeFromDrawing(`
  main 3
  read 2  (folded:4) 1
`)
const broken = (change: Partial<CallTree>) => () => assertCallTree({ ...sound, ...change })

describe('assertCallTree', () => {
  it('accepts a sound tree', () => {
    assertCallTree(sound, { siblings: 'by frame' })
    assertCallTree(sound, { siblings: 'by total' })
    assertDiffTree(diffTrees({ baseline: sound, comparison: sound }))
  })

  it('names the relation that is broken', () => {
    expect(broken({ depth: Uint16Array.of(1, 1, 2, 2) })).toThrow('node 0 must be the root')
    expect(broken({ depth: Uint16Array.of(0, 1, 3, 2) })).toThrow('depth 3 follows 1 at 2')
    expect(broken({ depth: Uint16Array.of(0, 0, 1, 1) })).toThrow('depth 0 follows 0 at 1')
    expect(broken({ frame: Uint32Array.of(0, 9, 1, 2) })).toThrow('frame[1] = 9 of 4')
    expect(broken({ frame: Uint32Array.of(0, 1, 2, 2), folded: new Uint32Array(4) })).toThrow(
      'two children of 1 have frame 2',
    )
    expect(broken({ self: Float64Array.of(0, 0, 2) })).toThrow('columns have 3 and 4 rows')
    expect(broken({ total: Float64Array.of(3, 3, 1, 1) })).toThrow('total[2] = 1, its parts make 2')
    expect(broken({ self: Float64Array.of(0, -1, 3, 1) })).toThrow('self[1] = -1')
    expect(broken({ folded: Uint32Array.of(0, 1, 0, 4) })).toThrow('folded node 1 has a name of its own')
  })

  it('names siblings out of order', () => {
    const tree = treeFromDrawing('b 1  a 2  c 1')
    expect(() => assertCallTree(tree, { siblings: 'by frame' })).toThrow('node 2 stands behind 1')
    expect(() => assertCallTree(tree, { siblings: 'by total' })).toThrow('node 2 is heavier than 1 before it')
    expect(() => assertCallTree(treeFromDrawing('(folded:2) 1  a 1'), { siblings: 'by total' })).toThrow(
      'a folded node stands before its sibling 2',
    )
  })
})

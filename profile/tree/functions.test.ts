import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { arbTree } from '../testing/arbitrary.ts'
import { treeFromStacks } from '../testing/draw.ts'
import { naiveFrame, naiveFunctions, stacksOfTree } from '../testing/naive.ts'
import { emptyTree } from './build.ts'
import type { CallTree } from './call-tree.ts'
import { functionTable } from './functions.ts'

const rowsOf = (tree: CallTree) => {
  const { frame, self, total } = functionTable(tree)
  return Array.from(frame, (row, i) => [tree.frames.name[row], self[i], total[i]])
}

describe('functionTable', () => {
  it('adds a function up wherever it is called', () => {
    const tree = treeFromStacks(`
      main main main
      read read work
      disk      disk
    `)
    expect(rowsOf(tree)).toEqual([
      ['disk', 2, 2],
      ['main', 0, 3],
      ['read', 1, 2],
      ['work', 0, 1],
    ])
  })

  it('counts recursion once in total', () => {
    const tree = treeFromStacks(`
      a a a
      b a b
      a
    `)
    expect(rowsOf(tree)).toEqual([
      ['a', 2, 3],
      ['b', 1, 2],
    ])
  })

  it('has no row for the root', () => {
    expect(rowsOf(emptyTree())).toEqual([])
  })

  it('equals counting over stacks; self adds up, no total exceeds the whole', () => {
    fc.assert(
      fc.property(arbTree(), (tree) => {
        const { frame, self, total } = functionTable(tree)
        const { name, file, mapping } = tree.frames
        const rows = new Map(
          Array.from(frame, (row, i) => [
            naiveFrame(name[row]!, file[row], mapping[row]),
            { self: self[i]!, total: total[i]! },
          ]),
        )
        expect(rows).toEqual(new Map(naiveFunctions(stacksOfTree(tree))))
        expect(self.reduce((sum, value) => sum + value, tree.self[0]!)).toBe(tree.total[0])
        expect(total.every((value) => value <= tree.total[0]!)).toBe(true)
      }),
    )
  })
})

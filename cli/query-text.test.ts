import { describe, expect, it } from 'vitest'
import { treeFromStacks } from '#profile/testing/draw'
import { diffTrees } from '#profile/tree/diff'
import { changedFunctions, foldedLines } from './query-text.ts'

const tree = treeFromStacks(`
  main main main main
  read read work
  disk
`)

describe('foldedLines', () => {
  it('prints a line per stack that has value of its own', () => {
    expect(foldedLines(tree, undefined)).toBe('main 1\nmain;read 1\nmain;read;disk 1\nmain;work 1\n')
  })
  it('scales values to the samples they stand for', () => {
    expect(foldedLines(tree, 400)).toBe('main 100\nmain;read 100\nmain;read;disk 100\nmain;work 100\n')
  })
  it('prints nothing for an empty tree', () => {
    expect(foldedLines(treeFromStacks(''), 0)).toBe('')
  })
})

describe('changedFunctions', () => {
  it('compares shares of own time, the largest change first, and leaves out what stayed', () => {
    const comparison = treeFromStacks(`
      main main main main
      work work work
    `)
    const rows = changedFunctions(diffTrees({ baseline: tree, comparison }))
    expect(rows.map(({ name, baseline, comparison }) => [name, baseline, comparison])).toEqual([
      ['work', 0.25, 0.75],
      ['disk', 0.25, 0],
      ['read', 0.25, 0],
    ])
  })
})

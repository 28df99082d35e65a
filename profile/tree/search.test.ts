import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { arbTree } from '../testing/arbitrary.ts'
import { treeFromDrawing, treeFromStacks } from '../testing/draw.ts'
import { naiveMatched, stacksOfTree } from '../testing/naive.ts'
import { searchTree } from './search.ts'

const tree = treeFromDrawing(`
  main 10
  parseJson 6           GC 3
  readText 4
  parse 1
`)
const matched = (query: string) => {
  const { frameMask, matchedNodes, matchedTotal } = searchTree(tree, query)
  const names = tree.frames.name.filter((_, row) => frameMask[row] === 1)
  return { names, matchedNodes, matchedTotal }
}

describe('searchTree', () => {
  it('counts a match within a match once', () => {
    expect(matched('parse')).toEqual({ names: ['parse', 'parseJson'], matchedNodes: 2, matchedTotal: 6 })
  })

  it('ignores case until the query has a capital', () => {
    expect(matched('json').names).toEqual(['parseJson'])
    expect(matched('gc').names).toEqual(['GC'])
    expect(matched('JSON').names).toEqual([])
    expect(matched('Json').names).toEqual(['parseJson'])
  })

  it('takes any of several between bars, each with its own case', () => {
    expect(matched('gc | Text|').names).toEqual(['GC', 'readText'])
    expect(matched('GC|read').matchedTotal).toBe(7)
  })

  it('matches nothing without a query, and never the root', () => {
    for (const query of ['', '  ', '|', ' | ']) expect(matched(query).matchedNodes).toBe(0)
    expect(matched('total')).toEqual({ names: [], matchedNodes: 0, matchedTotal: 0 })
  })

  it('takes signs of regular expressions as they are', () => {
    const names = treeFromStacks('operator(+) [truncated] a.b')
    expect(searchTree(names, '(+)').matchedTotal).toBe(1)
    expect(searchTree(names, '.').matchedTotal).toBe(1)
    expect(searchTree(names, '[trunc').matchedTotal).toBe(1)
  })

  it('equals looking through every stack', () => {
    fc.assert(
      fc.property(arbTree(), fc.constantFrom('a', 'b|c', 'Z', 'std', '>', 'größe', 'zed'), (any, query) => {
        const wanted = query.split('|')
        const expected = naiveMatched(stacksOfTree(any), (frame) => {
          const name = frame.split('\0')[0]!
          return wanted.some((piece) =>
            piece === piece.toLowerCase() ? name.toLowerCase().includes(piece) : name.includes(piece),
          )
        })
        expect(searchTree(any, query).matchedTotal).toBe(expected)
      }),
    )
  })
})

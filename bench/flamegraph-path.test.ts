// Where the bench zooms to: by hand on a small tree, and by what must hold on a large one.
import { expect, it } from 'vitest'
import { heavyPath, placeOf } from './flamegraph-path.ts'
import { hotTree } from './tree.ts'

//  row 3             e           0: 100
//  row 2          c d            1: 20, 2: 80 with 3: 10, 4: 60 with 5: 40
//  row 1       a  b
//  row 0       root
const small = {
  depth: Uint16Array.of(0, 1, 1, 2, 2, 3),
  total: Float64Array.of(100, 20, 80, 10, 60, 40),
}
const treeOf = (...nodes: readonly (readonly [depth: number, total: number])[]) => ({
  depth: Uint16Array.from(nodes, ([depth]) => depth),
  total: Float64Array.from(nodes, ([, total]) => total),
})

it('goes down the heaviest children until half of the whole is left', () => {
  expect(heavyPath(small)).toEqual([2, 4, 5])
})

it('does not leave the branch it is in for a heavier one beside it', () => {
  expect(heavyPath(treeOf([0, 10], [1, 6], [2, 2], [1, 4], [2, 4]))).toEqual([1, 2])
})

it('takes the first of equals, ends at a leaf, and knows trees without a path', () => {
  expect(heavyPath(treeOf([0, 10], [1, 5], [1, 5]))).toEqual([1])
  expect(heavyPath(treeOf([0, 10], [1, 9]))).toEqual([1])
  expect(heavyPath(treeOf([0, 10]))).toEqual([])
  expect(heavyPath(treeOf([0, 0], [1, 0]))).toEqual([])
})

it('places boxes side by side from the left edge of their parent', () => {
  expect(placeOf(small, 0)).toEqual({ left: 0, right: 1, row: 0 })
  expect(placeOf(small, 2)).toEqual({ left: 0.2, right: 1, row: 1 })
  expect(placeOf(small, 4)).toEqual({ left: 0.3, right: 0.9, row: 2 })
  expect(placeOf(small, 5)).toEqual({ left: 0.3, right: 0.7, row: 3 })
})

it('forgets the rows of a branch that is over', () => {
  const tree = treeOf([0, 10], [1, 4], [2, 4], [1, 6], [2, 5])
  expect(placeOf(tree, 4)).toEqual({ left: 0.4, right: 0.9, row: 2 })
})

it('finds a box that can be clicked in the tree of the bench, each inside the one before', () => {
  const tree = hotTree(10_000)
  const path = heavyPath(tree)
  const places = [0, ...path].map((node) => placeOf(tree, node))
  for (let i = 1; i < places.length; i++) {
    expect(places[i]!.row).toBe(i)
    expect(places[i]!.left).toBeGreaterThanOrEqual(places[i - 1]!.left)
    expect(places[i]!.right).toBeLessThanOrEqual(places[i - 1]!.right + 1e-9)
  }
  const { left, right } = places.at(-1)!
  expect(right - left).toBeLessThanOrEqual(0.5)
  expect((right - left) * 1_400).toBeGreaterThan(20) // pixels
})

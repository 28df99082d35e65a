// The tree that pictures are measured with: as large as it says, sums that add up, hot.
import { expect, it } from 'vitest'
import { hotTree } from './tree.ts'

const tree = hotTree(10_000)

it('has as many nodes as were asked for, in pre-order', () => {
  expect(tree.depth.length).toBe(10_000)
  expect(Math.max(...tree.depth)).toBeLessThanOrEqual(60)
  for (let i = 1; i < 10_000; i++) expect(tree.depth[i]! - tree.depth[i - 1]!).toBeLessThanOrEqual(1)
  expect(hotTree(1).depth.length).toBe(1)
})

it('has self values that add up to the root', () => {
  expect(tree.self.reduce((sum, value) => sum + value, 0)).toBeCloseTo(tree.total[0]!, -3)
})

it('is hot: a tenth of the nodes has three quarters of the self values', () => {
  const sorted = [...tree.self].sort((one, other) => other - one)
  const hot = sorted.slice(0, 1_000).reduce((sum, value) => sum + value, 0)
  expect(hot / tree.total[0]!).toBeGreaterThan(0.75)
})

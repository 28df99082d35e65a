// The workload is what the design says it is: only then do two runs, or two stores, compare.
import { describe, expect, it } from 'vitest'
import { assertProfile } from '#profile/model/profile'
import { DEPTHS_STATED, NODES_STATED, ROWS_STATED, SERIES_STATED, STACKS_STATED } from './stated.ts'
import { makeModel, makeWindow } from './workload.ts'
import { ProfileMaker } from './workload-profile.ts'

const model = makeModel()
const near = (got: number, wanted: number) => expect(Math.abs(got / wanted - 1), `${got}`).toBeLessThan(0.02)

it.each(ROWS_STATED)('window $window has the stated samples and rows', ({ window, samples, rows }) => {
  const made = makeWindow(model, window)
  near(made.samples, samples)
  near(made.series.length, rows)
  expect(made.count.reduce((sum, count) => sum + count, 0)).toBe(made.samples)
})

it('the model has the stated series, stacks, nodes and depths', () => {
  const depths = model.services
    .flatMap(({ stackOfRank }) => Array.from(stackOfRank, depthOf))
    .sort((one, other) => one - other)
  near(model.series, SERIES_STATED)
  near(depths.length, STACKS_STATED)
  near(model.nodes, NODES_STATED)
  expect([0.1, 0.5, 0.9].map((part) => depths[Math.floor(part * depths.length)])).toEqual(DEPTHS_STATED)
})

it('a window can be made alone, and again', () => {
  expect(makeWindow(model, 17)).toEqual(makeWindow(model, 17))
})

describe('the profile of a node', () => {
  const rows = makeWindow(model, 0)
  const maker = new ProfileMaker(model)
  const profile = maker.profileOf(rows, 7)
  it('is whole, and holds the rows of this node alone', () => {
    assertProfile(profile)
    expect(profile.samples.value.length).toBe(rows.nodeStart[8]! - rows.nodeStart[7]!)
    expect(new Set(profile.labelSets.map((labels) => labels.find(([name]) => name === 'host')?.[1]))).toEqual(
      new Set(['node-7']),
    )
  })
  it('is the same whatever was made before it', () => {
    maker.profileOf(rows)
    expect(maker.profileOf(rows, 7)).toEqual(profile)
  })
  it('keeps the paths of the model', () => {
    const leaf = rows.stack[rows.nodeStart[7]!]!
    const { stacks } = profile
    let depth = 0
    for (let stack = profile.samples.stack[0]!; stack !== 0; stack = stacks.parent[stack]!) depth++
    expect(depth).toBe(depthOf(leaf))
  })
})

function depthOf(leaf: number): number {
  let depth = 0
  for (let node = leaf; node !== 0; node = model.parent[node]!) depth++
  return depth
}

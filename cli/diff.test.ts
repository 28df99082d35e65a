import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { arbTree } from '#profile/testing/arbitrary'
import { profileFromText } from '#profile/testing/draw'
import { buildTreeOfProfile } from '#profile/tree/build'
import { diffTrees } from '#profile/tree/diff'
import { changesTable, codeSpan, points } from './changes-table.ts'
import { exceeded, parseThreshold, type Threshold, withoutFunction } from './fail-on.ts'
import { functionChanges, isNoise } from './function-changes.ts'

const treeOf = (text: string) => buildTreeOfProfile(profileFromText(text))
const BEFORE = treeOf('main main\nread work\n500  500')
const AFTER = treeOf('main main\nread work\n400  600')
const changes = (samples: number | undefined) =>
  functionChanges(diffTrees({ baseline: BEFORE, comparison: AFTER }), {
    baseline: samples,
    comparison: samples,
  })
const thresholds = (...texts: string[]): Threshold[] =>
  texts.map((text) => {
    const parsed = parseThreshold(text)
    if (!parsed.ok) throw new Error(parsed.error.message)
    return parsed.value
  })
const failing = (texts: string[], samples: number | undefined) =>
  exceeded(thresholds(...texts), changes(samples)).map(({ threshold, row }) => [threshold.text, row.name])

describe('functionChanges', () => {
  it('compares shares of own time and with callees, the largest change first', () => {
    const rows = changes(1000)
    expect(rows.map(({ name }) => name)).toEqual(['read', 'work', 'main'])
    expect(rows[1]!.self).toMatchObject({ baseline: 0.5, comparison: 0.6 })
    expect(rows[1]!.self.change).toBeCloseTo(0.1, 12)
    expect(rows[2]!.total).toEqual({ baseline: 1, comparison: 1, change: 0, z: 0 })
  })

  it('knows chance by the number of samples, and says nothing of it without one', () => {
    expect(changes(1000)[1]!.self.z).toBeCloseTo(4.4947, 3) // 0.1 ÷ √(0.55 · 0.45 · 2 ÷ 1000)
    expect(isNoise(changes(1000)[1]!.self)).toBe(false)
    expect(isNoise(changes(100)[1]!.self)).toBe(true)
    expect(isNoise(changes(undefined)[1]!.self)).toBe(false)
  })

  it('finds nothing between a tree and itself, and the opposite the other way round', () => {
    fc.assert(
      fc.property(arbTree(), arbTree(), (one, other) => {
        const samples = { baseline: 1000, comparison: 1000 }
        const same = functionChanges(diffTrees({ baseline: one, comparison: one }), samples)
        expect(same.every(({ self, total }) => self.change === 0 && total.change === 0)).toBe(true)
        const there = functionChanges(diffTrees({ baseline: one, comparison: other }), samples)
        const back = functionChanges(diffTrees({ baseline: other, comparison: one }), samples)
        const sum = (rows: typeof there) => rows.reduce((all, { self }) => all + self.change, 0)
        expect(sum(there)).toBeCloseTo(-sum(back), 9)
        expect(there).toHaveLength(back.length)
      }),
    )
  })
})

describe('--fail-on', () => {
  it.each([
    ['+5pt', undefined, 0.05],
    ['2.5pt', undefined, 0.025],
    ['json.Marshal:+2pt', 'json.Marshal', 0.02],
    ['std::vec::push:+0.5 pt', 'std::vec::push', 0.005],
  ])('reads %s', (text, name, growth) => {
    expect(thresholds(text)[0]).toEqual({ text, name, growth })
  })
  it.each(['', '5', '+5%', '-5pt', 'main', ':+5pt', '+101pt', '+1e3pt'])('refuses %j', (text) => {
    const parsed = parseThreshold(text)
    expect(parsed.ok ? '' : parsed.error.message).toContain('is no threshold; write +5pt for any function')
  })
  it('fails on own time of any function, and on the time of a named one with its callees', () => {
    expect(failing(['+5pt'], 1000)).toEqual([['+5pt', 'work']])
    expect(failing(['work:+5pt', 'main:+0pt'], 1000)).toEqual([['work:+5pt', 'work']])
  })
  it('does not fail on an improvement, on less than asked for, or on chance', () => {
    expect(failing(['read:+0pt'], 1000)).toEqual([])
    expect(failing(['+11pt'], 1000)).toEqual([])
    expect(failing(['+5pt'], 100)).toEqual([])
    expect(failing(['+5pt'], undefined)).toEqual([['+5pt', 'work']])
  })
  it('notices a function that is nowhere', () => {
    const all = thresholds('wrok:+1pt', 'work:+1pt', '+1pt')
    expect(withoutFunction(all, changes(1)).map(({ text }) => text)).toEqual(['wrok:+1pt'])
  })
})

describe('changesTable', () => {
  it('is a Markdown table', () => {
    const samples = { baseline: 100, comparison: 100 }
    expect(changesTable(changes(100).slice(1), samples)).toBe(`\
| function | binary | self | change | total | change | samples of self |  |
| :-- | :-- | --: | --: | --: | --: | --: | :-- |
| \`work\` |  | 50.0 % → 60.0 % | +10.0 pt | 50.0 % → 60.0 % | +10.0 pt | 50 → 60 | noise |
| \`main\` |  | 0.0 % → 0.0 % | +0.0 pt | 100.0 % → 100.0 % | +0.0 pt | 0 → 0 | noise |
`)
  })
  it.each([
    ['a|b', '`a\\|b`'],
    ['<img onerror=x>', '`<img onerror=x>`'],
    ['a`b``c', '``` a`b``c ```'],
    ['x\n| y\u202e', '`x?\\| y?`'],
  ])('keeps %j from becoming markup', (name, span) => {
    expect(codeSpan(name)).toBe(span)
  })
  it('prints points with their sign', () => {
    const of = (change: number) => points({ baseline: 0, comparison: 0, change, z: 0 })
    expect([of(0.0321), of(-0.5), of(0)]).toEqual(['+3.2 pt', '-50.0 pt', '+0.0 pt'])
  })
})

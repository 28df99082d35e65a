import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Profile } from '../model/profile.ts'
import { arbProfile } from '../testing/arbitrary.ts'
import { profileFromText } from '../testing/draw.ts'
import { buildTreeOfProfile } from './build.ts'
import { qualityOf } from './quality.ts'
import { stackQuality } from './stack-quality.ts'

/** The shares of a profile's samples, added up stack by stack. */
function sharesOf(profile: Profile) {
  const { isEarly, frames, unnamed } = stackQuality(profile)
  const sum = (of: (stack: number) => number) =>
    profile.samples.value.reduce((all, value, row) => all + value * of(profile.samples.stack[row]!), 0)
  const [all, framesAll] = [sum(() => 1), sum((stack) => frames[stack]!)]
  return {
    endEarly: all > 0 ? sum((stack) => isEarly[stack]!) / all : 0,
    unnamed: framesAll > 0 ? sum((stack) => unnamed[stack]!) / framesAll : 0,
  }
}

describe('the quality of stacks', () => {
  it('counts frames, inlined ones too, and those without a name; the mark is none', () => {
    const profile = profileFromText(`
      [truncated]  main        main
      lib!+0x10    work>inner  [unknown]
      read         lib!+0x11
    `)
    const { isEarly, frames, unnamed } = stackQuality(profile)
    const of = (column: ArrayLike<number>) => Array.from(profile.samples.stack, (stack) => column[stack])
    expect(of(isEarly)).toEqual([1, 0, 0])
    expect(of(frames)).toEqual([2, 4, 2])
    expect(of(unnamed)).toEqual([1, 1, 1])
  })

  it('has nothing to say of the empty stack', () => {
    const { isEarly, frames, unnamed } = stackQuality(profileFromText('main'))
    expect([isEarly[0], frames[0], unnamed[0]]).toEqual([0, 0, 0])
  })

  it('adds up to what the tree of any profile says', () => {
    fc.assert(
      fc.property(arbProfile(), (profile) => {
        const tree = qualityOf([buildTreeOfProfile(profile)])
        const stacks = sharesOf(profile)
        expect(stacks.endEarly).toBeCloseTo(tree.endEarly, 9)
        expect(stacks.unnamed).toBeCloseTo(tree.unnamed, 9)
      }),
    )
  })
})

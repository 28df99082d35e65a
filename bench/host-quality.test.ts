import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { arbTree } from '#profile/testing/arbitrary'
import { profileFromText } from '#profile/testing/draw'
import { buildTreeOfProfile } from '#profile/tree/build'
import { groupTrees } from '#profile/tree/group'
import { qualityOf } from '#profile/tree/quality'
import { programsOf, sharesOf, worstOf } from './host-quality.ts'

const program = (executable: string, stacks: string) => ({
  path: [executable],
  tree: buildTreeOfProfile(profileFromText(stacks)),
})

describe('what is said of programs', () => {
  const programs = programsOf(
    groupTrees([
      program(
        'xz',
        `
        _start         [truncated]   [truncated]   [truncated]
        liblzma!+0x10  liblzma!code                liblzma!code
        `,
      ),
      program(
        'node',
        `
        _start  _start  _start  _start  _start
        main    main    main    main    main
        `,
      ),
    ]),
  )

  it('stands by program, the heaviest first', () => {
    expect(programs.map(({ executable, all }) => [executable, all])).toEqual([
      ['node', 5],
      ['xz', 4],
    ])
    expect(programs[0]).toMatchObject({ early: 0, rootless: 0, frames: 10, unnamed: 0 })
    expect(programs[1]).toMatchObject({ early: 3, frames: 4, unnamed: 1 })
  })

  it('tells a stack that ends early from one of which nothing is there', () => {
    expect(programs[1]!.rootless).toBe(1) // the mark alone; a frame in a binary has a place
    expect([...programs[1]!.ends]).toContainEqual(['liblzma', 2])
    expect([...programs[1]!.ends]).toContainEqual(['no frame', 1])
  })

  it('adds up to shares, and names what spoils them', () => {
    expect(sharesOf(programs)).toEqual({
      complete: 100 * (1 - 3 / 9),
      rootless: (100 * 1) / 9,
      named: 100 * (1 - 1 / 14),
    })
    expect(worstOf(programs, 'nameless')).toEqual(['7.14 % xz: liblzma'])
    expect(worstOf(programs, 'ends', 1)).toHaveLength(1)
  })

  it('is the same as the backend says in its answers, for any trees', () => {
    fc.assert(
      fc.property(fc.array(arbTree(), { minLength: 1, maxLength: 3 }), (trees) => {
        const all = trees.reduce((sum, tree) => sum + tree.total[0]!, 0)
        const grouped = groupTrees(trees.map((tree, i) => ({ path: [`program ${i}`], tree })))
        const programs = programsOf(grouped)
        fc.pre(all > 0 && programs.some(({ frames }) => frames > 0))
        const { complete, named } = sharesOf(programs)
        const { endEarly, unnamed } = qualityOf(trees)
        expect(complete).toBeCloseTo(100 * (1 - endEarly), 6)
        expect(named).toBeCloseTo(100 * (1 - unnamed), 6)
      }),
    )
  })

  it('is refused of nothing: that would be a good figure', () => {
    expect(() => sharesOf([])).toThrow('no sample of these programs')
  })
})

describe('a stack without a user frame', () => {
  it.each([
    ['[exited early]', 1],
    ['[unmapped]', 1],
    ['[no access]', 1],
    ['main', 0],
  ])('%s under the mark counts %d', (name, rootless) => {
    const tree = buildTreeOfProfile(
      profileFromText(`
        [truncated]
        NAME
      `),
    )
    const frames = { ...tree.frames, name: tree.frames.name.map((one) => (one === 'NAME' ? name : one)) }
    const [program] = programsOf(groupTrees([{ path: ['sh'], tree: { ...tree, frames } }]))
    expect(program!.rootless).toBe(rootless)
  })
})

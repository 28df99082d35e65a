import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assertProfile, TRUNCATED_KIND } from '../model/profile.ts'
import { diffTrees } from '../tree/diff.ts'
import { invertTree } from '../tree/invert.ts'
import { pruneTree } from '../tree/prune.ts'
import { arbLabels, arbProfile, arbTree } from './arbitrary.ts'
import { drawDiff, drawTree, profileFromText, treeFromDrawing } from './draw.ts'
import { outdent } from './outdent.ts'

describe('profileFromText', () => {
  it('makes one sample of each column, its locations leaf last', () => {
    const profile = profileFromText(`
      main main
      read
    `)
    assertProfile(profile)
    expect([...profile.samples.stack]).toEqual([2, 1])
    expect([...profile.stacks.parent]).toEqual([-1, 0, 1])
    expect([...profile.samples.value]).toEqual([1, 1])
  })

  it('takes values from a last line of numbers', () => {
    const profile = profileFromText(`
      a  b  c
      10    0.5
    `)
    expect([...profile.samples.value]).toEqual([10, 0, 0.5])
  })

  it('knows inlining, files, mappings, addresses and stacks that end early', () => {
    const profile = profileFromText('[truncated]\n/lib/x.so!outer@o.c>inner@i.c\nvmlinux!+0xffffffff81000010')
    const { strings, functions, mappings, locations } = profile
    assertProfile(profile)
    expect([...locations.lineStart]).toEqual([0, 0, 2, 2])
    expect(Array.from(functions.name, (name) => strings[name])).toEqual(['inner', 'outer'])
    expect(Array.from(functions.file, (file) => strings[file])).toEqual(['i.c', 'o.c'])
    expect(Array.from(mappings.file, (file) => strings[file])).toEqual(['/lib/x.so', 'vmlinux'])
    expect(strings[locations.kind[0]!]).toBe(TRUNCATED_KIND)
    expect([locations.addressHigh[2], locations.addressLow[2]]).toEqual([0xffffffff, 0x81000010])
  })

  it('refuses a word under no column', () => {
    expect(() => profileFromText('main work\n  read')).toThrow(
      '"read" begins at 2, where no column begins: 0, 5',
    )
  })
})

describe('drawings of trees', () => {
  const drawing = outdent(`
    lib!main@m.c 9     operator new 1  ∅ 2
    a 3             b 6
    c 1  (folded:4) 2
  `)

  it('read back as what they were', () => {
    const tree = treeFromDrawing(
      outdent(`
        main 9             idle 1  ∅ 2
        a 3  longer name 6
        c 1
      `),
    )
    expect(drawTree(tree)).toBe(
      outdent(`
        main 9              idle 1  ∅ 2
        a 3  longer name 6
        c 1
      `),
    )
    expect(tree.total[0]).toBe(12)
    expect([...tree.self]).toEqual([2, 0, 2, 1, 6, 1])
  })

  it('carry files, mappings, blanks and folded counts', () => {
    const tree = treeFromDrawing(drawing)
    expect(tree.frames.mapping).toContain('lib')
    expect(tree.frames.file).toContain('m.c')
    expect(tree.frames.name).toContain('operator new')
    expect([...tree.folded!].filter((count) => count > 0)).toEqual([4])
    expect(drawTree(treeFromDrawing(drawTree(tree)))).toBe(drawTree(tree))
  })

  it('refuse boxes that hang in the air and children that outweigh their parent', () => {
    expect(() => treeFromDrawing('  a 1\nb 1\n  c')).toThrow('b 1 stands under no box')
    expect(() => treeFromDrawing('a 1\nb')).toThrow('b is no box: write "name total"')
    expect(() => treeFromDrawing('a 1\nb 2')).toThrow('the children of box 1 are heavier than it')
  })

  it('of any tree, inverted or pruned, read back as the same', () => {
    fc.assert(
      fc.property(arbTree(), fc.integer({ min: 1, max: 9 }), (tree, maxNodes) => {
        for (const each of [tree, invertTree(tree), pruneTree(tree, maxNodes).tree]) {
          if (each.depth.length === 1) continue
          const { kind: _, ...frames } = each.frames // kinds are not drawn
          expect(treeFromDrawing(drawTree(each))).toMatchObject({ ...each, frames })
        }
      }),
    )
  })

  it('of a diff bear both values', () => {
    const diff = diffTrees({ baseline: treeFromDrawing('a 1  ∅ 1'), comparison: treeFromDrawing('a 3\nb 2') })
    expect(drawDiff(diff)).toBe('a 1→3  ∅ 1→0\nb 0→2')
  })
})

describe('generators', () => {
  it('make sound profiles and label sets', () => {
    fc.assert(fc.property(arbProfile(), (profile) => assertProfile(profile)))
    fc.assert(
      fc.property(arbLabels, (labels) => {
        const names = labels.map(([name]) => name)
        expect(names).toEqual([...new Set(names)].sort((a, b) => (a < b ? -1 : 1)))
        expect(labels.every(([, value]) => value !== '')).toBe(true)
      }),
    )
  })
})

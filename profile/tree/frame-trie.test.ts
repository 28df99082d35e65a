import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TRUNCATED_KIND } from '../model/profile.ts'
import { arbProfile } from '../testing/arbitrary.ts'
import { drawTree, profileFromText, treeFromStacks } from '../testing/draw.ts'
import { outdent } from '../testing/outdent.ts'
import { addressName, baseName, frameTrie } from './frame-trie.ts'

describe('frameTrie', () => {
  it('expands inlined calls, the outermost nearest to the root', () => {
    const tree = treeFromStacks(`
      main             main
      parse>next>peek  parse
    `)
    expect(drawTree(tree)).toBe(
      outdent(`
        main 2
        parse 2
        next 1
        peek 1
      `),
    )
  })

  it('merges call sites: locations of one function are one frame', () => {
    const profile = profileFromText(`
      main  main  main
      f     g>f   f
    `)
    const { trie, nodeOfStack } = frameTrie(profile)
    expect(trie.frames.name).toEqual(['total', 'main', 'f', 'g'])
    expect([...trie.parent]).toEqual([-1, 0, 1, 1, 3])
    expect([...nodeOfStack].sort()).toEqual([0, 1, 2, 4])
  })

  it('names what has no function by mapping and address', () => {
    expect(
      drawTree(
        treeFromStacks(`
          main              main
          /lib/x.so!+0x1f3a +0xffffffff81000010
        `),
      ),
    ).toBe(
      outdent(`
        main 2
        0xffffffff81000010 1  x.so!x.so+0x1f3a 1
      `),
    )
  })

  it('makes one frame of all stacks that end early', () => {
    const { trie } = frameTrie(profileFromText('a!f [truncated]\n    b!g'))
    const row = trie.frames.name.indexOf('[truncated]')
    expect(trie.frames.kind[row]).toBe(TRUNCATED_KIND)
    expect(trie.frames.mapping[row]).toBe('')
  })

  it('keeps its promise: parents first, children of one parent different', () => {
    fc.assert(
      fc.property(arbProfile(), (profile) => {
        const { trie, nodeOfStack } = frameTrie(profile)
        const seen = new Set<string>()
        for (let node = 1; node < trie.parent.length; node++) {
          expect(trie.parent[node]!).toBeLessThan(node)
          seen.add(`${trie.parent[node]} ${trie.frame[node]}`)
        }
        expect(seen.size).toBe(trie.parent.length - 1)
        expect(Math.max(...nodeOfStack)).toBeLessThan(trie.parent.length)
      }),
    )
  })
})

describe('addressName and baseName', () => {
  it('write 64-bit addresses and mappings without their folders', () => {
    expect(addressName({ mapping: 'vmlinux', high: 0xffffffff, low: 0x10 })).toBe(
      'vmlinux+0xffffffff00000010',
    )
    expect(addressName({ mapping: '', high: 0, low: 0xab })).toBe('0xab')
    expect(baseName('/usr/lib/libc.so.6')).toBe('libc.so.6')
    expect(baseName('[vdso]')).toBe('[vdso]')
    expect(baseName('/')).toBe('/')
    expect(baseName('')).toBe('')
  })
})

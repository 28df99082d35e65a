import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TrieBuilder } from './trie-builder.ts'

describe('TrieBuilder', () => {
  it('gives equal pairs one node, through every growth', () => {
    const trie = new TrieBuilder()
    const first = Array.from({ length: 5_000 }, (_, i) => trie.child(i >>> 1, i & 1))
    const again = Array.from({ length: 5_000 }, (_, i) => trie.child(i >>> 1, i & 1))
    expect(again).toEqual(first)
    expect(trie.count).toBe(5_001)
  })

  it('equals a Map of pairs', () => {
    const steps = fc.array(fc.tuple(fc.nat(), fc.nat(5)), { maxLength: 300 })
    fc.assert(
      fc.property(steps, (pairs) => {
        const trie = new TrieBuilder()
        const known = new Map<string, number>()
        for (const [pick, frame] of pairs) {
          const parent = pick % trie.count
          const node = trie.child(parent, frame)
          expect(node).toBe(known.get(`${parent} ${frame}`) ?? known.size + 1)
          known.set(`${parent} ${frame}`, node)
        }
        const { parent, frame } = trie.columns()
        for (const [key, node] of known) expect(`${parent[node]} ${frame[node]}`).toBe(key)
      }),
    )
  })
})

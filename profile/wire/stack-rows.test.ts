import { describe, expect, it } from 'vitest'
import { StackRows } from './stack-rows.ts'
import { Tally } from './wire-limits.ts'

/** Stacks of one-letter locations, leaf first; the trie as paths from the root. */
function trieOf(stacks: readonly string[], depthMax = 100) {
  const names: string[] = []
  const row = (name: string) => (names.includes(name) ? names.indexOf(name) : names.push(name) - 1)
  const cut = new Tally()
  const rows = new StackRows({ frameCount: () => 1, addMarker: row }, { depthMax, cut })
  for (const stack of stacks) {
    for (const letter of stack) rows.push(row(letter))
    rows.end()
  }
  const { table, nodeOf } = rows.finish()
  const path = (node: number): string =>
    node === 0 ? '' : path(table.parent[node]!) + names[table.location[node]!]!
  return { paths: Array.from(nodeOf, path), nodes: table.parent.length, cut, rows }
}

describe('StackRows', () => {
  it('lays stacks that share callers on shared nodes, whatever their order', () => {
    //        a          the empty stack, a, ab, abc, ad: five nodes
    //      b   d
    //      c
    const { paths, nodes } = trieOf(['cba', 'da', 'ba', 'cba', ''])
    expect(paths).toEqual(['abc', 'ad', 'ab', 'abc', ''])
    expect(nodes).toBe(5)
  })
  it('cuts what is deeper than allowed in the middle, and counts it', () => {
    const { paths, cut } = trieOf(['hgfedcba'], 6)
    expect(paths).toEqual(['abc[3 frames cut]gh'])
    expect(cut.list()).toEqual([{ reason: 'stack_depth', count: 1 }])
  })
  it('forgets a stack that is dropped', () => {
    const rows = new StackRows({ frameCount: () => 1, addMarker: () => 0 }, { depthMax: 9, cut: new Tally() })
    rows.push(7)
    rows.drop()
    rows.push(3)
    rows.end()
    expect([...rows.finish().table.location]).toEqual([-1, 3])
  })
})

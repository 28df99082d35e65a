// The page as text: what it carries, and that nothing in it can be more than text. How it behaves is `page/page.test.ts`.
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { arbTree } from '../testing/arbitrary.ts'
import { treeFromDrawing, treeFromStacks } from '../testing/draw.ts'
import type { CallTree } from '../tree/call-tree.ts'
import { diffTrees } from '../tree/diff.ts'
import { type HtmlOptions, treeHtml } from './html.ts'
import type { PageData } from './page-data.ts'

const html = (tree: Parameters<typeof treeHtml>[0], over: Partial<HtmlOptions> = {}) =>
  treeHtml(tree, {
    title: 'cart',
    subtitle: '3 samples',
    unit: 'count',
    orientation: 'flame',
    script: 'draw()',
    style: 'p{margin:0}',
    ...over,
  })

const dataOf = (page: string): PageData =>
  JSON.parse(/<script id="profile" type="application\/json">([^<]*)<\/script>/.exec(page)![1]!) as PageData

/** The tree again, as rows of names: a row per box, indented by its depth. */
const outline = ({ depth, name, share }: PageData): string[] =>
  name.map((text, node) => `${'  '.repeat(depth[node]!)}${text} ${Math.round(share[node]! * 100)}`)

const TREE = treeFromStacks(`
  main main main
  read read work
  disk
`)
const named = (name: string): CallTree => {
  const tree = treeFromDrawing('a 3')
  return { ...tree, frames: { ...tree.frames, name: ['total', name] } }
}

describe('treeHtml', () => {
  it('carries the boxes as columns', () => {
    expect(outline(dataOf(html(TREE)))).toEqual([
      'total 100',
      '  main 100',
      '    read 67',
      '      disk 33',
      '    work 33',
    ])
  })

  it('carries signs and marks of a diff', () => {
    const diff = diffTrees({ baseline: treeFromDrawing('a 6  b 4'), comparison: treeFromDrawing('a 8  c 2') })
    const { label, mark } = dataOf(html(diff))
    expect(label.slice(1)).toEqual(['▲ a +20.0 pt', '▼ b −40.0 pt', '▲ c +20.0 pt'])
    expect(mark.slice(1)).toEqual(['', 'gone', 'new'])
  })

  it('counts in words what is folded', () => {
    const crowd = treeFromDrawing(Array.from({ length: 1_500 }, (_, i) => `f${i} 1`).join('  '))
    const page = html(crowd)
    expect(dataOf(page).name).toHaveLength(1_000)
    expect(dataOf(page).mark.at(-1)).toBe('folded')
    expect(page).toContain('502 small frames have no box of their own')
  })

  it('lets its own script and style work and refuses all else', () => {
    const page = html(TREE)
    const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
    const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)![1]
    expect(policy).toBe(
      `default-src 'none'; script-src ${hash('draw()')}; style-src ${hash('p{margin:0}')}; base-uri 'none'; form-action 'none'`,
    )
    expect(page).not.toMatch(/https?:|src=|href=/)
  })

  it('refuses a script or style that would end its element early', () => {
    expect(() => html(TREE, { script: 'a="</SCRIPT>"' })).toThrow('holds "</SCRIPT"')
    expect(() => html(TREE, { style: '</style>' })).toThrow('holds "</style"')
    expect(() => html(TREE, { script: 'a\r\nb' })).toThrow('cannot embed')
  })

  it('keeps the number of elements, whatever names, titles and units hold', () => {
    const tags = (page: string) => [...page.matchAll(/<[a-z!/][^>]*/gi)].map(([tag]) => tag.split(' ')[0])
    const plain = tags(html(named('a'), { title: 'a', subtitle: 'a', unit: 'a', counted: 'a' }))
    for (const name of [
      '</script><script>alert(1)</script>',
      '<!--',
      '<img src=x onerror=alert(1)>',
      '"\'><b>',
    ]) {
      const page = html(named(name), { title: name, subtitle: name, unit: name, counted: name })
      expect(tags(page)).toEqual(plain)
      expect(dataOf(page).name[1]).toBe(name)
    }
  })

  it('shows what turns the direction of writing, and bounds what is long', () => {
    expect(dataOf(html(named('user\u202enimda'))).name[1]).toBe('user\\u{202e}nimda')
    expect(html(named('x'.repeat(10_000)), { title: 'y'.repeat(10_000) }).length).toBeLessThan(6_000)
  })

  it('carries every box of any tree that fits, in its order', () => {
    fc.assert(
      fc.property(arbTree(), (tree) => {
        const { depth, share } = dataOf(html(tree))
        expect(depth).toEqual([...tree.depth])
        const whole = tree.total[0]!
        share.forEach((width, node) => {
          expect(width).toBeCloseTo(whole > 0 ? tree.total[node]! / whole : 0, 9)
        })
      }),
    )
  })
})

// The picture as text: what is drawn where, that it stays well-formed whatever names hold, and that nothing is lost.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { arbTree } from '../testing/arbitrary.ts'
import { treeFromDrawing, treeFromStacks } from '../testing/draw.ts'
import type { CallTree } from '../tree/call-tree.ts'
import { diffTrees } from '../tree/diff.ts'
import { invertTree } from '../tree/invert.ts'
import { type SvgOptions, treeSvg } from './svg.ts'

const svg = (tree: Parameters<typeof treeSvg>[0], over: Partial<SvgOptions> = {}) =>
  treeSvg(tree, { title: 'cart', subtitle: '8 samples', unit: 'count', orientation: 'icicle', ...over })

/** Elements in document order: name, attributes as written, text. Throws where XML is not well-formed. */
function parseXml(document: string): { name: string; attributes: Map<string, string>; text: string }[] {
  const rest = document.replace(/^<\?xml version="1\.0" encoding="UTF-8"\?>\n/, '')
  const elements: { name: string; attributes: Map<string, string>; text: string }[] = []
  const open: (typeof elements)[number][] = []
  const token =
    /<\/([A-Za-z]+)>|<([A-Za-z]+)((?: [A-Za-z:-]+="[^"<]*")*)(\/?)>|((?:[^<>&]|&(?:amp|lt|gt|quot|#39);)+)/y
  for (token.lastIndex = 0; token.lastIndex < rest.length; ) {
    const at = token.lastIndex
    const match = token.exec(rest)
    if (match === null) throw new Error(`not well-formed at ${at}: ${rest.slice(at, at + 60)}`)
    const [, end, name, attributes = '', isEmpty, text] = match
    if (end !== undefined && open.pop()?.name !== end) throw new Error(`</${end}> closes nothing`)
    if (text !== undefined && open.length > 0) open.at(-1)!.text += text
    if (name === undefined) continue
    if (elements.length > 0 && open.length === 0) throw new Error('a second root')
    const pairs = [...attributes.matchAll(/([A-Za-z:-]+)="([^"]*)"/g)].map(
      ([, key, value]) => [key!, value!] as const,
    )
    const element = { name, attributes: new Map(pairs), text: '' }
    if (element.attributes.size !== pairs.length) throw new Error(`an attribute twice in <${name}>`)
    elements.push(element)
    if (isEmpty === '') open.push(element)
  }
  if (open.length > 0) throw new Error(`<${open.at(-1)!.name}> stays open`)
  return elements
}

/** Titles of the boxes by row, from the top of the picture; names alone. */
function rowsOf(document: string): string[] {
  const rows = new Map<number, string[]>()
  for (const [, title, y] of document.matchAll(/<g><title>([^<]*)<\/title><rect x="[^"]*" y="([^"]*)"/g)) {
    const row = rows.get(Number(y)) ?? []
    row.push(title!.split(',')[0]!)
    rows.set(Number(y), row)
  }
  return [...rows].sort(([one], [other]) => one - other).map(([, row]) => row.join('  '))
}

const titles = (document: string) => [...document.matchAll(/<g><title>([^<]*)</g)].map(([, title]) => title!)

const TREE = treeFromStacks(`
  main main main
  read read work
  disk
`)

describe('treeSvg', () => {
  it('draws an icicle from the top, a flame graph from the bottom', () => {
    expect(rowsOf(svg(TREE))).toEqual(['total', 'main', 'read  work', 'disk'])
    expect(rowsOf(svg(TREE, { orientation: 'flame' }))).toEqual(['disk', 'read  work', 'main', 'total'])
  })

  it('draws an iceberg with the base first', () => {
    expect(rowsOf(svg(invertTree(TREE), { isInverted: true }))).toEqual([
      'total',
      'disk  read  work',
      'read  main  main',
      'main',
    ])
  })

  it('says in every title what the box is', () => {
    expect(titles(svg(TREE))).toEqual([
      'total, 100 %, 3, self 0 %',
      'main, 100 %, 3, self 0 %',
      'read, 66.7 %, 2, self 33.3 %',
      'disk, 33.3 %, 1, self 33.3 %',
      'work, 33.3 %, 1, self 33.3 %',
    ])
  })

  it('marks a diff by signs, edges and words, not by colour alone', () => {
    const baseline = treeFromDrawing('a 6  b 4')
    const comparison = treeFromDrawing('a 8  c 2')
    const document = svg(diffTrees({ baseline, comparison }))
    expect(
      titles(document)
        .slice(1)
        .map((title) => title.split(', baseline')[0]),
    ).toEqual(['a, ▲ +20.0 pt worse', 'b, ▼ −40.0 pt gone', 'c, ▲ +20.0 pt new'])
    const labels = parseXml(document).map(({ text }) => text)
    expect(labels).toEqual(expect.arrayContaining(['▲ a +20.0 pt', '▼ b −40.0 pt', '▲ c +20.0 pt']))
    expect(document.match(/stroke-dasharray/g)).toHaveLength(1)
  })

  it('puts boxes where their shares are, in the width it is given', () => {
    const rects = parseXml(svg(TREE, { widthPx: 320 })).filter(
      ({ name, attributes }) => name === 'rect' && attributes.get('height') === '17',
    )
    const places = rects.map(({ attributes }) => [attributes.get('x'), attributes.get('width')])
    expect(places).toEqual([
      ['10', '299'],
      ['10', '299'],
      ['10', '199'],
      ['10', '99'],
      ['210', '99'],
    ])
  })

  it('says so where there are no samples, and draws no box', () => {
    const empty = treeFromDrawing('a 0')
    expect(titles(svg(empty))).toEqual([])
    expect(svg(empty)).toContain('No samples.')
  })

  it('takes its colours from the theme', () => {
    expect(svg(TREE, { theme: 'dark' })).toContain('fill="#181b1f"')
    expect(svg(TREE, { theme: 'light' })).toContain('fill="#ffffff"')
  })
})

describe('too many frames', () => {
  const crowd = treeFromDrawing(Array.from({ length: 40 }, (_, i) => `f${i} ${i + 1}`).join('  '))

  it('are folded into hatched boxes and counted in words', () => {
    const document = svg(crowd, { framesMax: 10 })
    expect(titles(document)).toHaveLength(10)
    expect(document).toContain(
      '32 small frames have no box of their own: they are folded into the boxes &quot;(… more)&quot;, 64.4 % of the width.',
    )
    expect(document.match(/fill="url\(#folded\)"/g)).toHaveLength(1)
    expect(titles(document).at(-1)).toBe('(32 more), 64.4 %, 528, self 64.4 %')
  })

  it('are at most 1,000 unless said otherwise', () => {
    const wide = treeFromDrawing(Array.from({ length: 1_500 }, (_, i) => `f${i} 1`).join('  '))
    expect(titles(svg(wide))).toHaveLength(1_000)
  })

  it('are as few as the bound allows', () => {
    const tree = treeFromDrawing(`
      p 30        q 30        r 30
      a 20  b 10  c 20  d 10  e 20  f 10
    `)
    const boxes = [10, 9, 8, 7, 6, 5].map((framesMax) => titles(svg(tree, { framesMax })).length)
    expect(boxes).toEqual([10, 9, 8, 7, 6, 4]) // a fifth frame would need two folded boxes more
  })

  it('never exceed the bound, and those left out are counted to the last one', () => {
    fc.assert(
      fc.property(arbTree({ samples: 30 }), fc.integer({ min: 2, max: 40 }), (tree, framesMax) => {
        const document = svg(tree, { framesMax })
        const drawn = titles(document)
        expect(drawn.length).toBeLessThanOrEqual(framesMax)
        const more = drawn.filter((title) => title.startsWith('('))
        const folded = more.map((title) => Number(/^\((\d+) more\)/.exec(title)?.[1] ?? 0))
        if (tree.total.every((total) => total > 0))
          expect(drawn.length - more.length + folded.reduce((sum, count) => sum + count, 0)).toBe(
            tree.depth.length,
          )
      }),
    )
  })

  it('refuses a bound that leaves no room for the rest', () => {
    expect(() => svg(TREE, { framesMax: 1 })).toThrow('framesMax is 1; at least 2')
  })
})

const HOSTILE: Readonly<Record<string, string>> = {
  'an image with a handler': '<img src=x onerror=alert(1)>',
  'the end of the picture and a script': '</title></svg><script>alert(1)</script>',
  'a foreign object': '"><foreignObject/>',
  'an attribute': "' onload='alert(1)",
  'entities, CDATA and comments': ']]>&lt;&amp;<!--',
  'right-to-left and invisible marks': 'user\u202eni\u200bmda',
  'control characters': 'nul\u0000bell\u0007esc\u001b[31m',
  'halves of pairs': 'half \ud800 pair \udc00',
  noncharacters: '\uffff\ufffe',
  '10 kB': 'x'.repeat(10_000),
  '10,000 wide letters': '日本'.repeat(5_000),
}
/** A chain of frames with these names. */
function chainOf(names: readonly string[]): CallTree {
  const n = names.length + 1
  const column = ['total', ...names]
  const blank = column.map(() => '')
  return {
    frames: { name: column, file: blank, mapping: blank, kind: blank },
    depth: Uint16Array.from({ length: n }, (_, i) => i),
    frame: Uint32Array.from({ length: n }, (_, i) => i),
    self: Float64Array.from({ length: n }, (_, i) => (i === n - 1 ? 1 : 0)),
    total: new Float64Array(n).fill(1),
  }
}

describe('hostile names', () => {
  const ALLOWED = ['svg', 'title', 'desc', 'defs', 'pattern', 'path', 'rect', 'text', 'g']

  it.each(Object.entries(HOSTILE))('with %s stay text in titles, labels and headings', (_, name) => {
    for (const theme of ['dark', 'light'] as const) {
      const document = svg(chainOf([name]), {
        title: name,
        subtitle: `${name}\n${name}`,
        counted: name,
        theme,
      })
      const elements = parseXml(document)
      expect(elements.filter((element) => !ALLOWED.includes(element.name))).toEqual([])
      const attributes = elements.flatMap((element) => [...element.attributes.keys()])
      expect(
        attributes.filter((attribute) => attribute.startsWith('on') || attribute.endsWith('href')),
      ).toEqual([])
      expect(document).not.toMatch(/[\u0000-\u0008\u200b-\u200f\u202a-\u202e\u2066-\u2069]|\p{Surrogate}/u)
      expect(document.length).toBeLessThan(20_000)
    }
  })

  it('of any letters leave it well-formed', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 5 }), (names) => {
        const elements = parseXml(svg(chainOf(names), { title: names[0]! }))
        expect(elements.filter(({ name }) => !ALLOWED.includes(name))).toEqual([])
      }),
    )
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { arbTree } from '#profile/testing/arbitrary'
import { treeFromDrawing, treeFromStacks } from '#profile/testing/draw'
import { diffTrees } from '#profile/tree/diff'
import { invertTree } from '#profile/tree/invert'
import type { AnswerMeta } from '#profile/wire/query-api'
import { diffFromJson, treeFromJson } from '#profile/wire/tree-answer'
import { DEFAULT_VIEW } from '../flamegraph/view-state.ts'
import type { PanelContent } from './content.ts'
import { type ExportFormat, type ExportInput, exportFile, exportFormats } from './export-file.ts'
import { foldedText } from './folded-text.ts'

const META: AnswerMeta = {
  type: 'process_cpu:cpu:nanoseconds:cpu:nanoseconds',
  unit: 'nanoseconds',
  fromMs: Date.UTC(2026, 10, 24, 10),
  toMs: Date.UTC(2026, 10, 24, 10, 15),
  samples: 3,
  endEarly: 0,
  unnamed: 0,
  nodes: { sent: 5, folded: 0 },
  sampleProfile: false,
  coverage: { unreadable: [] },
  tookMs: 1,
}
const TREE = treeFromStacks(`
  main main main
  read read work
  disk
`)
const CONTENT: PanelContent = {
  tree: TREE,
  isInverted: false,
  unit: 'nanoseconds',
  meta: META,
  selector: '{service_name="cart"}',
}
const DIFF: PanelContent = {
  ...CONTENT,
  tree: diffTrees({ baseline: TREE, comparison: treeFromDrawing('main 4') }),
  baselineMeta: META,
}
const made = (format: ExportFormat, over: Partial<ExportInput> = {}) =>
  exportFile(format, {
    content: CONTENT,
    view: DEFAULT_VIEW,
    title: '',
    isDark: false,
    comparing: 'share',
    printTime: (ms, pattern) =>
      pattern.includes('_') ? '2026-11-24_10-00-00' : new Date(ms).toISOString().slice(0, 10),
    ...over,
  })

describe('foldedText', () => {
  it('prints what every box has for itself, root first', () => {
    expect(foldedText(TREE, { isInverted: false })).toBe('main;read 1\nmain;read;disk 1\nmain;work 1\n')
  })
  it('turns the stacks of an iceberg back', () => {
    const lines = foldedText(invertTree(TREE), { isInverted: true }).split('\n').sort()
    expect(lines).toEqual(['', 'main;read 1', 'main;read;disk 1', 'main;work 1'])
  })
  it('prints the same stacks of any tree and of its iceberg', () => {
    fc.assert(
      fc.property(arbTree(), (tree) => {
        const sorted = (text: string) => text.split('\n').sort()
        expect(sorted(foldedText(invertTree(tree), { isInverted: true }))).toEqual(
          sorted(foldedText(tree, { isInverted: false })),
        )
      }),
    )
  })
})

describe('exportFile', () => {
  it('names files by kind, selector and time, in letters that every system takes', async () => {
    expect((await made('SVG')).name).toBe('flametrail-flame_graph-service_name_cart-2026-11-24_10-00-00.svg')
    const hostile = { ...CONTENT, selector: '{a="../../etc/passwd\u202e<img>"}', isInverted: true }
    expect((await made('Folded', { content: hostile })).name).toMatch(
      /^flametrail-iceberg-[A-Za-z0-9._-]+\.folded$/,
    )
    expect((await made('JSON', { content: { ...CONTENT, selector: '日本' } })).name).toBe(
      'flametrail-flame_graph-2026-11-24_10-00-00.json',
    )
  })

  it('draws the zoomed part, and says so', async () => {
    const { text } = await made('SVG', { view: { ...DEFAULT_VIEW, zoom: ['main', 'read'] } })
    expect(text).toContain('under main › read')
    expect(text).toContain('{service_name=&quot;cart&quot;}')
    expect(text).toContain('<title>read, 100 %')
    expect(text).not.toContain('<title>work')
    expect((await made('SVG', { view: { ...DEFAULT_VIEW, zoom: ['gone'] } })).text).toContain('<title>work')
  })

  it('hands out the answer as it came, whatever part is shown', async () => {
    const view = { ...DEFAULT_VIEW, zoom: ['main', 'read'] }
    expect(treeFromJson(JSON.parse((await made('JSON', { view })).text))).toEqual({
      ok: true,
      value: { tree: TREE, meta: META },
    })
    const diff = diffFromJson(JSON.parse((await made('JSON', { content: DIFF })).text))
    expect(diff.ok && diff.value.tree).toEqual(DIFF.tree)
  })

  it('offers what the tree can be, and refuses the rest by name', async () => {
    expect(exportFormats(CONTENT)).toEqual(['SVG', 'HTML', 'Folded', 'JSON'])
    expect(exportFormats(DIFF)).toEqual(['SVG', 'HTML', 'JSON'])
    const foreign = { ...CONTENT, meta: undefined }
    expect(exportFormats(foreign)).toEqual(['SVG', 'HTML', 'Folded'])
    expect((await made('SVG', { content: foreign })).name).toBe(
      'flametrail-flame_graph-service_name_cart.svg',
    )
    await expect(made('Folded', { content: DIFF })).rejects.toThrow('no Folded form; it has SVG, HTML, JSON')
    await expect(made('JSON', { content: foreign })).rejects.toThrow('it has SVG, HTML, Folded')
  })
})

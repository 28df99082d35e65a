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
  it('names files by kind, selector and time, in letters that every system takes', () => {
    expect(made('SVG').name).toBe('flametrail-flame_graph-service_name_cart-2026-11-24_10-00-00.svg')
    const hostile = { ...CONTENT, selector: '{a="../../etc/passwd\u202e<img>"}', isInverted: true }
    expect(made('Folded', { content: hostile }).name).toMatch(/^flametrail-iceberg-[A-Za-z0-9._-]+\.folded$/)
    expect(made('JSON', { content: { ...CONTENT, selector: '日本' } }).name).toBe(
      'flametrail-flame_graph-2026-11-24_10-00-00.json',
    )
  })

  it('draws the zoomed part, and says so', () => {
    const { text } = made('SVG', { view: { ...DEFAULT_VIEW, zoom: ['main', 'read'] } })
    expect(text).toContain('under main › read')
    expect(text).toContain('{service_name=&quot;cart&quot;}')
    expect(text).toContain('<title>read, 100 %')
    expect(text).not.toContain('<title>work')
    expect(made('SVG', { view: { ...DEFAULT_VIEW, zoom: ['gone'] } }).text).toContain('<title>work')
  })

  it('hands out the answer as it came, whatever part is shown', () => {
    const view = { ...DEFAULT_VIEW, zoom: ['main', 'read'] }
    expect(treeFromJson(JSON.parse(made('JSON', { view }).text))).toEqual({
      ok: true,
      value: { tree: TREE, meta: META },
    })
    const diff = diffFromJson(JSON.parse(made('JSON', { content: DIFF }).text))
    expect(diff.ok && diff.value.tree).toEqual(DIFF.tree)
  })

  it('offers what the tree can be, and refuses the rest by name', () => {
    expect(exportFormats(CONTENT)).toEqual(['SVG', 'Folded', 'JSON'])
    expect(exportFormats(DIFF)).toEqual(['SVG', 'JSON'])
    const foreign = { ...CONTENT, meta: undefined }
    expect(exportFormats(foreign)).toEqual(['SVG', 'Folded'])
    expect(made('SVG', { content: foreign }).name).toBe('flametrail-flame_graph-service_name_cart.svg')
    expect(() => made('Folded', { content: DIFF })).toThrow('no Folded form; it has SVG, JSON')
    expect(() => made('JSON', { content: foreign })).toThrow('it has SVG, Folded')
  })
})

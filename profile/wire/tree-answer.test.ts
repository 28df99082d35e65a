import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { arbTree } from '../testing/arbitrary.ts'
import type { CallTree, DiffTree } from '../tree/call-tree.ts'
import { diffTrees } from '../tree/diff.ts'
import { invertDiff, invertTree } from '../tree/invert.ts'
import { pruneDiff, pruneTree } from '../tree/prune.ts'
import type { AnswerMeta } from './query-api.ts'
import { diffFromJson, diffToJson, treeFromJson, treeToJson } from './tree-answer.ts'

const META: AnswerMeta = {
  type: 'process_cpu:cpu:nanoseconds:cpu:nanoseconds',
  unit: 'nanoseconds',
  fromMs: 1000,
  toMs: 2000,
  samples: 3,
  endEarly: 0.5,
  unnamed: 0.25,
  nodes: { sent: 4, folded: 0 },
  sampleProfile: false,
  coverage: { unreadable: [] },
  tookMs: 1.5,
}
//  total 3
//    main 3
//      read 2   work 1
const TREE: CallTree = {
  frames: {
    name: ['total', 'main', 'read', 'work'],
    file: ['', 'main.c', '', 'main.c'],
    mapping: ['', 'app', 'vmlinux', 'app'],
    kind: ['', 'native', 'kernel', 'native'],
  },
  depth: Uint16Array.of(0, 1, 2, 2),
  frame: Uint32Array.of(0, 1, 2, 3),
  self: Float64Array.of(0, 0, 2, 1),
  total: Float64Array.of(3, 3, 2, 1),
}
const DIFF: DiffTree = {
  frames: TREE.frames,
  depth: TREE.depth,
  frame: TREE.frame,
  baselineSelf: TREE.self,
  baselineTotal: TREE.total,
  comparisonSelf: Float64Array.of(0, 0, 0, 8),
  comparisonTotal: Float64Array.of(8, 8, 0, 8),
  folded: Uint32Array.of(0, 0, 0, 7),
}
const overWire = (json: unknown): unknown => JSON.parse(JSON.stringify(json))
const read = (change: object) => {
  const parsed = treeFromJson({ ...treeToJson(TREE, META), ...change })
  return parsed.ok ? 'accepted' : parsed.error.message
}

describe('a tree on the wire', () => {
  it('comes back as it went', () => {
    expect(treeFromJson(overWire(treeToJson(TREE, META)))).toEqual({
      ok: true,
      value: { tree: TREE, meta: META },
    })
    const folded = { ...TREE, folded: Uint32Array.of(0, 0, 0, 2) }
    expect(treeFromJson(overWire(treeToJson(folded, META)))).toMatchObject({
      ok: true,
      value: { tree: folded },
    })
  })

  it('comes back as it went: a flame graph, an iceberg, pruned or not', () => {
    const asked = fc.record({ tree: arbTree(), maxNodes: fc.integer({ min: 1, max: 12 }) })
    fc.assert(
      fc.property(asked, ({ tree, maxNodes }) => {
        const shapes = [
          tree,
          invertTree(tree),
          invertTree(tree, { maxNodes }),
          pruneTree(tree, maxNodes).tree,
          pruneTree(invertTree(tree), maxNodes).tree,
        ]
        for (const one of shapes)
          expect(treeFromJson(overWire(treeToJson(one, META)))).toEqual({
            ok: true,
            value: { tree: one, meta: META },
          })
      }),
    )
  })

  it('comes back as it went: a diff, upright or inverted, pruned or not', () => {
    const asked = fc.record({
      baseline: arbTree(),
      comparison: arbTree(),
      maxNodes: fc.integer({ min: 1, max: 12 }),
    })
    fc.assert(
      fc.property(asked, ({ baseline, comparison, maxNodes }) => {
        const whole = diffTrees({ baseline, comparison })
        for (const tree of [
          whole,
          invertDiff(whole),
          pruneDiff(whole, maxNodes).tree,
          invertDiff(whole, { maxNodes }),
        ])
          expect(diffFromJson(overWire(diffToJson(tree, { baseline: META, comparison: META })))).toEqual({
            ok: true,
            value: { tree, baseline: META, comparison: META },
          })
      }),
    )
  })

  it('comes back as a diff', () => {
    expect(diffFromJson(overWire(diffToJson(DIFF, { baseline: META, comparison: META })))).toEqual({
      ok: true,
      value: { tree: DIFF, baseline: META, comparison: META },
    })
  })

  it('keeps names that repeat once', () => {
    expect(treeToJson(TREE, META).frames.strings).toEqual([
      '',
      'main.c',
      'app',
      'vmlinux',
      'native',
      'kernel',
    ])
  })
})

describe('what it says to an answer of something else', () => {
  it.each<[unknown, string]>([
    [null, 'the answer must be an object'],
    ['<html>', 'the answer must be an object'],
    [[], 'the answer must be an object'],
    [{}, 'its kind is undefined, expected "tree"'],
    [{ kind: 'series' }, 'its kind is "series", expected "tree"'],
    [{ kind: 'tree' }, 'frames must be an object'],
  ])('%j', (json, sentence) => {
    const parsed = treeFromJson(json)
    expect(parsed.ok ? '' : parsed.error.message).toBe(`not a Flametrail tree answer: ${sentence}`)
  })

  it.each<[string, object]>([
    ['frame has 4 entries for 3 rows', { depth: [0, 1, 2], frame: [0, 1, 2, 3] }],
    ['has no node', { depth: [] }],
    ['depth[0] must be 0', { depth: [1, 1, 2, 2] }],
    ['depth[2] is 3 after 1: not in pre-order', { depth: [0, 1, 3, 2] }],
    ['depth[2] is 0 after 1: not in pre-order', { depth: [0, 1, 0, 1] }],
    ['depth[1] must be a whole number', { depth: [0, 1.5, 2, 2] }],
    ['depth[1] must be a whole number', { depth: [0, -1, 2, 2] }],
    ['frame[0] must be 0', { frame: [1, 1, 2, 3] }],
    ['frame[3] must be a whole number from 0 to 3', { frame: [0, 1, 2, 4] }],
    ['frame must be a list', { frame: 'abc' }],
    ['self[2] must be a finite number', { self: [0, 0, null, 1] }],
    ['self[2] must be a finite number', { self: [0, 0, -2, 1] }],
    ['total has 5 entries for 4 nodes', { total: [3, 3, 2, 1, 0] }],
    ['total[1] is 3, but its self value and its children add up to 4', { self: [0, 1, 2, 1] }],
    ['folded[0] must be a whole number', { folded: [-1, 0, 0, 0] }],
    ['frames.strings must be a list', { frames: {} }],
    ['frames has no row', { frames: { strings: [''], name: [], file: [], mapping: [], kind: [] } }],
    [
      'frames.name[0] must be a text',
      { frames: { strings: [''], name: [1], file: [0], mapping: [0], kind: [0] } },
    ],
    [
      'frames.file[0] must be',
      { frames: { strings: [''], name: ['total'], file: [1], mapping: [0], kind: [0] } },
    ],
    ['meta must be an object', { meta: 1 }],
    ['samples must be a finite number', { meta: { ...META, samples: 'many' } }],
    ['meta.sampleProfile must be true or false', { meta: { ...META, sampleProfile: 0 } }],
    ['meta.coverage.unreadable[0] must be a text', { meta: { ...META, coverage: { unreadable: [1] } } }],
  ])('%s', (sentence, change) => {
    expect(read(change)).toMatch(/^not a Flametrail tree answer: /)
    expect(read(change)).toContain(sentence)
  })

  it('checks both sides of a diff', () => {
    const json = diffToJson(DIFF, { baseline: META, comparison: META })
    const parsed = diffFromJson({ ...json, comparisonTotal: [9, 8, 0, 8] })
    expect(parsed.ok ? '' : parsed.error.message).toContain('comparisonTotal[0] is 9')
    const other = diffFromJson({ ...json, comparison: null })
    expect(other.ok ? '' : other.error.message).toContain('comparison must be an object')
  })
})

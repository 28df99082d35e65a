import type { DataFrame } from '@grafana/data'
import { describe, expect, it } from 'vitest'
import type { CallTree, DiffTree } from '#profile/tree/call-tree'
import type { AnswerMeta, SeriesAnswer, TopAnswer } from '#profile/wire/query-api'
import { diffToJson, treeToJson } from '#profile/wire/tree-answer'
import { fieldType } from './columns.ts'
import { checkFrame, frameToTree } from './frame-to-tree.ts'
import { seriesToFrames, topToFrame } from './series-to-frame.ts'
import { diffToFrame, treeToFrame } from './tree-to-frame.ts'

const META: AnswerMeta = {
  type: 'process_cpu:cpu:nanoseconds:cpu:nanoseconds',
  unit: 'nanoseconds',
  fromMs: 0,
  toMs: 10_000,
  samples: 9,
  endEarly: 0.38,
  unnamed: 0,
  nodes: { sent: 4, folded: 0 },
  sampleProfile: false,
  coverage: { unreadable: [] },
  tookMs: 3,
}
const FRAMES = {
  name: ['total', 'main', 'read', 'read'],
  file: ['', 'main.c', 'io.c', ''],
  mapping: ['', 'app', 'app', 'vmlinux'],
  kind: ['', 'native', 'native', 'kernel'],
}
//  total 9
//  main  9
//  read 4 · read [kernel] 3
const TREE: CallTree = {
  frames: FRAMES,
  depth: Uint16Array.of(0, 1, 2, 2),
  frame: Uint32Array.of(0, 1, 2, 3),
  self: Float64Array.of(0, 2, 4, 3),
  total: Float64Array.of(9, 9, 4, 3),
}
const DIFF: DiffTree = {
  frames: FRAMES,
  depth: TREE.depth,
  frame: TREE.frame,
  baselineSelf: TREE.self,
  baselineTotal: TREE.total,
  comparisonSelf: Float64Array.of(0, 1, 0, 9),
  comparisonTotal: Float64Array.of(10, 10, 0, 9),
}
const frameOf = (tree: CallTree, invert?: boolean): DataFrame =>
  treeToFrame({ answer: treeToJson(tree, META), query: { invert }, refId: 'A' })

/** A tree as lines: level, name, file, mapping, self, total. */
function lines(tree: CallTree): string[] {
  return Array.from(tree.depth, (level, node) => {
    const frame = tree.frame[node]!
    const { name, file, mapping } = tree.frames
    return [level, name[frame], file[frame], mapping[frame], tree.self[node], tree.total[node]].join(' ')
  })
}
function treeOf(frame: DataFrame | undefined): CallTree {
  const read = frameToTree(frame)
  if (!read.ok) throw new Error(read.error.message)
  if (read.value.kind !== 'tree') throw new Error('a diff came')
  return read.value.tree
}

describe('a tree as a frame', () => {
  it('comes back as it went, namesakes in other files apart', () => {
    expect(lines(treeOf(frameOf(TREE)))).toEqual(lines(TREE))
    expect(lines(TREE)[3]).toBe('2 read  vmlinux 3 3')
  })

  it('keeps its columns by reference, and prints them as lists', () => {
    const frame = frameOf(TREE)
    expect(treeOf(frame).total).toBe(frame.fields.find((field) => field.name === 'value')!.values)
    expect(JSON.parse(JSON.stringify(frame)).fields[0].values).toEqual([0, 1, 2, 2])
  })

  it('survives a snapshot: JSON, and plain arrays instead of typed ones', () => {
    const frame = JSON.parse(JSON.stringify(frameOf(TREE))) as DataFrame
    expect(lines(treeOf(frame))).toEqual(lines(TREE))
  })

  it('asks for our panel, and for any flame graph where ours is missing', () => {
    expect(frameOf(TREE).name).toBe('response')
    expect(frameOf(TREE).meta).toMatchObject({
      preferredVisualisationPluginId: 'flametrail-flamegraph-panel',
      preferredVisualisationType: 'flamegraph',
      custom: { flametrail: { v: 1, view: 'flame', samples: 9, endEarly: 0.38 } },
    })
    expect(frameOf(TREE, true).meta).toMatchObject({
      preferredVisualisationPluginId: 'flametrail-iceberg-panel',
      custom: { flametrail: { view: 'iceberg' } },
    })
  })

  it('says in notices what is no measurement of this machine, and what could not be read', () => {
    const meta = { ...META, sampleProfile: true, coverage: { unreadable: ['2026-11-24T10'] } }
    const frame = treeToFrame({ answer: treeToJson(TREE, meta), query: {}, refId: 'A' })
    expect(frame.meta?.notices?.map((notice) => notice.text)).toEqual([
      'This is the sample profile, not this machine.',
      'Parts of the range could not be read: 2026-11-24T10.',
    ])
  })

  it('carries how many nodes were folded', () => {
    const folded = { ...TREE, folded: Uint32Array.of(0, 0, 0, 214) }
    expect([...treeOf(frameOf(folded)).folded!]).toEqual([0, 0, 0, 214])
  })

  it('refuses an answer whose columns contradict each other', () => {
    const answer = { ...treeToJson(TREE, META), self: [1] }
    expect(() => treeToFrame({ answer, query: {}, refId: 'A' })).toThrow(/self/)
  })
})

describe('a diff as a frame', () => {
  const frame = diffToFrame({
    answer: diffToJson(DIFF, { baseline: META, comparison: { ...META, samples: 10 } }),
    query: {},
    refId: 'A',
  })
  it('has the baseline in value and self, the comparison in valueRight and selfRight, and comes back', () => {
    const read = frameToTree(frame)
    if (!read.ok || read.value.kind !== 'diff') throw new Error('no diff')
    expect([...read.value.tree.baselineTotal]).toEqual([9, 9, 4, 3])
    expect([...read.value.tree.comparisonTotal]).toEqual([10, 10, 0, 9])
    expect([...read.value.tree.comparisonSelf]).toEqual([0, 1, 0, 9])
    expect(read.value.meta?.comparison.samples).toBe(10)
    expect(frame.meta?.preferredVisualisationPluginId).toBe('flametrail-diff-panel')
  })
  it('is refused with one of its sides missing', () => {
    const half = { ...frame, fields: frame.fields.filter((field) => field.name !== 'selfRight') }
    expect(checkFrame(half)).toMatch(/"valueRight" but not "selfRight"/)
  })
})

describe('frames of other data sources', () => {
  const foreign = (over: Record<string, unknown[]> = {}): DataFrame => {
    const columns = { level: [0, 1, 1], value: [5, 3, 1], self: [1, 3, 1], label: ['all', 'b', 'a'], ...over }
    const fields = Object.entries(columns).map(([name, values]) => ({
      name,
      values,
      config: name === 'value' ? { unit: 'bytes' } : {},
      type: name === 'label' ? fieldType('string') : fieldType('number'),
    }))
    return { fields, length: 3 }
  }

  it('are read with labels as text, without any meta', () => {
    const read = frameToTree(foreign())
    expect(read).toMatchObject({ ok: true, value: { kind: 'tree', unit: 'bytes' } })
    expect(lines(treeOf(foreign()))).toEqual(['0 all   1 5', '1 b   3 3', '1 a   1 1'])
  })

  it.each([
    ['a level that jumps', { level: [0, 2, 1] }, /"level" is 2 in row 1, allowed is 1 to 1/],
    ['two roots', { level: [0, 1, 0] }, /"level" is 0 in row 2/],
    ['a first row below the root', { level: [1, 1, 1] }, /"level" is 1 in row 0, allowed is 0 to 0/],
    ['a negative value', { value: [5, -3, 1] }, /"value" is -3 in row 1/],
    ['no number', { self: [1, Number.NaN, 1] }, /"self" is NaN in row 1/],
    ['null', { self: [1, null, 1] }, /"self" is null in row 1/],
    ['a short column', { self: [1] }, /"self" has 1 rows, "level" has 3/],
    ['a label that is no text', { label: ['all', 7, 'a'] }, /"label" is 7 in row 1/],
    ['no rows', { level: [], value: [], self: [], label: [] }, /profile is empty/],
  ])('are refused for %s', (_, over, sentence) => {
    const read = frameToTree(foreign(over))
    expect(read.ok ? 'accepted' : read.error.message).toMatch(sentence)
  })

  it('are told which fields are missing and what came instead', () => {
    const series: DataFrame = {
      length: 0,
      fields: ['time', 'value'].map((name) => ({ name, values: [], config: {}, type: fieldType('number') })),
    }
    expect(checkFrame(series)).toMatch(/"level", "self", "label" is missing, what came is time, value/)
    expect(checkFrame(undefined)).toMatch(/no data frame/)
    expect(checkFrame({ fields: [], length: 0 })).toMatch(/no fields/)
  })
})

describe('series and tables as frames', () => {
  const series: SeriesAnswer = {
    kind: 'series',
    meta: META,
    valueUnit: 'cores',
    stepS: 10,
    labels: [{ service_name: 'cart' }, {}],
    t: [0, 10_000],
    v: [
      [0.5, null],
      [1, 2],
    ],
  }
  it('make one frame a series, gaps as gaps, named by label', () => {
    const frames = seriesToFrames(series, 'B')
    expect(frames.map((frame) => frame.fields[1]!.config.displayNameFromDS)).toEqual(['cart', 'total'])
    expect(frames[0]!.fields[1]!.values).toEqual([0.5, null])
    expect(frames[0]!.fields[1]!.config.unit).toBe('cores')
    expect(frames[0]!.meta?.preferredVisualisationType).toBe('graph')
  })

  it('count the share of a function of all', () => {
    const top: TopAnswer = {
      kind: 'top',
      meta: META,
      total: 8,
      functions: 1,
      name: ['spin'],
      file: ['a.c'],
      mapping: ['app'],
      self: [2],
      totals: [4],
    }
    const table = topToFrame(top)
    expect(table.fields.map((field) => [field.name, field.values[0]])).toEqual([
      ['function', 'spin'],
      ['file', 'a.c'],
      ['mapping', 'app'],
      ['self', 2],
      ['total', 4],
      ['selfShare', 0.25],
    ])
  })
})

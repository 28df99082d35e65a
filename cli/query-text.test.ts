import { describe, expect, it } from 'vitest'
import { treeFromStacks } from '#profile/testing/draw'
import { diffTrees } from '#profile/tree/diff'
import type { AnswerMeta, QualityAnswer } from '#profile/wire/query-api'
import { changedFunctions, foldedLines, qualityTable } from './query-text.ts'

const tree = treeFromStacks(`
  main main main main
  read read work
  disk
`)

describe('foldedLines', () => {
  it('prints a line per stack that has value of its own', () => {
    expect(foldedLines(tree, undefined)).toBe('main 1\nmain;read 1\nmain;read;disk 1\nmain;work 1\n')
  })
  it('scales values to the samples they stand for', () => {
    expect(foldedLines(tree, 400)).toBe('main 100\nmain;read 100\nmain;read;disk 100\nmain;work 100\n')
  })
  it('prints nothing for an empty tree', () => {
    expect(foldedLines(treeFromStacks(''), 0)).toBe('')
  })
})

describe('changedFunctions', () => {
  it('compares shares of own time, the largest change first, and leaves out what stayed', () => {
    const comparison = treeFromStacks(`
      main main main main
      work work work
    `)
    const rows = changedFunctions(diffTrees({ baseline: tree, comparison }))
    expect(rows.map(({ name, baseline, comparison }) => [name, baseline, comparison])).toEqual([
      ['work', 0.25, 0.75],
      ['disk', 0.25, 0],
      ['read', 0.25, 0],
    ])
  })
})

describe('qualityTable', () => {
  const meta = (folded: number): AnswerMeta => ({
    ...{
      type: 'cpu',
      unit: 'nanoseconds',
      fromMs: 0,
      toMs: 1,
      samples: 130,
      sampleProfile: false,
      tookMs: 1,
    },
    ...{ endEarly: 0.0004, unnamed: 0.25, nodes: { sent: 2, folded }, coverage: { unreadable: [] } },
  })
  const answer = (folded = 0): QualityAnswer => ({
    kind: 'quality',
    meta: meta(folded),
    labels: [{ service_name: 'api' }, { service_name: '' }],
    samples: [120, 10],
    endEarly: [0, 1],
    unnamed: [0.2, 1 / 3],
  })

  it('prints shares rounded down, so that only all is 100 %', () => {
    expect(qualityTable(answer(7))).toBe(
      [
        'service_name  samples  complete   named',
        'api               120   100.0 %  80.0 %',
        '(none)             10     0.0 %  66.6 %',
        'all (7 more)      130    99.9 %  75.0 %',
        '',
      ].join('\n'),
    )
  })
  it('lets no label write to the terminal', () => {
    expect(qualityTable({ ...answer(), labels: [{ service_name: '\u001b[2J' }, {}] })).toContain('?[2J')
  })
  it('says that there is nothing', () => {
    expect(qualityTable({ ...answer(), labels: [], samples: [], endEarly: [], unnamed: [] })).toBe(
      'no samples\n',
    )
  })
})

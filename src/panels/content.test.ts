import type { DataFrame } from '@grafana/data'
import { describe, expect, it } from 'vitest'
import { invertTree } from '#profile/tree/invert'
import type { AnswerMeta } from '#profile/wire/query-api'
import { treeToJson } from '#profile/wire/tree-answer'
import { seriesToFrames } from '../frame/series-to-frame.ts'
import { treeToFrame } from '../frame/tree-to-frame.ts'
import { diffContent, flameContent, icebergContent, type ReadContent } from './content.ts'
import { emptySentence } from './sentences.ts'
import { changedTree, foldedTree, serviceTree } from './testing/sample-trees.ts'

const META: AnswerMeta = {
  type: 'process_cpu:cpu:nanoseconds:cpu:nanoseconds',
  unit: 'nanoseconds',
  fromMs: 0,
  toMs: 10_000,
  samples: 100,
  endEarly: 0,
  unnamed: 0,
  nodes: { sent: 21, folded: 0 },
  sampleProfile: false,
  coverage: { unreadable: [] },
  tookMs: 1,
}
const frame = (tree = serviceTree(), over: Partial<AnswerMeta> = {}, invert = false): DataFrame =>
  treeToFrame({ answer: treeToJson(tree, { ...META, ...over }), query: { invert }, refId: 'A' })
const series = seriesToFrames(
  { kind: 'series', meta: META, valueUnit: 'cores', stepS: 10, labels: [{}], t: [0], v: [[1]] },
  'A',
)
function said(read: ReadContent, frames: readonly DataFrame[]): string {
  const answer = read(frames)
  return answer.ok ? 'drawn' : answer.error.message
}
function drawn(read: ReadContent, frames: readonly DataFrame[]) {
  const answer = read(frames)
  if (!answer.ok) throw new Error(answer.error.message)
  return answer.value
}

describe('the flame graph', () => {
  it('finds the profile behind the series of the same query', () => {
    expect(drawn(flameContent, [...series, frame()])).toMatchObject({
      isInverted: false,
      unit: 'nanoseconds',
    })
  })
  it('objects to what is no profile', () => {
    expect(said(flameContent, series)).toMatch(/not a profile.*what came is time, value/)
    expect(said(flameContent, [])).toMatch(/no data frame/)
  })
})

describe('the iceberg', () => {
  it('turns a complete tree over, and leaves an inverted one as it is', () => {
    const turned = drawn(icebergContent, [frame()])
    const arrived = drawn(icebergContent, [frame(invertTree(serviceTree()), {}, true)])
    expect([turned.isInverted, arrived.isInverted]).toEqual([true, true])
    const bases = (content: typeof turned) =>
      Array.from(content.tree.depth).flatMap((depth, node) =>
        depth === 1 ? [content.tree.frames.name[content.tree.frame[node]!]!] : [],
      )
    expect(bases(turned)).toEqual(bases(arrived))
    expect(bases(turned)[0]).toBe('spin')
  })
  it('does not turn over what was trimmed, nor a diff', () => {
    expect(said(icebergContent, [frame(serviceTree(), { nodes: { sent: 21, folded: 7 } })])).toMatch(
      /7 nodes are folded/,
    )
  })
})

describe('the diff', () => {
  it('joins two profiles, the first as the baseline', () => {
    const { tree, baselineMeta } = drawn(diffContent, [
      frame(serviceTree(), { samples: 8 }),
      frame(changedTree()),
    ])
    expect(baselineMeta?.samples).toBe(8)
    expect('baselineTotal' in tree && [tree.baselineTotal[0], tree.comparisonTotal[0]]).toEqual([8e8, 1e9])
  })
  it('says what is wrong with one profile, two units, or an iceberg beside a flame graph', () => {
    expect(said(diffContent, [frame()])).toMatch(/a diff needs two/)
    expect(said(diffContent, [frame(), frame(serviceTree(), { unit: 'bytes' })])).toMatch(
      /baseline counts nanoseconds, the comparison bytes/,
    )
    expect(said(diffContent, [frame(), frame(invertTree(serviceTree()), {}, true)])).toMatch(/One of the two/)
    expect(said(diffContent, series)).toMatch(/not a profile/)
  })
})

describe('a profile without samples', () => {
  const printTime = (ms: number) => String(ms)
  it('is a sentence with the range and the cure', () => {
    const nothing = frame(foldedTree(''))
    expect(emptySentence(drawn(flameContent, [nothing]), printTime)).toMatch(
      /^No samples in .*Widen the time range/,
    )
    expect(emptySentence(drawn(flameContent, [frame()]), printTime)).toBeUndefined()
    expect(emptySentence(drawn(diffContent, [nothing, nothing]), printTime)).toMatch(
      /^No samples on either side/,
    )
    expect(emptySentence(drawn(diffContent, [nothing, frame()]), printTime)).toBeUndefined()
  })
})

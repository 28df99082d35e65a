// The model and what is said about it, on a tree small enough to be drawn:
//
//   total 10
//   main 10                       (self 1)
//   read 6          work 3        (read: self 2, work: self 3)
//   read 4                        (a recursion, self 4)
import { describe, expect, it } from 'vitest'
import { makeColoring } from '#profile/picture/colors'
import { barSign, changeWord, describeNode, nodeFacts, nodeName, presence } from '#profile/picture/describe'
import { makeFormat } from '#profile/picture/format'
import { makeModel, nodeAt, nodeExactlyAt, pathOf } from '#profile/picture/graph-model'
import { judge } from '#profile/picture/noise'
import type { CallTree, DiffTree } from '#profile/tree/call-tree'
import { findFrames, findNodes, matchesText, nextMatch } from './find.ts'
import { orderRows, tableRows, topChanges } from './function-rows.ts'
import { makePainter } from './paint.ts'
import type { BoxColumns, Label, Renderer, Surface } from './renderer.ts'
import { type Viewport, zoomRange } from './viewport.ts'
import { makeRow } from './visible-row.ts'
import { walk } from './walk.ts'

const FRAMES = {
  name: ['total', 'main', 'read', 'work'],
  file: ['', '', '', ''],
  mapping: ['', 'app', 'app', 'app'],
  kind: ['', '', '', ''],
}
const TREE: CallTree = {
  frames: FRAMES,
  depth: Uint16Array.of(0, 1, 2, 3, 2),
  frame: Uint32Array.of(0, 1, 2, 2, 3),
  self: Float64Array.of(0, 1, 2, 4, 3),
  total: Float64Array.of(10, 10, 6, 4, 3),
}
/** After: twice the load, `read` half of its share, `work` the rest; frames 3 gone. */
const DIFF: DiffTree = {
  frames: FRAMES,
  depth: TREE.depth,
  frame: TREE.frame,
  baselineSelf: TREE.self,
  baselineTotal: TREE.total,
  comparisonSelf: Float64Array.of(0, 2, 6, 0, 12),
  comparisonTotal: Float64Array.of(20, 20, 6, 0, 12),
}
const model = makeModel({ tree: TREE })
const diff = makeModel({ tree: DIFF })
const plain = makeFormat('count')

describe('makeModel', () => {
  it('draws a diff by the mean of both shares, whatever the load', () => {
    expect([...diff.drawn.total].map((share) => Math.round(share * 100))).toEqual([100, 100, 45, 20, 45])
  })
  it('keeps the widths of a diff when its sides are swapped', () => {
    const swapped = makeModel({
      tree: {
        ...DIFF,
        baselineSelf: DIFF.comparisonSelf,
        baselineTotal: DIFF.comparisonTotal,
        comparisonSelf: DIFF.baselineSelf,
        comparisonTotal: DIFF.baselineTotal,
      },
    })
    expect([...swapped.drawn.total]).toEqual([...diff.drawn.total])
  })
  it('draws the sums themselves in absolute terms', () => {
    const { drawn } = makeModel({ tree: DIFF, comparing: 'absolute' })
    expect([...drawn.total]).toEqual([30, 30, 12, 4, 15].map((sum) => expect.closeTo(sum / 30, 12)))
  })
  it('gives the whole width to one side where the other has no samples', () => {
    const nothing = new Float64Array(5)
    const { drawn } = makeModel({ tree: { ...DIFF, baselineSelf: nothing, baselineTotal: nothing } })
    expect(drawn.total[0]).toBe(1)
  })
})

describe('paths of names', () => {
  it('lead to a node and back', () => {
    expect(pathOf(model, 3)).toEqual(['main', 'read', 'read'])
    expect(nodeAt(model, ['main', 'read', 'read'])).toBe(3)
    expect(pathOf(model, 0)).toEqual([])
  })
  it('end at what is left of them after a refresh', () => {
    expect(nodeAt(model, ['main', 'gone', 'read'])).toBe(1)
    expect(nodeExactlyAt(model, ['main', 'gone'])).toBeUndefined()
  })
  it('choose the widest of namesakes', () => {
    const twins = makeModel({
      tree: {
        frames: { ...FRAMES, name: ['total', 'f', 'f', 'g'] },
        depth: Uint16Array.of(0, 1, 1),
        frame: Uint32Array.of(0, 1, 2),
        self: Float64Array.of(0, 1, 2),
        total: Float64Array.of(3, 1, 2),
      },
    })
    expect(nodeAt(twins, ['f'])).toBe(2)
  })
})

describe('search', () => {
  const matches = findNodes(model, findFrames(model, 'read')!, 0)
  it('counts a match within a match once', () => {
    expect([...matches.nodes]).toEqual([2, 3])
    expect(matches.share).toBeCloseTo(0.6, 12)
  })
  it('is of the view: a zoomed subtree is its own whole', () => {
    expect(findNodes(model, findFrames(model, 'read')!, 2).share).toBe(1)
    expect(findNodes(model, findFrames(model, 'work')!, 2).nodes).toHaveLength(0)
  })
  it('steps around the end in both directions', () => {
    expect(nextMatch(matches, 0, 1)).toBe(2)
    expect(nextMatch(matches, 2, 1)).toBe(3)
    expect(nextMatch(matches, 3, 1)).toBe(2)
    expect(nextMatch(matches, 2, -1)).toBe(3)
    expect(nextMatch(matches, 4, -1)).toBe(3)
  })
  it('counts in words', () => {
    expect(matchesText(matches, 3)).toBe('2 of 2 frames, 60.0 % of this view')
    expect(matchesText(matches, 0)).toBe('2 frames, 60.0 % of this view')
    expect(matchesText(undefined, 0)).toBe('')
    expect(matchesText(findNodes(model, findFrames(model, 'zzz')!, 0), 0)).toBe('no match in this view')
  })
  it('is none for an empty or blank text, and none for |', () => {
    expect(findFrames(model, '  ')).toBeUndefined()
    expect(findNodes(model, findFrames(model, '|')!, 0).nodes).toHaveLength(0)
  })
})

describe('what is said of a node', () => {
  it('is name, share, value and own share', () => {
    expect(describeNode(model, 2, plain)).toBe('read, 60.0 %, 6, self 20.0 %')
    expect(nodeFacts(model, 3, 2, plain).at(-1)).toEqual({ what: 'Of this view', values: ['', '66.7 %'] })
  })
  it('is both sides and points in a diff', () => {
    expect(describeNode(diff, 4, plain)).toBe(
      'work, ▲ +30.0 pt worse, baseline 30.0 %, comparison 60.0 %, self +30.0 pt',
    )
    expect(describeNode(diff, 3, plain)).toMatch(/^read, ▼ −40\.0 pt gone/)
    expect(presence(diff, 4)).toBeUndefined()
    expect([barSign(diff, 4), barSign(diff, 1), barSign(model, 4)]).toEqual(['▲ +30.0 pt', '', ''])
  })
  it('counts what was folded', () => {
    const folded = makeModel({
      tree: {
        ...TREE,
        frames: { ...FRAMES, name: ['total', 'main', 'read', '(folded)'] },
        folded: Uint32Array.of(0, 0, 0, 0, 214),
      },
    })
    expect(nodeName(folded, 4)).toBe('(214 more)')
  })
})

describe('noise', () => {
  const sides = { baselineTotal: 1, comparisonTotal: 1, comparing: 'share' as const }
  const of = (baselineSamples: number | undefined, comparisonSamples: number | undefined) => ({
    ...sides,
    baselineSamples,
    comparisonSamples,
  })
  it('gives no verdict under 20 samples a side, or where their number is not known', () => {
    expect(judge(0.1, 0.9, of(19, 1000))).toBe('unknown')
    expect(judge(0.1, 0.9, of(undefined, 1000))).toBe('unknown')
  })
  it('needs a difference of two standard errors', () => {
    expect(judge(0.5, 0.55, of(100, 100))).toBe('noise') // one error is 7 points
    expect(judge(0.5, 0.55, of(10_000, 10_000))).toBe('change')
    expect(judge(0, 0, of(100, 100))).toBe('noise')
    expect(judge(1, 1, of(100, 100))).toBe('noise')
  })
  it('keeps worse and better for what is beyond it', () => {
    const noisy = makeModel({ tree: DIFF, baselineSamples: 25, comparisonSamples: 25 })
    expect(changeWord(noisy, 0.3, 0.32)).toBe('within noise')
    expect(changeWord(noisy, 0.1, 0.8)).toBe('worse')
    expect(changeWord(noisy, 0.8, 0.1)).toBe('better')
    expect(changeWord(noisy, 0.3, 0.3)).toBe('unchanged')
  })
})

describe('the table', () => {
  const names = (of: typeof model, rows: Uint32Array) => {
    const table = tableRows(of)
    const { frame } = table.kind === 'tree' ? table.rows : table.comparison
    return Array.from(rows, (row) => FRAMES.name[frame[row]!])
  }
  it('counts recursion once in total, and sorts', () => {
    const table = tableRows(model)
    if (table.kind !== 'tree') throw new Error('a tree has one side')
    expect([...table.rows.self]).toEqual([1, 6, 3])
    expect([...table.rows.total]).toEqual([10, 6, 3])
    const order = (column: 'self' | 'total' | 'function', isAscending: boolean) =>
      names(model, orderRows({ model, table, column, isAscending }))
    expect(order('self', false)).toEqual(['read', 'work', 'main'])
    expect(order('total', false)).toEqual(['main', 'read', 'work'])
    expect(order('function', true)).toEqual(['main', 'read', 'work'])
  })
  it('keeps only what matches', () => {
    const table = tableRows(model)
    const frameMask = findFrames(model, 'wor')
    expect(names(model, orderRows({ model, table, column: 'self', isAscending: false, frameMask }))).toEqual([
      'work',
    ])
  })
  it('sorts changes by their size, whatever the sign, and says the largest first', () => {
    const table = tableRows(diff)
    expect(names(diff, orderRows({ model: diff, table, column: 'change', isAscending: false }))).toEqual([
      'read', // 60 % to 30 %
      'work', // 30 % to 60 %
      'main',
    ])
    expect(names(diff, Uint32Array.from(topChanges(diff, table)))).toEqual(['read', 'work'])
    expect(topChanges(model, tableRows(model))).toEqual([])
  })
  it('takes the own value of an iceberg from its base', () => {
    const iceberg: CallTree = {
      ...TREE,
      depth: Uint16Array.of(0, 1, 2, 1),
      frame: Uint32Array.of(0, 2, 1, 3),
      self: Float64Array.of(0, 0, 6, 4),
      total: Float64Array.of(10, 6, 6, 4),
    }
    const table = tableRows(makeModel({ tree: iceberg, isInverted: true }))
    if (table.kind !== 'tree') throw new Error('a tree has one side')
    expect([...table.rows.self]).toEqual([0, 6, 4]) // main read work
    expect([...table.rows.total]).toEqual([6, 6, 4])
  })
})

const view: Viewport = {
  ...zoomRange(model.boxes, 0),
  orientation: 'flame',
  cssWidth: 300,
  cssHeight: 80,
  cssRowHeight: 20,
  cssScrollTop: 0,
  ratio: 1,
}

describe('walk', () => {
  const step = (node: number, direction: 'up' | 'down' | 'left' | 'right', over: Partial<Viewport> = {}) =>
    walk(model, { ...view, ...over }, node, direction, makeRow())
  it('goes to the widest callee and to the caller, as shown', () => {
    expect([step(0, 'up'), step(1, 'up'), step(3, 'up')]).toEqual([1, 2, 3])
    expect([step(3, 'down'), step(1, 'down'), step(0, 'down')]).toEqual([2, 0, 0])
    expect(step(1, 'down', { orientation: 'icicle' })).toBe(2)
  })
  it('goes sideways along the row, and stops at its ends', () => {
    expect([step(2, 'right'), step(4, 'right'), step(4, 'left'), step(2, 'left')]).toEqual([4, 4, 2, 2])
  })
  it('comes back into a zoomed node from its ancestors, past wider siblings', () => {
    expect(step(1, 'up', zoomRange(model.boxes, 4))).toBe(4)
  })
})

/** Records what is painted: fills with their boxes, edges, labels. One letter is 7 device pixels wide. */
function recorder() {
  const painted = {
    fills: [] as string[],
    edges: [] as string[],
    labels: [] as string[],
    surface: undefined as Surface | undefined,
  }
  const places = (boxes: BoxColumns) =>
    Array.from({ length: boxes.count }, (_, i) => `${boxes.left[i]}+${boxes.width[i]}@${boxes.top[i]}`).join(
      ' ',
    )
  const renderer: Renderer = {
    begin: (surface) => {
      Object.assign(painted, { surface, fills: [], edges: [], labels: [] })
    },
    fillBoxes: (boxes) => void painted.fills.push(places(boxes)),
    drawEdges: (boxes, edge) => void painted.edges.push(`${edge} ${places(boxes)}`),
    drawLabels: (labels: readonly Label[]) => void painted.labels.push(...labels.map((label) => label.text)),
    measure: (text) => text.length * 7,
  }
  return { painted, paint: makePainter(renderer) }
}

describe('paint', () => {
  const input = (of: typeof model) => ({
    model: of,
    view,
    coloring: makeColoring({ model: of, colorBy: 'package', palette: 'default', isDark: true }),
    edgeColor: '#fff',
    mutedText: '#999',
  })
  it('puts every box on its row, with the name that fits', () => {
    const { painted, paint } = recorder()
    paint(input(model))
    expect(painted.fills.join(' ').split(' ').sort()).toEqual([
      '0+120@0',
      '0+180@20',
      '0+300@40',
      '0+300@60',
      '180+90@20',
    ])
    expect(painted.labels.sort()).toEqual(['main', 'read', 'read', 'total', 'work'])
  })
  it('puts sign or at least mark beside a name that changed', () => {
    const { painted, paint } = recorder()
    paint({ ...input(diff), view: { ...view, cssWidth: 240 } })
    expect(painted.labels).toContain('work ▲') // 108 pixels: no room for points
    paint({ ...input(diff), view: { ...view, cssWidth: 600 } })
    expect(painted.labels).toContain('work  ▲ +30.0 pt')
    expect(painted.edges).toEqual([expect.stringMatching(/^gone /)])
  })
  it('mutes what does not match, and draws twice the pixels on a dense screen', () => {
    const { painted, paint } = recorder()
    const frameMask = findFrames(model, 'work')
    paint({ ...input(model), frameMask, view: { ...view, ratio: 2 } })
    expect(painted.surface).toEqual({ deviceWidth: 600, deviceHeight: 160, deviceRowHeight: 40, ratio: 2 })
    expect(painted.fills.map((boxes) => boxes.split(' ').length)).toEqual([4, 1])
  })
  it('forgets the frame before', () => {
    const { painted, paint } = recorder()
    paint(input(model))
    paint({ ...input(model), view: { ...view, ...zoomRange(model.boxes, 4) } })
    expect(painted.labels.sort()).toEqual(['main', 'total', 'work'])
  })
})

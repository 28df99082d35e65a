// What does a test look like? Stacks as columns of text, root on top, become a profile; trees are drawn as rows of boxes,
// and drawings become trees again. A failing test shows two pictures.
//
//   stacks                       tree                          diff
//     main main main               main 3                        main 3→4
//     read read work               read 2  work 1                read 2→0  work 1→4
//     disk                         disk 1                        disk 1→0
import { ProfileBuilder } from '../model/builder.ts'
import { asId, NONE, type StackId } from '../model/ids.ts'
import type { Labels } from '../model/labels.ts'
import { type Profile, TRUNCATED_KIND, TRUNCATED_NAME } from '../model/profile.ts'
import { CPU_SAMPLES, type ProfileType } from '../model/profile-type.ts'
import { arrange } from '../tree/arrange.ts'
import { buildTreeOfProfile } from '../tree/build.ts'
import type { CallTree, DiffTree } from '../tree/call-tree.ts'
import { FrameTableBuilder, isFoldedFrame } from '../tree/frame-table.ts'
import { callTreeOf, type Shape } from '../tree/sides.ts'
import { outdent } from './outdent.ts'

export interface DrawnHead {
  readonly type?: ProfileType
  readonly period?: number
  readonly timeMs?: number
  readonly durationMs?: number
  /** Of all samples. */
  readonly labels?: Labels
}

/** Makes a profile of stacks drawn as columns, one sample each. Columns begin where the words of the first line begin; a
 *  stack ends where its column is empty. A last line of numbers gives the values, else each is 1.
 *  A cell is a location: `name`, `name@file`, `mapping!name`; `outer>inner` is inlined; `mapping!+0x1f` has no name yet;
 *  `[truncated]` stands for callers that could not be seen.
 *  throws  on a word that stands under no column */
export function profileFromText(text: string, head: DrawnHead = {}): Profile {
  const {
    type = CPU_SAMPLES,
    period = 52_631_579,
    timeMs = 1_700_000_000_000,
    durationMs = 10_000,
    labels = [],
  } = head
  const rows = outdent(text)
    .split('\n')
    .map((line) => wordsOf(line))
  const isValues = rows.length > 1 && rows.at(-1)!.every(({ word }) => /^\d+(\.\d+)?$/.test(word))
  const values = isValues ? rows.pop()! : []
  const builder = new ProfileBuilder()
  const labelSet = builder.labelSet(labels)
  const columns = rows[0]!.map(({ start }) => start)
  const stacks = columns.map((): StackId => asId(0))
  for (const row of rows)
    for (const { word, start } of row) {
      const column = columnAt(columns, start, word)
      stacks[column] = builder.stack(stacks[column]!, locationOf(builder, word))
    }
  const valueAt = new Map(values.map(({ word, start }) => [columnAt(columns, start, word), Number(word)]))
  stacks.forEach((stack, column) => {
    builder.sample({ stack, labelSet, value: isValues ? (valueAt.get(column) ?? 0) : 1, timeMs })
  })
  return builder.build({ type, period, timeMs, durationMs })
}

/** The call tree of stacks drawn as columns, see `profileFromText`. */
export const treeFromStacks = (text: string): CallTree => buildTreeOfProfile(profileFromText(text))

/** Draws a tree as rows of `name total`, each box over its children; names bear `@file` and `mapping!` where they have them.
 *  The root is not drawn; its own value, if any, stands as `∅` in the first row. A folded box is `(folded:7) 12`. */
export function drawTree(tree: CallTree): string {
  return draw(tree, {
    value: (node) => String(tree.total[node]),
    rootSelf: tree.self[0] === 0 ? undefined : String(tree.self[0]),
  })
}

/** Draws a diff: `name baseline→comparison`. */
export function drawDiff(tree: DiffTree): string {
  const { baselineTotal, comparisonTotal, baselineSelf, comparisonSelf } = tree
  const hasRootSelf = baselineSelf[0] !== 0 || comparisonSelf[0] !== 0
  return draw(tree, {
    value: (node) => `${baselineTotal[node]}→${comparisonTotal[node]}`,
    rootSelf: hasRootSelf ? `${baselineSelf[0]}→${comparisonSelf[0]}` : undefined,
  })
}

/** Reads what `drawTree` draws; siblings keep the order of the drawing.
 *  throws  on a box under no box, and on children that are heavier than their parent */
export function treeFromDrawing(text: string): CallTree {
  const frames = new FrameTableBuilder()
  const parent = [NONE]
  const frame = [0]
  const total = [0]
  const folded = [0]
  let above: { readonly start: number; readonly node: number }[] = []
  for (const [depth, line] of outdent(text).split('\n').entries()) {
    const row: typeof above = []
    for (const { word, start } of boxesOf(line)) {
      const over = depth === 0 ? { node: 0 } : above.findLast((box) => box.start <= start)
      if (over === undefined) throw new Error(`${word} stands under no box, in:\n${text}`)
      const [, label, value] = /^(.*) (\S+)$/.exec(word) ?? []
      if (label === undefined) throw new Error(`${word} is no box: write "name total"`)
      if (label === '∅') {
        total[0]! += Number(value)
        continue
      }
      const count = /^\(folded:(\d+)\)$/.exec(label)?.[1]
      const spec = count === undefined ? parseFrame(label) : { name: '(folded)' }
      const node = parent.push(over.node) - 1
      frame.push(frames.add(spec))
      total.push(Number(value))
      folded.push(Number(count ?? 0))
      if (depth === 0) total[0]! += Number(value)
      row.push({ start, node })
    }
    above = row
  }
  const self = Float64Array.from(total)
  for (let node = 1; node < parent.length; node++) self[parent[node]!]! -= total[node]!
  const broken = self.findIndex((value) => value < 0)
  if (broken >= 0) throw new Error(`the children of box ${broken} are heavier than it, in:\n${text}`)
  const { shape, sides } = arrange({
    frames: frames.table(),
    parent: Int32Array.from(parent),
    frame: Uint32Array.from(frame),
    selves: [self],
    folded: Uint32Array.from(folded),
    order: 'given',
  })
  return callTreeOf(shape, sides)
}

interface Drawn {
  readonly value: (node: number) => string
  readonly rootSelf: string | undefined
}

const GAP = 2

function draw(shape: Shape, { value, rootSelf }: Drawn): string {
  const { depth } = shape
  const n = depth.length
  const labels = Array.from(depth, (_, node) => (node === 0 ? '' : `${labelOf(shape, node)} ${value(node)}`))
  const childrenWidth = new Array<number>(n).fill(0)
  const widthOf = (node: number) => Math.max(labels[node]!.length, childrenWidth[node]!)
  const parent: number[] = [NONE]
  const open: number[] = [0]
  for (let node = 1; node < n; node++) {
    parent[node] = open[depth[node]! - 1]!
    open[depth[node]!] = node
  }
  for (let node = n - 1; node > 0; node--) {
    const before = childrenWidth[parent[node]!]!
    childrenWidth[parent[node]!] = before + (before > 0 ? GAP : 0) + widthOf(node)
  }
  const rows: string[] = []
  const next = new Array<number>(n).fill(0)
  for (let node = 1; node < n; node++) {
    const start = next[parent[node]!]!
    next[node] = start
    next[parent[node]!] = start + widthOf(node) + GAP
    const row = depth[node]! - 1
    rows[row] = (rows[row] ?? '').padEnd(start) + labels[node]
  }
  if (rootSelf !== undefined) rows[0] = [rows[0], `∅ ${rootSelf}`].filter(Boolean).join('  ')
  return rows.join('\n')
}

function labelOf({ frames, frame, folded }: Shape, node: number): string {
  const row = frame[node]!
  const count = folded?.[node] ?? 0
  if (count > 0 && isFoldedFrame(frames, row)) return `(folded:${count})`
  const file = frames.file[row] === '' ? '' : `@${frames.file[row]}`
  const mapping = frames.mapping[row] === '' ? '' : `${frames.mapping[row]}!`
  return mapping + frames.name[row] + file
}

function parseFrame(label: string) {
  const [, mapping = '', name = '', file = ''] = /^(?:([^!]*)!)?([^@]*)(?:@(.*))?$/.exec(label) ?? []
  return { name, file, mapping }
}

function locationOf(builder: ProfileBuilder, cell: string) {
  const [, mapping, body = ''] = /^(?:([^!]*)!)?(.*)$/.exec(cell) ?? []
  const address = /^\+0x([0-9a-f]+)$/.exec(body)?.[1]
  const names = address === undefined && body !== TRUNCATED_NAME ? body.split('>').reverse() : []
  return builder.location({
    mapping: mapping === undefined ? NONE : builder.mapping({ file: mapping }),
    addressHigh: address === undefined ? 0 : Number(BigInt(`0x${address}`) >> 32n),
    addressLow: address === undefined ? 0 : Number(BigInt(`0x${address}`) & 0xffff_ffffn),
    kind: body === TRUNCATED_NAME ? TRUNCATED_KIND : 'native',
    lines: names.map((text) => {
      const { name, file } = parseFrame(text)
      return { function: builder.function({ name, file }), line: 0 }
    }),
  })
}

function columnAt(columns: readonly number[], start: number, word: string): number {
  const column = columns.indexOf(start)
  if (column < 0)
    throw new Error(`"${word}" begins at ${start}, where no column begins: ${columns.join(', ')}`)
  return column
}

const wordsOf = (line: string) =>
  [...line.matchAll(/\S+/g)].map((match) => ({ word: match[0], start: match.index }))
/** Boxes are two blanks or more apart; a name may hold single ones. */
const boxesOf = (line: string) =>
  [...line.matchAll(/\S+(?: \S+)*/g)].map((match) => ({ word: match[0], start: match.index }))

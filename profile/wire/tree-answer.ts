// How does a tree travel? As columns in JSON: half a million nodes parse in 40 ms, and no node becomes an object.
// An answer may come from anything that listens on a port, so reading checks every length and every relation the drawing
// relies on, without zod: this file is in the plugin's bundle.
import { failure, type Result, success } from '../model/result.ts'
import type { CallTree, DiffTree, FrameTable } from '../tree/call-tree.ts'
import type { AnswerMeta, DiffAnswer, FramesJson, TreeAnswer } from './query-api.ts'

const NODES_MAX = 2 ** 22 // four times the largest maxNodes: folded children come on top
const DEPTH_MAX = 65_535 // CallTree.depth is 16 bits

/** The body of /flame and /iceberg. cost O(nodes) */
export function treeToJson(tree: CallTree, meta: AnswerMeta): TreeAnswer {
  return {
    kind: 'tree',
    meta,
    frames: framesToJson(tree.frames),
    depth: Array.from(tree.depth),
    frame: Array.from(tree.frame),
    self: Array.from(tree.self),
    total: Array.from(tree.total),
    ...(tree.folded === undefined ? {} : { folded: Array.from(tree.folded) }),
  }
}

/** Reads a parsed body of /flame or /iceberg.
 *  errors  a sentence for the first broken relation: lengths, ranges, pre-order, total = self + Σ children */
export function treeFromJson(json: unknown): Result<{ readonly tree: CallTree; readonly meta: AnswerMeta }> {
  return reading('tree', () => {
    const answer = objectOf(json, 'the answer')
    kindOf(answer, 'tree')
    const { frames, depth, frame, folded } = readShape(answer)
    const self = readValues(answer.self, 'self', depth.length)
    const total = readValues(answer.total, 'total', depth.length)
    checkSums({ depth, self, total, name: 'total' })
    return { tree: { frames, depth, frame, self, total, ...folded }, meta: readMeta(answer.meta, 'meta') }
  })
}

/** The body of /diff. cost O(nodes) */
export function diffToJson(
  tree: DiffTree,
  meta: { readonly baseline: AnswerMeta; readonly comparison: AnswerMeta },
): DiffAnswer {
  return {
    kind: 'diff',
    baseline: meta.baseline,
    comparison: meta.comparison,
    frames: framesToJson(tree.frames),
    depth: Array.from(tree.depth),
    frame: Array.from(tree.frame),
    baselineSelf: Array.from(tree.baselineSelf),
    baselineTotal: Array.from(tree.baselineTotal),
    comparisonSelf: Array.from(tree.comparisonSelf),
    comparisonTotal: Array.from(tree.comparisonTotal),
    ...(tree.folded === undefined ? {} : { folded: Array.from(tree.folded) }),
  }
}

/** Reads a parsed body of /diff; errors as `treeFromJson`. */
export function diffFromJson(json: unknown): Result<{
  readonly tree: DiffTree
  readonly baseline: AnswerMeta
  readonly comparison: AnswerMeta
}> {
  return reading('diff', () => {
    const answer = objectOf(json, 'the answer')
    kindOf(answer, 'diff')
    const { frames, depth, frame, folded } = readShape(answer)
    const values = (name: string) => readValues(answer[name], name, depth.length)
    const baselineSelf = values('baselineSelf')
    const baselineTotal = values('baselineTotal')
    const comparisonSelf = values('comparisonSelf')
    const comparisonTotal = values('comparisonTotal')
    checkSums({ depth, self: baselineSelf, total: baselineTotal, name: 'baselineTotal' })
    checkSums({ depth, self: comparisonSelf, total: comparisonTotal, name: 'comparisonTotal' })
    return {
      tree: {
        frames,
        depth,
        frame,
        baselineSelf,
        baselineTotal,
        comparisonSelf,
        comparisonTotal,
        ...folded,
      },
      baseline: readMeta(answer.baseline, 'baseline'),
      comparison: readMeta(answer.comparison, 'comparison'),
    }
  })
}

function framesToJson(frames: FrameTable): FramesJson {
  const strings: string[] = ['']
  const ids = new Map<string, number>([['', 0]])
  const intern = (text: string): number => {
    const known = ids.get(text)
    if (known !== undefined) return known
    ids.set(text, strings.length)
    return strings.push(text) - 1
  }
  return {
    strings,
    name: [...frames.name],
    file: frames.file.map(intern),
    mapping: frames.mapping.map(intern),
    kind: frames.kind.map(intern),
  }
}

/** A broken relation of a foreign answer; never leaves this file. */
class BrokenAnswer extends Error {}

function reading<T>(kind: string, read: () => T): Result<T> {
  try {
    return success(read())
  } catch (error) {
    if (error instanceof BrokenAnswer) return failure(`not a Flametrail ${kind} answer: ${error.message}`)
    throw error
  }
}

function need(truth: boolean, relation: string): asserts truth {
  if (!truth) throw new BrokenAnswer(relation)
}

function objectOf(json: unknown, name: string): Record<string, unknown> {
  need(typeof json === 'object' && json !== null && !Array.isArray(json), `${name} must be an object`)
  return json as Record<string, unknown>
}

function kindOf(answer: Record<string, unknown>, kind: string): void {
  need(answer.kind === kind, `its kind is ${JSON.stringify(answer.kind)?.slice(0, 40)}, expected "${kind}"`)
}

function readShape(answer: Record<string, unknown>) {
  const frames = readFrames(answer.frames)
  const n = listOf(answer.depth, 'depth').length
  need(n >= 1, 'it has no node; at least the root is needed')
  need(n <= NODES_MAX, `it has ${n} nodes; at most ${NODES_MAX} are read, ask with a smaller maxNodes`)
  const depth = Uint16Array.from(
    readIntegers(answer.depth, { name: 'depth', length: n, below: DEPTH_MAX + 1 }),
  )
  const frame = Uint32Array.from(
    readIntegers(answer.frame, { name: 'frame', length: n, below: frames.name.length }),
  )
  need(depth[0] === 0, 'depth[0] must be 0, the root')
  need(frame[0] === 0, 'frame[0] must be 0, the frame of the root')
  for (let i = 1; i < n; i++)
    need(
      depth[i]! >= 1 && depth[i]! <= depth[i - 1]! + 1,
      `depth[${i}] is ${depth[i]} after ${depth[i - 1]}: not in pre-order`,
    )
  const folded =
    answer.folded === undefined
      ? {}
      : {
          folded: Uint32Array.from(
            readIntegers(answer.folded, { name: 'folded', length: n, below: 2 ** 32 }),
          ),
        }
  return { frames, depth, frame, folded }
}

function readFrames(json: unknown): FrameTable {
  const frames = objectOf(json, 'frames')
  const strings = readTexts(frames.strings, 'frames.strings')
  const name = readTexts(frames.name, 'frames.name')
  need(name.length >= 1, 'frames has no row; row 0 is the frame of the root')
  const column = (key: string) =>
    readIntegers(frames[key], { name: `frames.${key}`, length: name.length, below: strings.length }).map(
      (index) => strings[index]!,
    )
  return { name, file: column('file'), mapping: column('mapping'), kind: column('kind') }
}

function listOf(json: unknown, name: string): readonly unknown[] {
  need(Array.isArray(json), `${name} must be a list`)
  return json
}

function readTexts(json: unknown, name: string): readonly string[] {
  const list = listOf(json, name)
  for (let i = 0; i < list.length; i++) need(typeof list[i] === 'string', `${name}[${i}] must be a text`)
  return list as readonly string[]
}

function readIntegers(
  json: unknown,
  { name, length, below }: { readonly name: string; readonly length: number; readonly below: number },
): readonly number[] {
  const list = listOf(json, name)
  need(list.length === length, `${name} has ${list.length} entries for ${length} rows`)
  for (let i = 0; i < length; i++) {
    const value = list[i]
    const isIndex = Number.isInteger(value) && (value as number) >= 0 && (value as number) < below
    need(isIndex, `${name}[${i}] must be a whole number from 0 to ${below - 1}`)
  }
  return list as readonly number[]
}

function readValues(json: unknown, name: string, length: number): Float64Array {
  const list = listOf(json, name)
  need(list.length === length, `${name} has ${list.length} entries for ${length} nodes`)
  const values = new Float64Array(length)
  for (let i = 0; i < length; i++) {
    const value = list[i]
    need(
      typeof value === 'number' && Number.isFinite(value) && value >= 0,
      `${name}[${i}] must be a finite number, at least 0`,
    )
    values[i] = value
  }
  return values
}

/** One pass from the last node to the root: when a node is met, all its children are summed one level below it. */
function checkSums(columns: {
  readonly depth: Uint16Array
  readonly self: Float64Array
  readonly total: Float64Array
  readonly name: string
}): void {
  const { depth, self, total, name } = columns
  const childSum = new Float64Array(DEPTH_MAX + 2)
  for (let i = depth.length - 1; i >= 0; i--) {
    const level = depth[i]!
    const expected = self[i]! + childSum[level + 1]!
    // Sums beyond 2^53 are not exact, and their order differs between the two sides of the wire.
    need(
      Math.abs(total[i]! - expected) <= 1e-6 * Math.max(1, expected),
      `${name}[${i}] is ${total[i]}, but its self value and its children add up to ${expected}`,
    )
    childSum[level + 1] = 0
    childSum[level] = childSum[level]! + total[i]!
  }
}

function readMeta(json: unknown, name: string): AnswerMeta {
  const meta = objectOf(json, name)
  const nodes = objectOf(meta.nodes, `${name}.nodes`)
  const coverage = objectOf(meta.coverage, `${name}.coverage`)
  const text = (key: string): string => {
    const value = meta[key]
    need(typeof value === 'string', `${name}.${key} must be a text`)
    return value
  }
  const number = (from: Record<string, unknown>, key: string): number => {
    const value = from[key]
    need(typeof value === 'number' && Number.isFinite(value), `${name}: ${key} must be a finite number`)
    return value
  }
  need(typeof meta.sampleProfile === 'boolean', `${name}.sampleProfile must be true or false`)
  return {
    type: text('type'),
    unit: text('unit'),
    fromMs: number(meta, 'fromMs'),
    toMs: number(meta, 'toMs'),
    samples: number(meta, 'samples'),
    endEarly: number(meta, 'endEarly'),
    unnamed: number(meta, 'unnamed'),
    ...(meta.lost === undefined ? {} : { lost: number(meta, 'lost') }),
    nodes: { sent: number(nodes, 'sent'), folded: number(nodes, 'folded') },
    sampleProfile: meta.sampleProfile,
    coverage: { unreadable: readTexts(coverage.unreadable, `${name}.coverage.unreadable`) },
    tookMs: number(meta, 'tookMs'),
  }
}

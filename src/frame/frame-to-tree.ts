// How does a panel get its tree back from a data frame, and what does it say when the frame is no profile?
// It reads frames of our data source and those of others that Grafana's own flame graph can draw (level, value, self,
// label; labels as enum or as text). Columns that already are typed arrays are used as they are, never copied: frames
// are shared between panels and may be frozen.
import type { DataFrame, Field } from '@grafana/data'
import { failure, type Result, success } from '#profile/model/result'
import type { CallTree, DiffTree, FrameTable } from '#profile/tree/call-tree'
import { type DiffFrameMeta, frameMeta, type TreeFrameMeta } from './frame-meta.ts'
import { ownUnit } from './units.ts'

/** A tree out of a frame. `unit` is ours ("nanoseconds", "bytes", "count"); no `meta`: another data source made it. */
export type FrameContent =
  | { readonly kind: 'tree'; readonly tree: CallTree; readonly unit: string; readonly meta?: TreeFrameMeta }
  | { readonly kind: 'diff'; readonly tree: DiffTree; readonly unit: string; readonly meta?: DiffFrameMeta }

const NEEDED = ['level', 'value', 'self', 'label'] as const
const DEPTH_MAX = 65_535 // a depth is a Uint16

/** Says in a sentence why a frame cannot be drawn as a profile; undefined if nothing is missing.
 *  Looks at fields only, cost O(1); the columns are checked where they are read. */
export function checkFrame(frame: DataFrame | undefined): string | undefined {
  if (frame === undefined) return 'The query gave no data frame. Set its query type to "profile".'
  const has = (name: string) => frame.fields.some((field) => field.name === name)
  const missing = NEEDED.filter((name) => !has(name))
  const came = frame.fields.map((field) => field.name).join(', ') || 'no fields'
  if (missing.length > 0) {
    const names = missing.map((name) => `"${name}"`).join(', ')
    return (
      `This is not a profile: the field ${names} is missing, what came is ${came}. ` +
      'Set the query type to "profile", or choose a panel for time series.'
    )
  }
  if (has('valueRight') !== has('selfRight')) {
    const [here, gone] = has('valueRight') ? ['valueRight', 'selfRight'] : ['selfRight', 'valueRight']
    return `This diff is incomplete: it has the field "${here}" but not "${gone}". Set the query type to "diff".`
  }
  return undefined
}

/** True for a frame that carries a profile or a diff of two: how a panel finds its own among the frames of a query. */
export const isProfileFrame = (frame: DataFrame): boolean => checkFrame(frame) === undefined

/** Reads the tree of a frame.
 *  out   columns of the frame's own typed arrays where they have the right type
 *  fails with a sentence that names the field, the row, what came and what is allowed.    cost O(nodes) */
export function frameToTree(frame: DataFrame | undefined): Result<FrameContent> {
  const objection = checkFrame(frame)
  if (frame === undefined || objection !== undefined) return failure(objection ?? '')
  const column = (name: string) => frame.fields.find((field) => field.name === name)
  const nodes = column('level')!.values.length
  if (nodes === 0)
    return failure('The profile is empty: the frame has no rows. Widen the time range or the selector.')

  const depth = readDepth(column('level')!)
  if (!depth.ok) return depth
  const words = readWords(frame, nodes)
  if (!words.ok) return words
  const sums: Float64Array[] = []
  const isDiff = column('valueRight') !== undefined
  for (const name of isDiff ? ['value', 'self', 'valueRight', 'selfRight'] : ['value', 'self']) {
    const sum = readSums(column(name)!, nodes)
    if (!sum.ok) return sum
    sums.push(sum.value)
  }
  const folded = readFolded(column('folded'), nodes)
  const shared = { ...words.value, depth: depth.value, ...(folded === undefined ? {} : { folded }) }
  const [total, self, comparisonTotal, comparisonSelf] = sums as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ]
  const meta = frameMeta(frame)
  if (isDiff) {
    const tree: DiffTree = {
      ...shared,
      baselineTotal: total,
      baselineSelf: self,
      comparisonTotal,
      comparisonSelf,
    }
    const own = meta?.view === 'diff' ? meta : undefined
    const unit = own?.baseline.unit ?? ownUnit(column('value')!.config.unit)
    return success({ kind: 'diff', tree, unit, ...(own === undefined ? {} : { meta: own }) })
  }
  const own = meta?.view === 'diff' ? undefined : meta
  const unit = own?.unit ?? ownUnit(column('value')!.config.unit)
  return success({
    kind: 'tree',
    tree: { ...shared, self, total },
    unit,
    ...(own === undefined ? {} : { meta: own }),
  })
}

/** One root on level 0, and no row deeper than one below the row before it: else it is no pre-order. */
function readDepth(field: Field): Result<Uint16Array> {
  const values = field.values as ArrayLike<number>
  for (let i = 0; i < values.length; i++) {
    const level = values[i]!
    const deepest = i === 0 ? 0 : Math.min(values[i - 1]! + 1, DEPTH_MAX)
    const least = i === 0 ? 0 : 1
    if (!Number.isInteger(level) || level < least || level > deepest)
      return failure(
        `The field "level" is ${level} in row ${i}, allowed is ${least} to ${deepest}: rows must be depth first with one root.`,
      )
  }
  return success(values instanceof Uint16Array ? values : Uint16Array.from(values))
}

function readSums(field: Field, nodes: number): Result<Float64Array> {
  const values = field.values as ArrayLike<number>
  if (values.length !== nodes)
    return failure(
      `The field "${field.name}" has ${values.length} rows, "level" has ${nodes}: they must be equal.`,
    )
  for (let i = 0; i < nodes; i++) {
    const sum = values[i]
    if (typeof sum !== 'number' || !(sum >= 0) || sum === Number.POSITIVE_INFINITY)
      return failure(`The field "${field.name}" is ${sum} in row ${i}, allowed is a number from 0 on.`)
  }
  return success(values instanceof Float64Array ? values : Float64Array.from(values))
}

function readFolded(field: Field | undefined, nodes: number): Uint32Array | undefined {
  if (field === undefined || field.values.length !== nodes) return undefined
  return field.values instanceof Uint32Array
    ? field.values
    : Uint32Array.from(field.values as ArrayLike<number>)
}

/** Labels become rows of a frame table, renumbered so that the root's frame is row 0. */
function readWords(frame: DataFrame, nodes: number): Result<{ frames: FrameTable; frame: Uint32Array }> {
  const column = (name: string) => frame.fields.find((field) => field.name === name)
  const label = column('label')!
  if (label.values.length !== nodes)
    return failure(
      `The field "label" has ${label.values.length} rows, "level" has ${nodes}: they must be equal.`,
    )
  const keys = label.values as ArrayLike<number | string>
  const texts = label.config.type?.enum?.text
  const ids = new Map<number | string, number>()
  const frameOfNode = new Uint32Array(nodes)
  const names: string[] = []
  const firstNode: number[] = []
  for (let node = 0; node < nodes; node++) {
    const key = keys[node]!
    let id = ids.get(key)
    if (id === undefined) {
      const name = typeof key === 'number' ? texts?.[key] : key
      if (typeof name !== 'string')
        return failure(
          `The field "label" is ${key} in row ${node}, allowed are text or rows of its ${texts?.length ?? 0} enum texts.`,
        )
      id = names.push(name) - 1
      firstNode.push(node)
      ids.set(key, id)
    }
    frameOfNode[node] = id
  }
  const words = (name: string) => firstNode.map((node) => wordAt(column(name), node))
  const frames = { name: names, file: words('file'), mapping: words('mapping'), kind: words('kind') }
  return success({ frames, frame: frameOfNode })
}

function wordAt(field: Field | undefined, row: number): string {
  const value: unknown = (field?.values as ArrayLike<unknown> | undefined)?.[row]
  if (typeof value === 'string') return value
  return typeof value === 'number' ? (field?.config.type?.enum?.text?.[value] ?? '') : ''
}

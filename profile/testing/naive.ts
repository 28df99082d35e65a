// What should every verb answer? Lists of stacks, as text, and a few lines per verb that nobody can get wrong: the oracle
// of the property tests. Slow on purpose.
import { type Profile, TRUNCATED_KIND, TRUNCATED_NAME } from '../model/profile.ts'
import type { CallTree, DiffTree } from '../tree/call-tree.ts'

/** A frame as text: name, file and mapping with NUL between, so that texts sort as frames do. */
export type NaiveFrame = string
export type NaivePath = readonly NaiveFrame[]
export interface NaiveStack {
  /** Root first. */
  readonly path: NaivePath
  readonly value: number
}

export const naiveFrame = (name: string, file = '', mapping = ''): NaiveFrame =>
  `${name}\0${file}\0${mapping}`
const pathText = (path: NaivePath): string => path.join('\x01')

/** Equal stacks added up, sorted by path, nothing of zero: two lists mean the same exactly if these are equal. */
export function tidy(stacks: readonly NaiveStack[]): readonly NaiveStack[] {
  const sums = new Map<string, NaiveStack>()
  for (const { path, value } of stacks) {
    const key = pathText(path)
    sums.set(key, { path, value: (sums.get(key)?.value ?? 0) + value })
  }
  return [...sums.values()].filter(({ value }) => value > 0).sort((a, b) => comparePaths(a.path, b.path))
}

/** Pre-order: a path before its extensions, siblings as text. */
export function comparePaths(one: NaivePath, other: NaivePath): number {
  for (let i = 0; i < Math.min(one.length, other.length); i++)
    if (one[i] !== other[i]) return one[i]! < other[i]! ? -1 : 1
  return one.length - other.length
}

/** The samples of a profile, read straight from its tables. */
export function stacksOfProfile(profile: Profile): readonly NaiveStack[] {
  const { strings, functions, mappings, locations, lines, stacks, samples } = profile
  const framesAt = (location: number): NaivePath => {
    const kind = strings[locations.kind[location]!]
    const path =
      locations.mapping[location] === -1 ? '' : strings[mappings.file[locations.mapping[location]!]!]!
    const mapping = path.split('/').at(-1) || path
    const address =
      (BigInt(locations.addressHigh[location]!) << 32n) | BigInt(locations.addressLow[location]!)
    const unnamed = `${mapping === '' ? '' : `${mapping}+`}0x${address.toString(16)}`
    if (kind === TRUNCATED_KIND) return [naiveFrame(TRUNCATED_NAME)]
    const names: NaiveFrame[] = []
    for (let line = locations.lineStart[location]!; line < locations.lineStart[location + 1]!; line++) {
      const id = lines.function[line]!
      const name = strings[functions.name[id]!] || strings[functions.systemName[id]!] || unnamed
      names.unshift(naiveFrame(name, strings[functions.file[id]!], mapping))
    }
    return names.length > 0 ? names : [naiveFrame(unnamed, '', mapping)]
  }
  return Array.from(samples.value, (value, i) => {
    let path: NaivePath = []
    for (let stack = samples.stack[i]!; stack !== 0; stack = stacks.parent[stack]!)
      path = [...framesAt(stacks.location[stack]!), ...path]
    return { path, value }
  })
}

/** Self values of a tree as stacks, in its order. */
export const stacksOfTree = (tree: CallTree): readonly NaiveStack[] =>
  pathsOf(tree).map((path, node) => ({ path, value: tree.self[node]! }))

export function stacksOfDiff(tree: DiffTree): {
  readonly baseline: readonly NaiveStack[]
  readonly comparison: readonly NaiveStack[]
} {
  const paths = pathsOf(tree)
  return {
    baseline: paths.map((path, node) => ({ path, value: tree.baselineSelf[node]! })),
    comparison: paths.map((path, node) => ({ path, value: tree.comparisonSelf[node]! })),
  }
}

/** The path of each node, the root's is []. */
export function pathsOf({ frames, depth, frame }: Pick<CallTree, 'frames' | 'depth' | 'frame'>): NaivePath[] {
  const paths: NaivePath[] = [[]]
  for (let node = 1, open: NaivePath = []; node < depth.length; node++) {
    const row = frame[node]!
    open = [
      ...open.slice(0, depth[node]! - 1),
      naiveFrame(frames.name[row]!, frames.file[row], frames.mapping[row]),
    ]
    paths.push(open)
  }
  return paths
}

/** Total value of every prefix of every stack, in pre-order; [] is the root. */
export function naiveTotals(stacks: readonly NaiveStack[]): readonly NaiveStack[] {
  const prefixes = stacks.flatMap(({ path, value }) =>
    Array.from({ length: path.length + 1 }, (_, length) => ({ path: path.slice(0, length), value })),
  )
  return tidy(prefixes)
}

export const naiveInvert = (stacks: readonly NaiveStack[]): readonly NaiveStack[] =>
  tidy(stacks.map(({ path, value }) => ({ path: path.toReversed(), value })))

/** Self and total per function; a function counts once per stack. */
export function naiveFunctions(
  stacks: readonly NaiveStack[],
): ReadonlyMap<NaiveFrame, { readonly self: number; readonly total: number }> {
  const rows = new Map<NaiveFrame, { self: number; total: number }>()
  for (const { path, value } of tidy(stacks))
    for (const frame of new Set(path)) {
      const row = rows.get(frame) ?? { self: 0, total: 0 }
      rows.set(frame, {
        self: row.self + (path.at(-1) === frame ? value : 0),
        total: row.total + value,
      })
    }
  return rows
}

/** Value of the stacks that hold a frame which `matches`. */
export const naiveMatched = (
  stacks: readonly NaiveStack[],
  matches: (frame: NaiveFrame) => boolean,
): number => stacks.reduce((sum, { path, value }) => sum + (path.some(matches) ? value : 0), 0)

/** The heaviest `maxNodes` prefixes stay; every other self value goes to "(folded)" under its last prefix that stays. */
export function naivePrune(stacks: readonly NaiveStack[], maxNodes: number): readonly NaiveStack[] {
  const order = naiveTotals(stacks).map((node, place) => ({ ...node, place }))
  const kept = new Set(
    order
      .sort((a, b) => b.value - a.value || a.place - b.place)
      .slice(0, maxNodes)
      .map(({ path }) => pathText(path)),
  )
  return tidy(
    stacks.map(({ path, value }) => {
      let length = path.length
      while (length > 0 && !kept.has(pathText(path.slice(0, length)))) length--
      const above = path.slice(0, length)
      return { path: length === path.length ? path : [...above, naiveFrame('(folded)')], value }
    }),
  )
}

/** The stacks whose names begin with `path`. */
export const naiveSubtree = (stacks: readonly NaiveStack[], path: readonly string[]): readonly NaiveStack[] =>
  stacks.filter((stack) => path.every((name, i) => stack.path[i]?.split('\0')[0] === name))

/** The stacks that begin at the outermost frame which `matches`: what it and its callees cost. */
export const naiveReroot = (
  stacks: readonly NaiveStack[],
  matches: (frame: NaiveFrame) => boolean,
): readonly NaiveStack[] =>
  stacks
    .filter(({ path }) => path.some(matches))
    .map(({ path, value }) => ({ path: path.slice(path.findIndex(matches)), value }))

/** The stacks that end at the outermost frame which `matches`: who called it. */
export const naiveCallers = (
  stacks: readonly NaiveStack[],
  matches: (frame: NaiveFrame) => boolean,
): readonly NaiveStack[] =>
  stacks
    .filter(({ path }) => path.some(matches))
    .map(({ path, value }) => ({ path: path.slice(0, path.findIndex(matches) + 1), value }))

// How whole are the stacks of each program, and how many of their frames have names? Read off one tree of the backend
// whose first level is the executable, so that what spoils a figure can be told by name. Pure.
import { TRUNCATED_NAME } from '#profile/model/profile'
import type { CallTree } from '#profile/tree/call-tree'
import { isNameless } from '#profile/tree/quality'
import { EXITED_EARLY, NO_ACCESS, UNMAPPED } from '../bpf-agent/symbolize/symbolizer.ts'

/** What one program's stacks are like, in the tree's unit. */
export interface ProgramQuality {
  readonly executable: string
  readonly all: number
  /** Of `all`: stacks that end early, and those of them without a user frame whose place is known. */
  readonly early: number
  readonly rootless: number
  /** Frames, each weighted with what was measured below it, and those without a name. */
  readonly frames: number
  readonly unnamed: number
  /** Binary of the outermost frame that is known → stacks that end early there. */
  readonly ends: ReadonlyMap<string, number>
  /** Binary → frames without a name. */
  readonly nameless: ReadonlyMap<string, number>
}

/** Markers that stand where no frame has a place. */
const PLACELESS: ReadonlySet<string> = new Set([EXITED_EARLY, UNMAPPED, NO_ACCESS])

/** in   tree  callers first, whole; its first level holds executables
 *  out  heaviest first.    cost O(nodes) */
export function programsOf({ frames, depth, frame, total, self }: CallTree): readonly ProgramQuality[] {
  const isUnnamed = frames.name.map(isNameless)
  const programs: ReturnType<typeof emptyProgram>[] = []
  let program = emptyProgram('', 0)
  let isEarly = false
  for (let node = 1; node < depth.length; node++) {
    const at = frame[node]!
    const weight = total[node]!
    const name = frames.name[at]!
    if (depth[node] === 1) {
      program = emptyProgram(name, weight)
      programs.push(program)
      continue
    }
    if (depth[node] === 2) isEarly = name === TRUNCATED_NAME
    if (name === TRUNCATED_NAME) {
      if (depth[node] === 2) {
        program.early += weight
        program.rootless += self[node]! // nothing below the mark: no frame at all
        if (self[node]! > 0) add(program.ends, 'no frame', self[node]!)
      }
      continue // a mark, no frame
    }
    const binary = frames.mapping[at]! || name
    if (isEarly && depth[node] === 3) {
      if (PLACELESS.has(name) || frames.kind[at] === 'kernel') program.rootless += weight
      add(program.ends, binary, weight)
    }
    program.frames += weight
    if (!isUnnamed[at]) continue
    program.unnamed += weight
    add(program.nameless, binary, weight)
  }
  return programs.sort((one, other) => other.all - one.all)
}

const emptyProgram = (executable: string, all: number) => ({
  ...{ executable, all, early: 0, rootless: 0, frames: 0, unnamed: 0 },
  ends: new Map<string, number>(),
  nameless: new Map<string, number>(),
})

const add = (sums: Map<string, number>, key: string, weight: number) =>
  sums.set(key, (sums.get(key) ?? 0) + weight)

/** Shares in per cent over some programs; 100 and 0 of nothing would be good figures, so nothing is an error. */
export function sharesOf(programs: readonly ProgramQuality[]) {
  const sum = (field: 'all' | 'early' | 'rootless' | 'frames' | 'unnamed') =>
    programs.reduce((all, program) => all + program[field], 0)
  if (sum('all') === 0) throw new Error('no sample of these programs: their stacks cannot be judged')
  return {
    complete: 100 * (1 - sum('early') / sum('all')),
    rootless: (100 * sum('rootless')) / sum('all'),
    // Without any frame nothing is named.
    named: sum('frames') > 0 ? 100 * (1 - sum('unnamed') / sum('frames')) : 0,
  }
}

/** The places that spoil a figure most, as lines: per cent of all, program, binary.
 *  in  most  how many */
export function worstOf(
  programs: readonly ProgramQuality[],
  what: 'ends' | 'nameless',
  most = 10,
): readonly string[] {
  const all = programs.reduce((sum, program) => sum + (what === 'ends' ? program.all : program.frames), 0)
  return programs
    .flatMap((program) =>
      [...program[what]].map(([binary, weight]) => ({ executable: program.executable, binary, weight })),
    )
    .sort((one, other) => other.weight - one.weight)
    .slice(0, most)
    .map(
      ({ executable, binary, weight }) => `${((100 * weight) / all).toFixed(2)} % ${executable}: ${binary}`,
    )
}

// How good would this host's flame graphs be? Of what was sampled for some seconds it says which binaries spoil them most:
// those whose code ends stacks early, those whose functions have no names.

import { TRUNCATED_NAME } from '#profile/model/profile'
import { buildTreeOfProfile } from '#profile/tree/build'
import type { CallTree } from '#profile/tree/call-tree'
import { isNameless, qualityOf } from '#profile/tree/quality'
import { type Finding, ok, warn } from './check.ts'
import { judgeRuntimes, programsSeen } from './runtimes.ts'
import type { Trial } from './sampler.ts'

const SPOILERS = 5
/** Below these a graph misleads; what a well-kept host reaches. */
const COMPLETE_MIN = 0.98
const NAMED_MIN = 0.95

/** out  none where sampling does not work: another finding says so */
export function judgeStacks(trial: Trial): readonly Finding[] {
  if (trial.kind === 'refused' || trial.profile === undefined) return []
  return [...judgeTree(buildTreeOfProfile(trial.profile)), ...judgeRuntimes(programsSeen(trial.profile))]
}

/** What a tree of samples (value: how many) says of the host it comes from. */
export function judgeTree(tree: CallTree): readonly Finding[] {
  const { endEarly, unnamed } = qualityOf([tree])
  const samples = tree.total[0] ?? 0
  if (samples === 0) return []
  const { ends, nameless } = spoilersOf(tree)
  const complete = `${percent(1 - endEarly)} of ${samples} stacks complete`
  const named = `${percent(1 - unnamed)} of their frames named`
  return [
    1 - endEarly >= COMPLETE_MIN
      ? ok('stacks', complete)
      : warn(
          'stacks',
          `${complete}; the others end in ${listOf(ends)}`,
          'who called what: these stacks begin in the middle',
          `build them with frame pointers or .eh_frame tables (gcc's default): ${ends.map(({ binary }) => binary).join(', ')}`,
        ),
    1 - unnamed >= NAMED_MIN
      ? ok('names', named)
      : warn(
          'names',
          `${named}; the others are in ${listOf(nameless)}`,
          'these functions stand as addresses',
          nameless.map(({ binary }) => cureOf(binary)).join('; '),
        ),
  ]
}

interface Spoiler {
  readonly binary: string
  /** Of all that is spoiled, 0 to 1. */
  readonly share: number
}

function spoilersOf({ frames, depth, frame, total }: CallTree) {
  const ends = new Map<string, number>()
  const nameless = new Map<string, number>()
  const add = (sums: Map<string, number>, node: number) => {
    const binary = frames.mapping[frame[node]!]! || JIT
    sums.set(binary, (sums.get(binary) ?? 0) + total[node]!)
  }
  let isUnderMark = false
  for (let node = 1; node < depth.length; node++) {
    const name = frames.name[frame[node]!]!
    if (depth[node] === 1) isUnderMark = name === TRUNCATED_NAME
    if (isUnderMark && depth[node] === 2) add(ends, node)
    if (isNameless(name)) add(nameless, node)
  }
  return { ends: largest(ends), nameless: largest(nameless) }
}

function largest(sums: ReadonlyMap<string, number>): readonly Spoiler[] {
  const all = [...sums.values()].reduce((sum, one) => sum + one, 0)
  return [...sums]
    .sort(([one, ofOne], [other, ofOther]) => ofOther - ofOne || (one < other ? -1 : 1))
    .slice(0, SPOILERS)
    .map(([binary, sum]) => ({ binary, share: sum / all }))
}

const JIT = 'code made at run time'

/** Where the names of a binary come from. Debian's, as examples: other distributions name their packages otherwise. */
function cureOf(binary: string): string {
  if (binary === JIT) return 'Node: start it with --perf-basic-prof; JVM: with a perf map agent'
  if (/^(libc|ld-linux|libm|libpthread)\b/.test(binary)) return `${binary}: apt install libc6-dbg`
  return `${binary}: install its debug symbols (a -dbg or -dbgsym package), or build it without strip`
}

const percent = (share: number) => `${Math.floor(share * 1000) / 10} %`
const listOf = (spoilers: readonly Spoiler[]) =>
  spoilers.map(({ binary, share }) => `${binary} (${Math.round(share * 100)} %)`).join(', ')

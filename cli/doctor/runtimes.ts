// Which programs run code that no file holds, and do they tell what it is? A runtime that compiles while it runs must say
// so itself; the doctor knows the flag. Judged by what was sampled: a runtime that idles is nobody's loss.

import { findLabel } from '#profile/labels/lookup'
import type { Profile } from '#profile/model/profile'
import { buildTree } from '#profile/tree/build'
import type { CallTree } from '#profile/tree/call-tree'
import { frameTrie } from '#profile/tree/frame-trie'
import { qualityOf } from '#profile/tree/quality'
import { ANONYMOUS_CODE } from '../../bpf-agent/symbolize/locations.ts'
import { type Finding, ok, warn } from './check.ts'

/** What was sampled of the processes of one executable. */
export interface ProgramSeen {
  readonly executable: string
  readonly samples: number
  /** Shares, 0 to 1: of its frames that lie in code made at run time and have no name; of its stacks that end early. */
  readonly anonymous: number
  readonly endEarly: number
  /** What the agent could not read of an interpreter, as it stands in the stacks: "[python: no offsets for 3.15]". */
  readonly markers: readonly string[]
}

const SHARE_MIN = 0.01 // less is a trampoline
const SAMPLES_MIN = 5
const MARKER = /^\[(?:python|node|jvm|ruby|php|dotnet)\b[^\]]*\]$/

/** in   profile  samples with the label `executable`
 *  out  heaviest first.    cost one tree per executable */
export function programsSeen(profile: Profile): readonly ProgramSeen[] {
  const { trie, nodeOfStack } = frameTrie(profile)
  const { samples, labelSets } = profile
  const rowsOf = new Map<string, number[]>()
  for (let row = 0; row < samples.value.length; row++) {
    const executable = findLabel(labelSets[samples.labelSet[row]!]!, 'executable')
    if (executable === '') continue
    const rows = rowsOf.get(executable)
    if (rows) rows.push(row)
    else rowsOf.set(executable, [row])
  }
  return [...rowsOf]
    .map(([executable, rows]) => {
      const node = Uint32Array.from(rows, (row) => nodeOfStack[samples.stack[row]!]!)
      const sum = Float64Array.from(rows, (row) => samples.value[row]!)
      const tree = buildTree({ trie, node, sum })
      return {
        executable,
        samples: tree.total[0]!,
        anonymous: shareOfName(tree, ANONYMOUS_CODE),
        endEarly: qualityOf([tree]).endEarly,
        markers: [...new Set(Array.from(tree.frame, (frame) => tree.frames.name[frame]!))].filter((name) =>
          MARKER.test(name),
        ),
      }
    })
    .sort((one, other) => other.samples - one.samples || (one.executable < other.executable ? -1 : 1))
}

/** A frame's share of all frames, each weighted with what was measured below it. */
function shareOfName({ frames, frame, total }: CallTree, name: string): number {
  let all = 0
  let own = 0
  for (let node = 1; node < frame.length; node++) {
    all += total[node]!
    if (frames.name[frame[node]!] === name) own += total[node]!
  }
  return all > 0 ? own / all : 0
}

/** One finding per program that keeps something to itself; one line when none does. */
export function judgeRuntimes(programs: readonly ProgramSeen[]): readonly Finding[] {
  const findings = programs.flatMap((program) => [
    ...(program.samples >= SAMPLES_MIN && program.anonymous >= SHARE_MIN ? [anonymousCode(program)] : []),
    ...(program.samples >= SAMPLES_MIN && isJvm(program.executable) && program.endEarly >= SHARE_MIN
      ? [framelessJvm(program)]
      : []),
    ...program.markers.map((marker) =>
      warn(
        `runtime ${program.executable}`,
        marker,
        'its interpreted functions have no frames of their own',
        'update the agent; run that program with a version that it knows',
      ),
    ),
  ])
  return findings.length > 0 ? findings : [ok('runtimes', 'all that was sampled tells what its code is')]
}

const anonymousCode = ({ executable, anonymous }: ProgramSeen): Finding =>
  warn(
    `runtime ${executable}`,
    `${percent(anonymous)} of its frames lie in code made at run time, without a name`,
    'its functions stand as one frame, [anonymous code]',
    cureOf(executable),
  )

const framelessJvm = ({ executable, endEarly }: ProgramSeen): Finding =>
  warn(
    `runtime ${executable}`,
    `${percent(endEarly)} of its stacks end early`,
    'compiled Java code has no callers',
    'start it with -XX:+PreserveFramePointer (JAVA_TOOL_OPTIONS reaches every JVM)',
  )

const isJvm = (executable: string) => /^java\d*$/.test(executable)

/** Each flag acts at the start of the program; none can be switched on from outside without acting inside of it. */
function cureOf(executable: string): string {
  if (/^(node|nodejs|electron)\d*$/.test(executable))
    return "start it with NODE_OPTIONS='--perf-basic-prof --interpreted-frames-native-stack'"
  if (isJvm(executable))
    return 'start it with -XX:+PreserveFramePointer, and write a perf map: jcmd PID Compiler.perfmap (JDK 17 or newer)'
  if (executable === 'dotnet') return 'start it with DOTNET_PerfMapEnabled=1'
  if (/^ruby/.test(executable)) return 'start it with --yjit --yjit-perf (Ruby 3.3 or newer)'
  return 'let its runtime write a perf map, /tmp/perf-PID.map: a line "START SIZE NAME" in hex for each function'
}

const percent = (share: number) => `${Math.round(share * 100)} %`

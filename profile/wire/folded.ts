// How does a profile read as text? One line a stack, root first: `main;serve;read 10`. Every flame graph tool reads it.
//
// Names may hold what separates: `;` is written `\x3b`, line breaks `\x0a` and `\x0d`, and a backslash that would look like
// the start of such an escape `\x5c`. All other backslashes stay, so namespaces (`App\Shop`) look as they do elsewhere.
import { ProfileBuilder, type ProfileHead } from '../model/builder.ts'
import { asId, NONE, type StackId } from '../model/ids.ts'
import type { Labels } from '../model/labels.ts'
import type { Profile } from '../model/profile.ts'
import { failure, type Result, success } from '../model/result.ts'
import { grouped, type WireLimits } from './wire-limits.ts'

/** Prints the samples of a profile, equal stacks added up, in the order of their first sample.
 *  Location without a name: `app+0x1a2b`, `[unknown]` without a binary. Samples without a stack: `[no stack]`.
 *  cost O(stacks · depth) */
export function printFolded(profile: Profile): string {
  const sums = new Map<string, number>()
  const { stack, value } = profile.samples
  for (let i = 0; i < stack.length; i++) {
    const frames = framesFromRoot(profile, stack[i]!)
    const line = frames.length === 0 ? '[no stack]' : frames.map(escapeName).join(';')
    sums.set(line, (sums.get(line) ?? 0) + value[i]!)
  }
  return Array.from(sums, ([line, sum]) => `${line} ${sum}\n`).join('')
}

/** Parses folded lines to a profile of one window and one label set. Blank lines are skipped, equal stacks stay apart.
 *  in      limits  samplesMax lines, stackDepth frames a line, stringBytes UTF-16 units a name
 *  errors  "line 3: …" with the position of the line: no value, a value that is no number from 0 to 2^53, a limit */
export function parseFolded(
  text: string,
  {
    head,
    labels,
    limits,
  }: {
    readonly head: ProfileHead
    readonly labels: Labels
    readonly limits: Pick<WireLimits, 'samplesMax' | 'stackDepth' | 'stringBytes'>
  },
): Result<Profile> {
  const builder = new ProfileBuilder()
  const labelSet = builder.labelSet(labels)
  let [samples, lineNumber] = [0, 0]
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start)
    const stop = newline < 0 ? text.length : newline
    const line = text.slice(start, text[stop - 1] === '\r' && stop > start ? stop - 1 : stop)
    lineNumber++
    if (line.trim() !== '') {
      if (++samples > limits.samplesMax)
        return failure(
          `line ${lineNumber}: more than ${grouped(limits.samplesMax)} stacks (limits.samplesMax); split the file`,
          start,
        )
      const refusal = addLine(builder, { line, labelSet, timeMs: head.timeMs, limits })
      if (refusal !== undefined) return failure(`line ${lineNumber}: ${refusal}`, start)
    }
    start = stop + 1
  }
  return success(builder.build(head))
}

/** A name as it stands in a folded line. */
export function escapeName(name: string): string {
  if (name === '') return '[unknown]'
  return name.replaceAll(
    /[;\n\r]|\\(?=x(?:3b|0a|0d|5c))/g,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}

const unescapeName = (text: string): string =>
  text.replaceAll(/\\x(3b|0a|0d|5c)/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))

function addLine(
  builder: ProfileBuilder,
  {
    line,
    labelSet,
    timeMs,
    limits,
  }: {
    readonly line: string
    readonly labelSet: ReturnType<ProfileBuilder['labelSet']>
    readonly timeMs: number
    readonly limits: Pick<WireLimits, 'stackDepth' | 'stringBytes'>
  },
): string | undefined {
  const space = line.lastIndexOf(' ')
  const digits = line.slice(space + 1)
  const value = /^\d{1,16}(\.\d{1,16})?$/.test(digits) ? Number(digits) : Number.NaN
  if (space < 1 || !(value <= Number.MAX_SAFE_INTEGER))
    return `"${line.slice(0, 60)}" must end in a space and a number from 0 to 2^53, for example main;work 10`
  const names = line.slice(0, space).split(';', limits.stackDepth + 1)
  if (names.length > limits.stackDepth)
    return `the stack has more than ${grouped(limits.stackDepth)} frames (limits.stackDepth)`
  let stack: StackId = asId(0)
  for (const name of names) {
    if (name.length > limits.stringBytes)
      return `the name "${name.slice(0, 40)}…" is longer than ${grouped(limits.stringBytes)} (limits.stringBytes)`
    const row = builder.function({ name: unescapeName(name) })
    const location = builder.location({
      mapping: NONE,
      addressHigh: 0,
      addressLow: 0,
      kind: '',
      lines: [{ function: row, line: 0 }],
    })
    stack = builder.stack(stack, location)
  }
  builder.sample({ stack, labelSet, value, timeMs })
  return undefined
}

function framesFromRoot(profile: Profile, stack: number): string[] {
  const { stacks, locations, lines, functions, mappings, strings } = profile
  const frames: string[] = []
  for (let node = stack; node !== 0; node = stacks.parent[node]!) {
    const row = stacks.location[node]!
    const [first, after] = [locations.lineStart[row]!, locations.lineStart[row + 1]!]
    for (let i = first; i < after; i++) frames.push(strings[functions.name[lines.function[i]!]!]!)
    if (first < after) continue
    const mapping = locations.mapping[row]!
    const binary = mapping === NONE ? '' : strings[mappings.file[mapping]!]!
    const address = locations.addressHigh[row]! * 2 ** 32 + locations.addressLow[row]!
    frames.push(binary === '' ? '[unknown]' : `${binary}+0x${address.toString(16)}`)
  }
  return frames.reverse()
}

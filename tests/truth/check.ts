// Which share of a program's samples tells the truth? Every sample of the program counts; one wrong frame makes it wrong.
import { TRUNCATED_NAME } from '#profile/model/profile'
import { type Frame, fits, type Layout, layOut, matches, type Step } from './pattern.ts'

/** Equal stacks of one program. */
export interface SeenStack {
  /** User frames, root first, `[truncated]` and other markers among them. */
  readonly frames: readonly Frame[]
  readonly samples: number
}

/** A stack that the program truly has. */
export interface TrueStack {
  readonly frames: readonly Step[]
  /** Least share of all samples: without them the program did not do what it was written for. 0 */
  readonly atLeast?: number
}

/** How a wrong stack differs from the true ones. */
export type Difference =
  | 'no user frames'
  | 'callers missing' // what is there is right, up to the leaf
  | 'callees missing' // what is there is right, from the root
  | 'a frame without name'
  | 'other frames'

export interface Verdict {
  readonly samples: number
  /** Samples whose stack is exactly a true one. */
  readonly exact: number
  /** Samples whose innermost frame is the leaf of a true stack, whatever is above it. */
  readonly inLeaf: number
  /** Exact samples by true stack, in the order given. */
  readonly byStack: readonly number[]
  /** Wrong ones, most samples first. */
  readonly wrong: readonly {
    readonly samples: number
    readonly difference: Difference
    readonly frames: readonly Frame[]
  }[]
}

/** Compares all stacks of one program with those it truly has.
 *  cost O(stacks × true stacks × depth) */
export function check(seen: readonly SeenStack[], truth: readonly TrueStack[]): Verdict {
  const layouts = truth.map(({ frames }) => layOut(frames))
  const byStack = truth.map(() => 0)
  const wrong: { samples: number; difference: Difference; frames: readonly Frame[] }[] = []
  let [all, exact, inLeaf] = [0, 0, 0]
  for (const { frames, samples } of seen) {
    all += samples
    if (isInLeaf(layouts, frames)) inLeaf += samples
    const which = layouts.findIndex((layout) => matches(layout, frames))
    if (which === -1) {
      wrong.push({ samples, difference: differenceOf(layouts, frames), frames })
      continue
    }
    exact += samples
    byStack[which]! += samples
  }
  wrong.sort((one, other) => other.samples - one.samples)
  return { samples: all, exact, inLeaf, byStack, wrong }
}

/** What is demanded of a verdict. */
export interface Demand {
  readonly samples: number
  /** Shares of all samples. */
  readonly exact: number
  readonly inLeaf: number
}

/** Every demand that is not met, as a sentence; none: it passes. */
export function complaints(verdict: Verdict, truth: readonly TrueStack[], demand: Demand): string[] {
  const { samples, exact, inLeaf, byStack } = verdict
  const found: string[] = []
  if (samples < demand.samples) found.push(`${samples} samples, demanded ${demand.samples}`)
  const least = (what: string, got: number, share: number) => {
    if (!(got >= share * samples))
      found.push(`${what}: ${percent(got, samples)}, demanded ${percent(share, 1)}`)
  }
  least('exact stacks', exact, demand.exact)
  least('in the leaf', inLeaf, demand.inLeaf)
  for (const [i, { atLeast = 0 }] of truth.entries())
    least(`stacks like true stack ${i + 1}`, byStack[i]!, atLeast)
  return found
}

/** "99.57 %": rounded down, so that a missed demand never reads as met. */
export function percent(part: number, whole: number): string {
  return whole === 0 ? '0.00 %' : `${(Math.floor((10_000 * part) / whole + 1e-9) / 100).toFixed(2)} %`
}

/** A stack as one line, repeated frames counted: `main;down ×20;burn`. */
export function printFrames(frames: readonly Frame[]): string {
  const parts: { text: string; times: number }[] = []
  for (const { name, binary } of frames) {
    const text = name || `(${binary || 'unknown'})`
    const last = parts.at(-1)
    if (last?.text === text) last.times++
    else parts.push({ text, times: 1 })
  }
  return parts.map(({ text, times }) => (times > 1 ? `${text} ×${times}` : text)).join(';')
}

function isInLeaf(layouts: readonly Layout[], frames: readonly Frame[]): boolean {
  const leaf = frames.at(-1)
  return leaf !== undefined && layouts.some((layout) => layout.length > 0 && fits(layout.at(-1)!.step, leaf))
}

function differenceOf(layouts: readonly Layout[], frames: readonly Frame[]): Difference {
  if (frames.length === 0) return 'no user frames'
  const rest = frames[0]!.name === TRUNCATED_NAME ? frames.slice(1) : frames
  if (layouts.some((layout) => matches(layout, rest, 'suffix'))) return 'callers missing'
  if (layouts.some((layout) => matches(layout, rest, 'prefix'))) return 'callees missing'
  return rest.some(({ name }) => name === '') ? 'a frame without name' : 'other frames'
}

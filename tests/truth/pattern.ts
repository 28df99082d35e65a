// What must a stack look like? One step per frame, root first. Most steps are names; a frame of a library that may lack
// symbols is demanded by its place: a root is a position, not a name.

/** A user frame as it was reported. */
export interface Frame {
  /** "": the frame has none. */
  readonly name: string
  /** Base name of the binary; "": none. */
  readonly binary: string
}

/** A frame that is one of several, or lies in a binary. What is given must hold. */
export interface Place {
  /** Base name of the binary. A frame of it without a name will do. */
  readonly in?: string
  /** Allowed names. */
  readonly names?: readonly string[]
  /** Or: the name begins with this. */
  readonly begins?: string
  /** Or: the name holds one of these. */
  readonly holds?: readonly string[]
  /** How many such frames follow each other: exactly, or from … to. 1 */
  readonly times?: number | readonly [least: number, most: number]
}

export type Step = string | Place

/** One position of a pattern that was laid out frame by frame. */
interface Position {
  readonly step: Step
  readonly isOptional: boolean
}

/** A pattern laid out for comparing. */
export type Layout = readonly Position[]

/** Lays a pattern out; cost O(frames of its longest match). */
export function layOut(pattern: readonly Step[]): Layout {
  return pattern.flatMap((step) => {
    const times = typeof step === 'string' ? 1 : (step.times ?? 1)
    const [least, most] = typeof times === 'number' ? [times, times] : times
    return Array.from({ length: most }, (_, i) => ({ step, isOptional: i >= least }))
  })
}

/** Whether a frame is what a step demands. */
export function fits(step: Step, frame: Frame): boolean {
  if (typeof step === 'string') return frame.name === step
  if (step.in !== undefined && frame.binary !== step.in) return false
  if (frame.name === '') return step.in !== undefined
  const isFree = step.names === undefined && step.begins === undefined && step.holds === undefined
  return (
    isFree ||
    step.names?.includes(frame.name) === true ||
    (step.begins !== undefined && frame.name.startsWith(step.begins)) ||
    step.holds?.some((part) => frame.name.includes(part)) === true
  )
}

/** Whether the frames, all of them and in this order, are what the layout demands.
 *  in   part  `suffix`: the layout's first frames may be missing; `prefix`: its last ones
 *  cost O(frames × positions) at worst, O(frames) for patterns without ranges */
export function matches(
  layout: Layout,
  frames: readonly Frame[],
  part: 'whole' | 'suffix' | 'prefix' = 'whole',
): boolean {
  let reached = new Set<number>() // positions before which we may stand
  const reach = (set: Set<number>, from: number) => {
    for (let at = from; !set.has(at); at++) {
      set.add(at)
      if (layout[at]?.isOptional !== true) return
    }
  }
  for (let at = 0; at <= (part === 'suffix' ? layout.length - 1 : 0); at++) reach(reached, at)
  for (const frame of frames) {
    const next = new Set<number>()
    for (const at of reached) if (at < layout.length && fits(layout[at]!.step, frame)) reach(next, at + 1)
    if (next.size === 0) return false
    reached = next
  }
  return part === 'prefix' || reached.has(layout.length)
}

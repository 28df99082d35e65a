// What was mapped when? A process' life as generations: lists of mappings, each true from a moment on. Two sources make it.
// Events tell of mappings, of other programs, at their very moment, but never that something was unmapped; /proc tells all
// there is, but only of now.
//
//   program at 10 │ app, loader, libc at 11 to 13 │ alpha.so at 20 │ (unmapped, unseen) │ beta.so over it at 30
//   └── generation 1, from 10: app, loader, libc, alpha.so ─────────────────────────────┘ └─ generation 2, from 30
//
// What is mapped where nothing was known joins the generation that is, and counts as if it had always been there: no
// sample of before can have an address in it. So a program that loads its libraries has one generation, and only what
// takes the place of another begins the next one. A pure calculation on lists.
import { type Mappings, mappingAt, NO_MAPPINGS } from './mappings.ts'

/** What a process was from a moment on. */
export interface Generation {
  /** Told apart from the others of its process by this, also after more has joined it. */
  readonly number: number
  /** CLOCK_MONOTONIC, ms; -Infinity: as long as is known. */
  readonly sinceMs: number
  /** When /proc last said the same; -Infinity: never, it is made of events. */
  readonly readMs: number
  readonly mappings: Mappings
  /** Base name of the program's file; "" if unknown: nothing of it is. */
  readonly executable: string
  /** "" if nothing tells: the thread's name stands in. */
  readonly service: string
  readonly isKernelThread: boolean
}

/** Newest first. */
export type Timeline = readonly Generation[]

/** A mapping of a file, or of the vDSO. */
export interface MappedRow {
  readonly start: number
  readonly end: number
  readonly offset: number
  readonly file: string
  readonly path: string
}

/** What an event says. Times are CLOCK_MONOTONIC, ms. */
export type Change =
  | { readonly kind: 'program'; readonly timeMs: number }
  | (MappedRow & { readonly kind: 'map'; readonly timeMs: number })

/** What /proc says. */
export type Reading = Pick<Generation, 'mappings' | 'executable' | 'service' | 'isKernelThread'>

/** The generation that was true at a moment; the oldest one for moments before it. undefined: nothing is known.
 *  cost O(generations), and they are asked for the newest mostly */
export function generationAt(timeline: Timeline, timeMs: number): Generation | undefined {
  for (const generation of timeline) if (generation.sinceMs <= timeMs) return generation
  return timeline.at(-1)
}

/** The generation of a number; the oldest one that is kept where it is kept no more. */
export function generationOf(timeline: Timeline, number: number): Generation | undefined {
  return timeline.find((generation) => generation.number === number) ?? timeline.at(-1)
}

/** Whether nothing is known of the program but that there is one. */
export const isHollow = ({ executable, mappings, isKernelThread }: Generation): boolean =>
  executable === '' && mappings.start.length === 0 && !isKernelThread

/** The timeline after some events.
 *  in      changes  ordered by time; they may be older than what /proc has told meanwhile
 *          nameOf   what a program is called, by its path: executable and service
 *  out     the very same list if they say nothing new
 *  cost    O(mappings + changes · log mappings), and O(mappings) for each new generation */
export function applyChanges(
  timeline: Timeline,
  changes: readonly Change[],
  nameOf: (path: string) => Pick<Generation, 'executable' | 'service'>,
): Timeline {
  let list: Timeline = timeline
  let draft: Draft | undefined // of the newest generation
  const settle = () => {
    const newest = list[0]
    if (draft?.isChanged && newest) list = [{ ...newest, mappings: draft.freeze() }, ...list.slice(1)]
    draft = undefined
  }
  for (const change of changes) {
    if (change.kind === 'program') {
      settle()
      list = programBegins(list, change.timeMs)
      continue
    }
    const newest = list[0]
    if (newest === undefined) continue // what else it has mapped is not known
    if (change.timeMs < newest.sinceMs) {
      settle()
      list = insertLate(list, change)
      continue
    }
    // What is mapped first is the program's own file.
    if (draft === undefined && isHollow(newest))
      list = [{ ...newest, ...nameOf(change.path) }, ...list.slice(1)]
    if (change.timeMs <= newest.readMs) continue // /proc has seen it, or it was gone already
    draft ??= draftOf(newest.mappings)
    if (draft.join(change)) continue
    settle()
    const next = draftOf(list[0]!.mappings)
    next.replace(change)
    list = [{ ...list[0]!, number: nextNumber(list), sinceMs: change.timeMs, readMs: -Infinity }, ...list]
    draft = next
  }
  settle()
  return list
}

/** The timeline after /proc was read.
 *  out   what is new joins the generation that was; if something has gone or was replaced, a new one begins now
 *  cost  O(mappings · log mappings) */
export function applyReading(timeline: Timeline, found: Reading, timeMs: number): Timeline {
  const [newest, ...older] = timeline
  if (newest === undefined)
    return [{ ...found, number: 0, sinceMs: Number.NEGATIVE_INFINITY, readMs: timeMs }]
  if (isHollow(newest))
    return [{ ...found, number: newest.number, sinceMs: newest.sinceMs, readMs: timeMs }, ...older]
  const begun = { ...found, number: nextNumber(timeline), sinceMs: timeMs, readMs: timeMs }
  if (isEqual(newest, found)) return [{ ...newest, service: found.service, readMs: timeMs }, ...older]
  const isGone = hasLost(newest.mappings, found.mappings)
  // Another program although no event has told. What events have said of it may begin with its second file.
  const isOther = found.executable !== newest.executable && (isGone || newest.readMs !== -Infinity)
  if (isOther || found.mappings.start.length > JOINED_MAX) return [begun, ...timeline]
  const draft = draftOf(newest.mappings)
  let isReplaced = false
  for (let i = 0; i < found.mappings.start.length; i++)
    if (!draft.join(rowOf(found.mappings, i))) isReplaced = true
  const mappings = draft.isChanged ? draft.freeze() : newest.mappings
  if (!isReplaced && !isGone) return [{ ...newest, ...found, mappings, readMs: timeMs }, ...older]
  return [begun, { ...newest, mappings }, ...older]
}

/** The timeline without what nobody asks for any more.
 *  in   sinceMs  generations that ended before go
 *       rowsMax  mappings of all but the newest
 *  out  and whether something went that had not ended long ago */
export function trim(
  timeline: Timeline,
  { sinceMs, rowsMax, generationsMax }: Readonly<Record<'sinceMs' | 'rowsMax' | 'generationsMax', number>>,
): { readonly timeline: Timeline; readonly isCut: boolean } {
  let rows = 0
  for (let i = 1; i < timeline.length; i++) {
    rows += timeline[i]!.mappings.start.length
    const hasEnded = timeline[i - 1]!.sinceMs < sinceMs
    if (!hasEnded && rows <= rowsMax && i < generationsMax) continue
    return { timeline: timeline.slice(0, i), isCut: !hasEnded }
  }
  return { timeline, isCut: false }
}

/** Beyond this many mappings a list is compared as a whole: they are compilers' pieces, not libraries. */
export const JOINED_MAX = 4096

function programBegins(list: Timeline, timeMs: number): Timeline {
  const [newest, ...older] = list
  // /proc was read after it had begun, but before we were told.
  if (newest && newest.readMs >= timeMs)
    return newest.sinceMs > timeMs || newest.sinceMs === Number.NEGATIVE_INFINITY
      ? [{ ...newest, sinceMs: timeMs }, ...older]
      : list
  const begun: Generation = {
    ...{ number: nextNumber(list), sinceMs: timeMs, readMs: Number.NEGATIVE_INFINITY, mappings: NO_MAPPINGS },
    ...{ executable: '', service: '', isKernelThread: false },
  }
  return [begun, ...list]
}

/** A mapping of before the newest generation began, which /proc had told first. */
function insertLate(list: Timeline, change: MappedRow & { readonly timeMs: number }): Timeline {
  const at = list.findIndex(({ sinceMs }) => sinceMs <= change.timeMs)
  const before = list[at]
  if (before === undefined) return list
  const draft = draftOf(before.mappings)
  if (draft.join(change))
    return draft.isChanged ? list.with(at, { ...before, mappings: draft.freeze() }) : list
  draft.replace(change)
  const mappings = draft.freeze()
  const after = list[at - 1]!
  // It is what /proc has told: now we know since when.
  if (!hasLost(mappings, after.mappings)) return list.with(at - 1, { ...after, sinceMs: change.timeMs })
  const begun = { ...before, number: nextNumber(list), sinceMs: change.timeMs, mappings }
  return [...list.slice(0, at), begun, ...list.slice(at)]
}

/** 0 is what was there before anybody could tell: a sample of that time has it already. */
const nextNumber = (list: Timeline) => list.reduce((most, { number }) => Math.max(most, number), 0) + 1

function rowOf({ start, end, offset, file, path }: Mappings, i: number): MappedRow {
  return { start: start[i]!, end: end[i]!, offset: offset[i]!, file: file[i]!, path: path[i]! }
}

/** Whether a part of some mapping is not the same in the other list. */
function hasLost(mappings: Mappings, other: Mappings): boolean {
  for (let i = 0; i < mappings.start.length; i++) if (!holds(other, rowOf(mappings, i))) return true
  return false
}

/** Whether the list has all of a mapping in one piece. Paths change when files are deleted: they are not compared. */
function holds(mappings: Mappings, { start, end, offset, file }: MappedRow): boolean {
  const i = mappingAt(mappings, start)
  return (
    i !== -1 &&
    mappings.end[i]! >= end &&
    mappings.file[i] === file &&
    (file === '' || mappings.offset[i]! - mappings.start[i]! === offset - start)
  )
}

function isEqual(one: Reading, other: Reading): boolean {
  const [ours, theirs] = [one.mappings, other.mappings]
  if (one.executable !== other.executable) return false
  return ours.start.length === theirs.start.length && !hasLost(ours, theirs)
}

/** A list of mappings that is being changed. */
interface Draft {
  /** Adds a mapping where nothing is, or where the same file is mapped in the same way.
   *  out  false: it would take the place of another one, and nothing was done */
  join(row: MappedRow): boolean
  /** Adds a mapping; what was there goes. */
  replace(row: MappedRow): void
  readonly isChanged: boolean
  freeze(): Mappings
}

function draftOf(mappings: Mappings): Draft {
  const start = plain(mappings.start)
  const end = plain(mappings.end)
  const offset = plain(mappings.offset)
  const file = [...mappings.file]
  const path = [...mappings.path]
  let isChanged = false

  function splice(from: number, count: number, rows: readonly MappedRow[]): void {
    start.splice(from, count, ...rows.map((row) => row.start))
    end.splice(from, count, ...rows.map((row) => row.end))
    offset.splice(from, count, ...rows.map((row) => row.offset))
    file.splice(from, count, ...rows.map((row) => row.file))
    path.splice(from, count, ...rows.map((row) => row.path))
    isChanged = true
  }

  /** The rows that a mapping touches: from … to - 1. */
  const touched = (row: MappedRow) => ({
    from: firstAbove(end, row.start),
    to: firstAbove(start, row.end - 1),
  })

  const isSame = (row: MappedRow, i: number) =>
    file[i] === row.file &&
    (row.file === '' ? path[i] === row.path : offset[i]! - start[i]! === row.offset - row.start)

  return {
    join(row) {
      const { from, to } = touched(row)
      for (let i = from; i < to; i++) if (!isSame(row, i)) return false
      if (to - from === 1 && start[from]! <= row.start && end[from]! >= row.end) return true
      if (from === to) {
        splice(from, 0, [row])
        return true
      }
      const whole = {
        ...row,
        start: Math.min(row.start, start[from]!),
        end: Math.max(row.end, end[to - 1]!),
        offset: row.start <= start[from]! ? row.offset : offset[from]!,
      }
      splice(from, to - from, [whole])
      return true
    },
    replace(row) {
      const { from, to } = touched(row)
      const rows = [row]
      if (to > from && start[from]! < row.start) rows.unshift({ ...partOf(from), end: row.start })
      if (to > from && end[to - 1]! > row.end) {
        const cut = row.end - start[to - 1]!
        rows.push({ ...partOf(to - 1), start: row.end, offset: offset[to - 1]! + cut })
      }
      splice(from, to - from, rows)
    },
    get isChanged() {
      return isChanged
    },
    freeze: () => ({
      start: Float64Array.from(start),
      end: Float64Array.from(end),
      offset: Float64Array.from(offset),
      file,
      path,
    }),
  }

  function partOf(i: number): MappedRow {
    return { start: start[i]!, end: end[i]!, offset: offset[i]!, file: file[i]!, path: path[i]! }
  }
}

/** Array.from would go through an iterator: some ten times as long for a few numbers. */
function plain(column: Float64Array): number[] {
  const list: number[] = []
  for (let i = 0; i < column.length; i++) list.push(column[i]!)
  return list
}

/** First index whose value is above the limit, in an ascending list. */
function firstAbove(ascending: readonly number[], limit: number): number {
  let low = 0
  let high = ascending.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (ascending[middle]! > limit) high = middle
    else low = middle + 1
  }
  return low
}

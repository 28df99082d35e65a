// Who is (tgid, startTicks)? What living and recently dead processes have mapped, and which service they are.
//
// Events of the kernel tell what a process maps, and when it becomes another program: most are known by these alone, also
// those that end before anybody could read them. /proc is read when a process is first sampled that was there before us,
// when an address was found nowhere, and now and then, because no event tells that something was unmapped. What was true
// before is kept (timeline.ts): a sample is named by what was mapped when it was taken.

import { readdirSync } from 'node:fs'
import { monotonicMs } from './clock.ts'
import { MAPS_BYTES_MAX, type Mappings, NO_MAPPINGS, parseMappings } from './mappings.ts'
import { orUndefined, readBounded, readLink, readStat, readText } from './proc.ts'
import { familyNameOf, type ServiceEvidence, serviceNameOf } from './service-name.ts'
import { baseName, cleanText } from './text.ts'
import {
  applyChanges,
  applyReading,
  type Change,
  type Generation,
  generationAt,
  isHollow,
  JOINED_MAX,
  type MappedRow,
  type Reading,
  type Timeline,
  trim,
} from './timeline.ts'

export type { Generation } from './timeline.ts'

export interface KnownProcess {
  readonly tgid: number
  readonly startTicks: number
  /** 0: unknown. */
  readonly parentTgid: number
  /** Newest first; empty if nothing is known: it was gone before it could be read. */
  readonly generations: Timeline
  /** It has executed another program of which nothing is known yet. */
  readonly isStale: boolean
  readonly isDead: boolean
  /** We have no right to read it. */
  readonly isRefused: boolean
}

/** Where the mapped files of an ended process are found. */
export interface MappedOrigin {
  /** Who sees the same files by their paths; 0: unknown. */
  readonly parentTgid: number
  /** They were mapped then or later; CLOCK_MONOTONIC, ms. */
  readonly sinceMs: number
}

/** Who keeps mapped files open for naming: a file is reachable through a process only while that process lives. */
export interface MappedFiles {
  /** A process maps these; called when that becomes known, while it lives or soon after.
   *  in  origin  how they are found should it have ended; without, they are not
   *  out whether all of them are open, or were refused for what they are */
  hold(tgid: number, mappings: Mappings, origin?: MappedOrigin): boolean
  /** Called now and then: files that nobody maps any more may be let go. */
  release(isMapped: (file: string) => boolean): void
}

export interface Processes {
  /** Who holds the mapped files from now on. */
  connect(files: MappedFiles): void
  onExec(tgid: number, startTicks: number, timeMs: number): void
  onExit(tgid: number, startTicks: number, timeMs: number): void
  onFork(parentTgid: number, childTgid: number, startTicks: number, timeMs: number): void
  /** It becomes another program at that moment; its mappings, then `onExec`, follow. */
  onProgram(tgid: number, timeMs: number): void
  /** It maps code of a file.
   *  cost 0.2 µs; the rest is done when somebody asks
   *  out  its start; undefined: the process is not known */
  onMap(tgid: number, row: MappedRow, timeMs: number): number | undefined
  /** Mappings went untold: what is known of all that lives may lack some. */
  onLost(): void
  /** A sample of it came: reads what is due, within bounds.
   *  cost 1 µs; 0.1 ms for its name, 0.3 ms when all of it must be read */
  see(tgid: number, startTicks: number): void
  find(tgid: number, startTicks: number): KnownProcess | undefined
  /** What it was at a moment of CLOCK_MONOTONIC; undefined: nothing is known.  cost 0.2 µs */
  generationAt(tgid: number, startTicks: number, timeMs: number): Generation | undefined
  /** An address of it was found nowhere: reads its mappings again, at most once a second, unless events have told of new
   *  ones since the last call.
   *  out  whether there is something new */
  refresh(tgid: number, startTicks: number): boolean
  /** Forgets the long dead and the long unseen.
   *  in   nowMs  of any clock that does not jump back; calls within 5 s do nothing */
  sweep(nowMs: number): void
  readonly count: number
  /** Processes that could not be read, by the reason: `gone`, `refused` (no right to), `table_full` (forgotten early),
   *  `history_full` (older mappings of one process). */
  readonly misses: ReadonlyMap<string, number>
}

export interface ProcessesParts {
  /** CLOCK_MONOTONIC, ms. */
  readonly nowMs?: () => number
  /** CPU time of this program in ms: what reading costs, also on a machine that is too busy to let us run. */
  readonly cpuMs?: () => number
  /** Whether OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES of a process are looked at. */
  readonly readsEnvironment?: boolean
  readonly processesMax?: number
}

const PROCESSES_MAX = 16_384 // some 200 B each, and 1 to 2 kB for those that were read
const GENERATIONS_MAX = 64 // of a process
const HISTORY_ROWS_MAX = 4096 // of a process: older generations, by mappings
const HISTORY_KEPT_MS = 120_000 // twice the longest window
const CHANGES_MAX = 64 // of a process before they are worked in, some 250 B each; and of all
const CHANGES_MAX_ALL = 32_768
const ROWS_MAX = 262_144 // executable mappings of all processes, some 150 B each; a process may have 65,536 on purpose
const DEAD_KEPT_MS = 30_000 // three windows: the last samples are named at the end of theirs
const UNSEEN_KEPT_MS = 600_000
const SWEEP_MS = 5000
const REFRESH_MS = 1000
const REREAD_MS_FIRST = 250 // right after its start a program maps its libraries
const REREAD_MS_LAST = 60_000
const REREAD_MS_TOLD = 2000 // of what events have told all about
const REREAD_MS_LOST = 5000 // somebody who maps in a loop makes events be lost for all, all the time
const COST_FACTOR = 100 // reading one process may take 1 % of a CPU: one with 60,000 mappings is read rarely
const READING_MS_PER_S = 100 // all processes together; the rest waits for its next sample
const ENVIRON_BYTES_MAX = 64 * 1024
const COMMAND_LINE_BYTES_MAX = 4096
const CGROUP_BYTES_MAX = 16 * 1024
const NAME_CHARS_MAX = 255
const TASKS_MAX = 8 // threads tried when the leader has exited before them

interface Entry {
  readonly tgid: number
  readonly startTicks: number
  generations: Timeline
  /** What events have told and nobody has asked for yet. */
  changes: Change[]
  /** Mappings that it holds itself; what a child has from its parent counts there. */
  rows: number
  parentTgid: number
  /** What its programs are called whatever they are: by the environment or the unit, which children have too. */
  family: string
  /** Events tell of it from its execution on; the executed event is still to come. */
  isExecuting: boolean
  /** Its name was guessed from events. */
  isGuess: boolean
  /** Events have told something new since the last refresh. */
  hasChanged: boolean
  isDead: boolean
  isRefused: boolean
  wasRead: boolean
  readAtMs: number
  rereadMs: number
  /** Of the last reading. */
  costMs: number
  isSeen: boolean
  /** A sample of it has ever come. */
  wasSeen: boolean
  /** Of the sweeper's clock; -1: not swept since it was last seen, or since it died. */
  keptSinceMs: number
  isStale: boolean
}

/** Makes an empty table of processes. */
export function createProcesses({
  nowMs = monotonicMs,
  cpuMs = ownCpuMs,
  readsEnvironment = true,
  processesMax = PROCESSES_MAX,
}: ProcessesParts = {}): Processes {
  const entries = new Map<string, Entry>() // in the order in which they were last touched
  const youngest = new Map<number, Entry>() // by PID
  const unneeded = new Set<Entry>() // dead, and never sampled: the first to go
  const misses = new Map<string, number>()
  let files: MappedFiles | undefined
  let rows = 0
  let sweptAtMs = Number.NEGATIVE_INFINITY
  let lostAtMs = Number.NEGATIVE_INFINITY
  let changes = 0
  let second = { startMs: Number.NEGATIVE_INFINITY, spentMs: 0 }

  function touch(tgid: number, startTicks: number): Entry {
    const known = entryOf(tgid, startTicks)
    const key = keyOf(tgid, startTicks)
    if (known) entries.delete(key)
    const entry = known ?? newEntry(tgid, startTicks)
    entries.set(key, entry)
    if (entries.size > processesMax) forgetOldest()
    return entry
  }

  function entryOf(tgid: number, startTicks: number): Entry | undefined {
    const latest = youngest.get(tgid)
    return latest?.startTicks === startTicks ? latest : entries.get(keyOf(tgid, startTicks))
  }

  function forgetOldest(): void {
    for (const entry of unneeded) {
      forget(entry)
      return
    }
    for (const oldest of entries.values()) {
      forget(oldest)
      miss('table_full')
      return
    }
  }

  function forget(entry: Entry): void {
    entries.delete(keyOf(entry.tgid, entry.startTicks))
    unneeded.delete(entry)
    rows -= entry.rows
    changes -= entry.changes.length
    if (youngest.get(entry.tgid) === entry) youngest.delete(entry.tgid)
  }

  function see(tgid: number, startTicks: number): void {
    const entry = touch(tgid, startTicks)
    entry.isSeen = true
    entry.wasSeen = true
    unneeded.delete(entry)
    settle(entry)
    if (entry.isDead || !mayRead()) return
    if (isDue(entry)) read(entry)
    else if (entry.isGuess) readName(entry)
  }

  function isDue(entry: Entry): boolean {
    const sinceReadMs = nowMs() - entry.readAtMs
    const isLacking =
      lostAtMs >= entry.readAtMs && sinceReadMs >= (entry.wasRead ? REREAD_MS_LOST : REREAD_MS_FIRST)
    return sinceReadMs >= entry.rereadMs || isLacking
  }

  function refresh(tgid: number, startTicks: number): boolean {
    const entry = entryOf(tgid, startTicks)
    if (!entry) return false
    settle(entry)
    const hasChanged = entry.hasChanged
    entry.hasChanged = false
    if (hasChanged) return true
    if (entry.isDead || nowMs() - entry.readAtMs < REFRESH_MS || !mayRead()) return false
    const before = entry.generations[0]?.mappings
    read(entry)
    return entry.generations[0]?.mappings !== before
  }

  function onMap(tgid: number, row: MappedRow, timeMs: number): number | undefined {
    const entry = youngest.get(tgid)
    if (!entry || entry.isDead) return undefined
    note(entry, { kind: 'map', timeMs, ...row })
    return entry.startTicks
  }

  function onProgram(tgid: number, timeMs: number): void {
    const entry = youngest.get(tgid)
    if (!entry || entry.isDead) return
    entry.isExecuting = true
    begin(entry, timeMs)
  }

  function begin(entry: Entry, timeMs: number): void {
    note(entry, { kind: 'program', timeMs })
    entry.isGuess = true
    entry.wasRead = false
    entry.readAtMs = timeMs
    entry.rereadMs = REREAD_MS_TOLD
  }

  function note(entry: Entry, change: Change): void {
    entry.changes.push(change)
    changes++
    if (entry.changes.length >= CHANGES_MAX || changes >= CHANGES_MAX_ALL) settle(entry)
  }

  /** Works in what events have told. */
  function settle(entry: Entry): void {
    if (entry.changes.length === 0) return
    const isLarge = (entry.generations[0]?.mappings.start.length ?? 0) > JOINED_MAX
    const told = isLarge ? entry.changes.filter(({ kind }) => kind === 'program') : entry.changes
    if (told.length < entry.changes.length) entry.readAtMs = Number.NEGATIVE_INFINITY
    changes -= entry.changes.length
    entry.changes = []
    const before = entry.generations[0]?.mappings
    keep(
      entry,
      applyChanges(entry.generations, told, (path) => guess(entry, path)),
    )
    const newest = entry.generations[0]
    if (newest === undefined || newest.mappings === before) return
    entry.hasChanged = true
    const isOpen = files?.hold(entry.tgid, newest.mappings, originOf(entry, newest)) ?? true
    // The kernel may call a file of a layered file system by another device and inode here than in /proc.
    if (!isOpen) entry.readAtMs = Number.NEGATIVE_INFINITY
  }

  function guess(entry: Entry, path: string) {
    const executable = path.startsWith('[') ? '' : cleanText(baseName(path), NAME_CHARS_MAX)
    return { executable, service: entry.family || executable }
  }

  function put(entry: Entry, timeline: Timeline): void {
    entry.generations = timeline
    entry.isStale = timeline[0] !== undefined && isHollow(timeline[0])
  }

  function keep(entry: Entry, timeline: Timeline): void {
    if (timeline === entry.generations) return
    const sinceMs = nowMs() - HISTORY_KEPT_MS
    const kept = trim(timeline, { sinceMs, rowsMax: HISTORY_ROWS_MAX, generationsMax: GENERATIONS_MAX })
    if (kept.isCut) miss('history_full')
    put(entry, kept.timeline)
    const held = kept.timeline.reduce((sum, { mappings }) => sum + mappings.start.length, 0)
    rows += held - entry.rows
    entry.rows = held
    while (rows > ROWS_MAX && entries.size > 1) forgetOldest()
  }

  function mayRead(): boolean {
    const now = nowMs()
    if (now - second.startMs >= 1000) second = { startMs: now, spentMs: 0 }
    return second.spentMs < READING_MS_PER_S
  }

  function read(entry: Entry): void {
    const startMs = nowMs()
    const startCpuMs = cpuMs()
    const found = readProcess(entry, readsEnvironment)
    const costMs = cpuMs() - startCpuMs
    second.spentMs += costMs
    const wasNew = !entry.wasRead
    entry.readAtMs = nowMs()
    entry.costMs = costMs
    const pauseMs = wasNew ? REREAD_MS_FIRST : Math.min(REREAD_MS_LAST, 2 * entry.rereadMs)
    entry.rereadMs = Math.max(pauseMs, COST_FACTOR * costMs)
    entry.wasRead = true
    entry.isRefused = found === 'refused'
    if (typeof found === 'string') {
      const newest = entry.generations[0]
      if (wasNew && (newest === undefined || isHollow(newest))) miss(found)
      if (found === 'gone') entry.isDead = true // its exit event is on its way
      return
    }
    entry.isGuess = false
    entry.family = found.family
    const before = entry.generations[0]?.mappings
    keep(entry, applyReading(entry.generations, found.reading, startMs))
    const newest = entry.generations[0]!
    if (newest.mappings !== before) files?.hold(entry.tgid, newest.mappings, originOf(entry, newest))
  }

  /** Mappings are known by events; a program's name may be another in /proc: that of its script, of its service. */
  function readName(entry: Entry): void {
    const startCpuMs = cpuMs()
    const found = readIdentity(entry.tgid, readsEnvironment)
    const isSame = readStat(entry.tgid)?.startTicks === entry.startTicks
    second.spentMs += cpuMs() - startCpuMs
    const [newest, ...older] = entry.generations
    entry.isGuess = false
    // Another program, of which we have not been told yet.
    if (newest === undefined || !isSame || found.executable !== newest.executable) return
    entry.family = found.family
    put(entry, [{ ...newest, service: found.service }, ...older])
  }

  function onExec(tgid: number, startTicks: number, timeMs: number): void {
    const entry = entryOf(tgid, startTicks)
    if (!entry) return
    if (!entry.isExecuting) {
      begin(entry, timeMs)
      entry.readAtMs = Number.NEGATIVE_INFINITY // nobody tells what it has mapped before this moment
    }
    entry.isExecuting = false
  }

  function onExit(tgid: number, startTicks: number): void {
    const entry = entryOf(tgid, startTicks)
    if (!entry) return
    entry.isDead = true
    entry.keptSinceMs = -1
    if (!entry.wasSeen) unneeded.add(entry)
  }

  /** Until it executes another program, a child is what its parent is: known at once, without reading anything. */
  function onFork(parentTgid: number, childTgid: number, startTicks: number, timeMs: number): void {
    const child = touch(childTgid, startTicks)
    child.parentTgid = parentTgid
    const parent = youngest.get(parentTgid)
    if (!parent || parent.isDead) return
    settle(parent)
    child.family = parent.family
    child.isGuess = parent.isGuess
    const inherited = generationAt(parent.generations, timeMs)
    // /proc may have been read after the fork, and that says nothing of the child.
    if (inherited) put(child, [{ ...inherited, readMs: Number.NEGATIVE_INFINITY }])
  }

  function newEntry(tgid: number, startTicks: number): Entry {
    const entry: Entry = {
      tgid,
      startTicks,
      generations: [],
      changes: [],
      rows: 0,
      parentTgid: 0,
      family: '',
      isExecuting: false,
      isGuess: false,
      hasChanged: false,
      isDead: false,
      isRefused: false,
      wasRead: false,
      readAtMs: Number.NEGATIVE_INFINITY,
      rereadMs: REREAD_MS_FIRST,
      costMs: 0,
      isSeen: false,
      wasSeen: false,
      keptSinceMs: -1,
      isStale: false,
    }
    youngest.set(tgid, entry)
    return entry
  }

  function sweep(now: number): void {
    if (now - sweptAtMs < SWEEP_MS) return
    sweptAtMs = now
    for (const entry of entries.values()) {
      if (entry.isSeen || entry.keptSinceMs === -1) entry.keptSinceMs = now
      entry.isSeen = false
      const deadKeptMs = entry.wasSeen ? DEAD_KEPT_MS : 0
      if (now - entry.keptSinceMs > (entry.isDead ? deadKeptMs : UNSEEN_KEPT_MS)) forget(entry)
    }
    files?.release(isMappedByAny())
  }

  function isMappedByAny(): (file: string) => boolean {
    const mapped = new Set<string>()
    const counted = new Set<Mappings>() // children share their parent's
    for (const { generations } of entries.values())
      for (const { mappings } of generations) {
        if (counted.has(mappings)) continue
        counted.add(mappings)
        for (const file of mappings.file) mapped.add(file)
      }
    return (file) => mapped.has(file)
  }

  function miss(reason: string): void {
    misses.set(reason, (misses.get(reason) ?? 0) + 1)
  }

  return {
    connect(mappedFiles) {
      files = mappedFiles
    },
    onExec,
    onExit,
    onFork,
    onProgram,
    onMap,
    onLost() {
      lostAtMs = nowMs()
    },
    see,
    find(tgid, startTicks) {
      const entry = entryOf(tgid, startTicks)
      if (entry) settle(entry)
      return entry
    },
    generationAt(tgid, startTicks, timeMs) {
      const entry = entryOf(tgid, startTicks)
      if (entry === undefined) return undefined
      settle(entry)
      return generationAt(entry.generations, timeMs)
    },
    refresh,
    sweep,
    get count() {
      return entries.size
    },
    misses,
  }
}

function ownCpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

export const originOf = (
  { parentTgid }: Pick<KnownProcess, 'parentTgid'>,
  { sinceMs }: Generation,
): MappedOrigin => ({ parentTgid, sinceMs })

const keyOf = (tgid: number, startTicks: number) => `${tgid} ${startTicks}`

interface Found {
  readonly reading: Reading
  readonly family: string
}

/** Reads a living process; the check of its start on both sides keeps out whoever inherits the PID in between. */
function readProcess(
  { tgid, startTicks }: { readonly tgid: number; readonly startTicks: number },
  readsEnvironment: boolean,
): Found | 'gone' | 'refused' {
  const stat = readStat(tgid)
  if (stat?.startTicks !== startTicks) return 'gone'
  if (stat.isKernelThread) return { reading: KERNEL_THREAD, family: '' }
  const maps = readMaps(tgid)
  const mappings = maps ? parseMappings(maps) : NO_MAPPINGS
  const { executable, service, family } = readIdentity(tgid, readsEnvironment)
  if (readStat(tgid)?.startTicks !== startTicks) return 'gone'
  if (maps === undefined) return 'refused'
  return { reading: { mappings, executable, service, isKernelThread: false }, family }
}

const KERNEL_THREAD: Reading = {
  mappings: NO_MAPPINGS,
  executable: '',
  service: '[kernel]',
  isKernelThread: true,
}

/** A leader that has exited has no maps; its threads, if some live on, have. */
function readMaps(tgid: number): Uint8Array | undefined {
  const maps = readBounded(`/proc/${tgid}/maps`, MAPS_BYTES_MAX)
  if (maps === undefined || maps.length > 0) return maps
  const tasks = orUndefined(() => readdirSync(`/proc/${tgid}/task`)) ?? []
  for (const task of tasks.slice(0, TASKS_MAX)) {
    const ofTask = readBounded(`/proc/${tgid}/task/${task}/maps`, MAPS_BYTES_MAX)
    if (ofTask && ofTask.length > 0) return ofTask
  }
  return maps
}

function readIdentity(tgid: number, readsEnvironment: boolean) {
  const evidence: ServiceEvidence = {
    environ: readsEnvironment ? readBounded(`/proc/${tgid}/environ`, ENVIRON_BYTES_MAX) : undefined,
    commandLine: readBounded(`/proc/${tgid}/cmdline`, COMMAND_LINE_BYTES_MAX),
    cgroup: readText(`/proc/${tgid}/cgroup`, CGROUP_BYTES_MAX),
    executable: cleanText(baseName(readLink(`/proc/${tgid}/exe`) ?? ''), NAME_CHARS_MAX),
  }
  return {
    executable: evidence.executable,
    service: serviceNameOf(evidence),
    family: familyNameOf(evidence),
  }
}

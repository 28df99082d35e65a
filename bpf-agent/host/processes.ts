// Who is (tgid, startTicks)? What living and recently dead processes have mapped, and which service they are.
//
// A process is read when it is first sampled, and again when it has executed another program, when an address of it was
// found nowhere, and now and then, because a library may be unloaded and another take its place. What was true before is
// kept as an older generation, since samples of ten seconds are named together: the generation that knows most frames of
// a stack is the one it was taken in.

import { readdirSync } from 'node:fs'
import { equalMappings, MAPS_BYTES_MAX, type Mappings, NO_MAPPINGS, parseMappings } from './mappings.ts'
import { orUndefined, readBounded, readLink, readStat, readText } from './proc.ts'
import { serviceNameOf } from './service-name.ts'
import { baseName, cleanText } from './text.ts'

/** What a process was between two changes of its mappings. */
export interface Generation {
  readonly mappings: Mappings
  /** Base name of the program's file; "" if unknown. */
  readonly executable: string
  /** "" if nothing tells: the thread's name stands in. */
  readonly service: string
  readonly isKernelThread: boolean
}

export interface KnownProcess {
  readonly tgid: number
  readonly startTicks: number
  /** Newest first; empty if it was gone before it could be read. */
  readonly generations: readonly Generation[]
  /** It has executed another program since it was read: the newest generation may be the old program's. */
  readonly isStale: boolean
  readonly isDead: boolean
  /** We have no right to read it. */
  readonly isRefused: boolean
}

/** Who keeps mapped files open for naming: a file is reachable through a process only while that process lives. */
export interface MappedFiles {
  /** A process maps these; called when they were read from it, while it lives. */
  hold(tgid: number, mappings: Mappings): void
  /** Called now and then: files that nobody maps any more may be let go. */
  release(isMapped: (file: string) => boolean): void
}

export interface Processes {
  /** Who holds the mapped files from now on. */
  connect(files: MappedFiles): void
  onExec(tgid: number, startTicks: number, timeMs: number): void
  onExit(tgid: number, startTicks: number, timeMs: number): void
  onFork(parentTgid: number, childTgid: number, startTicks: number, timeMs: number): void
  /** A sample of it came: reads what is due, within bounds.  cost 1 µs, or 0.2 ms when it must be read */
  see(tgid: number, startTicks: number): void
  /** It has mapped code: reads it again at once, if that costs less than a twentieth of its time.
   *  out  its start; undefined: nobody has asked for it yet */
  remap(tgid: number): number | undefined
  find(tgid: number, startTicks: number): KnownProcess | undefined
  /** An address of it was found nowhere: reads its mappings again, at most once a second.
   *  out  whether there is a new generation */
  refresh(tgid: number, startTicks: number): boolean
  /** Forgets the long dead and the long unseen.
   *  in   nowMs  of any clock that does not jump back; calls within 5 s do nothing */
  sweep(nowMs: number): void
  readonly count: number
  /** Processes that could not be read, by the reason: `gone`, `refused` (no right to), `table_full` (forgotten early). */
  readonly misses: ReadonlyMap<string, number>
}

export interface ProcessesParts {
  /** Milliseconds of a clock that never jumps. */
  readonly nowMs?: () => number
  /** CPU time of this program in ms: what reading costs, also on a machine that is too busy to let us run. */
  readonly cpuMs?: () => number
  /** Whether OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES of a process are looked at. */
  readonly readsEnvironment?: boolean
  readonly processesMax?: number
}

const PROCESSES_MAX = 16_384 // some 200 B each, and 1 to 2 kB for those that were read
const GENERATIONS_MAX = 4
const ROWS_MAX = 262_144 // executable mappings of all processes, some 150 B each; a process may have 65,536 on purpose
const DEAD_KEPT_MS = 30_000 // three windows: the last samples are named at the end of theirs
const UNSEEN_KEPT_MS = 600_000
const SWEEP_MS = 5000
const REFRESH_MS = 1000
const REREAD_MS_FIRST = 250 // right after its start a program maps its libraries
const REREAD_MS_LAST = 60_000
const REMAP_COST_FACTOR = 20
const COST_FACTOR = 100 // reading one process may take 1 % of a CPU: one with 60,000 mappings is read rarely
const READING_MS_PER_S = 100 // all processes together; the rest waits for its next sample
const ENVIRON_BYTES_MAX = 64 * 1024
const COMMAND_LINE_BYTES_MAX = 4096
const CGROUP_BYTES_MAX = 16 * 1024
const TASKS_MAX = 8 // threads tried when the leader has exited before them

interface Entry {
  readonly tgid: number
  readonly startTicks: number
  generations: readonly Generation[]
  /** Mappings that it holds itself; what a child has from its parent counts there. */
  rows: number
  isStale: boolean
  isDead: boolean
  isRefused: boolean
  wasRead: boolean
  readAtMs: number
  rereadMs: number
  /** Of the last reading. */
  costMs: number
  isSeen: boolean
  /** Of the sweeper's clock; -1: not swept since it was last seen, or since it died. */
  keptSinceMs: number
}

/** Makes an empty table of processes. */
export function createProcesses({
  nowMs = () => performance.now(),
  cpuMs = ownCpuMs,
  readsEnvironment = true,
  processesMax = PROCESSES_MAX,
}: ProcessesParts = {}): Processes {
  const entries = new Map<string, Entry>() // in the order in which they were last touched
  const livingStart = new Map<number, number>() // by PID
  const misses = new Map<string, number>()
  let files: MappedFiles | undefined
  let rows = 0
  let sweptAtMs = Number.NEGATIVE_INFINITY
  let second = { startMs: Number.NEGATIVE_INFINITY, spentMs: 0 }

  function touch(tgid: number, startTicks: number): Entry {
    const key = keyOf(tgid, startTicks)
    const known = entries.get(key)
    if (known) entries.delete(key)
    const entry = known ?? newEntry(tgid, startTicks)
    entries.set(key, entry)
    if (entries.size > processesMax) forgetOldest()
    return entry
  }

  function forgetOldest(): void {
    for (const [key, oldest] of entries) {
      forget(key, oldest)
      miss('table_full')
      return
    }
  }

  function forget(key: string, entry: Entry): void {
    entries.delete(key)
    rows -= entry.rows
    if (livingStart.get(entry.tgid) === entry.startTicks) livingStart.delete(entry.tgid)
  }

  function see(tgid: number, startTicks: number): void {
    const entry = touch(tgid, startTicks)
    entry.isSeen = true
    const isDue = nowMs() - entry.readAtMs >= entry.rereadMs
    if (isDue && !entry.isDead && mayRead()) read(entry)
  }

  function refresh(tgid: number, startTicks: number): boolean {
    const entry = entries.get(keyOf(tgid, startTicks))
    if (!entry || entry.isDead || nowMs() - entry.readAtMs < REFRESH_MS || !mayRead()) return false
    const before = entry.generations
    read(entry)
    return entry.generations !== before
  }

  function remap(tgid: number): number | undefined {
    const entry = youngest(tgid)
    if (!entry || entry.isDead) return undefined
    if (nowMs() - entry.readAtMs >= REMAP_COST_FACTOR * entry.costMs && mayRead()) read(entry)
    entry.rereadMs = REREAD_MS_FIRST // it may go on mapping
    return entry.startTicks
  }

  function mayRead(): boolean {
    const now = nowMs()
    if (now - second.startMs >= 1000) second = { startMs: now, spentMs: 0 }
    return second.spentMs < READING_MS_PER_S
  }

  function read(entry: Entry): void {
    const startCpuMs = cpuMs()
    const found = readProcess(entry, readsEnvironment)
    const costMs = cpuMs() - startCpuMs
    second.spentMs += costMs
    entry.readAtMs = nowMs()
    entry.costMs = costMs
    const isFirst = !entry.wasRead || entry.isStale
    const pauseMs = isFirst ? REREAD_MS_FIRST : Math.min(REREAD_MS_LAST, 2 * entry.rereadMs)
    entry.rereadMs = Math.max(pauseMs, COST_FACTOR * costMs)
    entry.wasRead = true
    entry.isRefused = found === 'refused'
    if (typeof found === 'string') {
      if (isFirst) miss(found)
      if (found === 'gone') entry.isDead = true // its exit event is on its way
      return
    }
    entry.isStale = false
    if (entry.generations[0] && isEqual(entry.generations[0], found)) return
    entry.generations = [found, ...entry.generations].slice(0, GENERATIONS_MAX)
    const held = entry.generations.reduce((sum, { mappings }) => sum + mappings.start.length, 0)
    rows += held - entry.rows
    entry.rows = held
    while (rows > ROWS_MAX && entries.size > 1) forgetOldest()
    files?.hold(entry.tgid, found.mappings)
  }

  function onExec(tgid: number, startTicks: number): void {
    const entry = entries.get(keyOf(tgid, startTicks))
    if (!entry) return
    entry.isStale = true
    entry.readAtMs = Number.NEGATIVE_INFINITY
  }

  function onExit(tgid: number, startTicks: number): void {
    const entry = entries.get(keyOf(tgid, startTicks))
    if (!entry) return
    entry.isDead = true
    entry.keptSinceMs = -1
  }

  /** Until it executes another program, a child is what its parent is: known at once, without reading anything. */
  function onFork(parentTgid: number, childTgid: number, startTicks: number): void {
    const parent = youngest(parentTgid)
    if (!parent || parent.isDead || parent.generations.length === 0) return
    const child = touch(childTgid, startTicks)
    child.generations = parent.generations
    child.isStale = parent.isStale
  }

  /** The living process of a PID: fork events do not carry the parent's start. */
  function youngest(tgid: number): Entry | undefined {
    const startTicks = livingStart.get(tgid)
    return startTicks === undefined ? undefined : entries.get(keyOf(tgid, startTicks))
  }
  function newEntry(tgid: number, startTicks: number): Entry {
    livingStart.set(tgid, startTicks)
    return {
      tgid,
      startTicks,
      generations: [],
      rows: 0,
      isStale: false,
      isDead: false,
      isRefused: false,
      wasRead: false,
      readAtMs: Number.NEGATIVE_INFINITY,
      rereadMs: REREAD_MS_FIRST,
      costMs: 0,
      isSeen: false,
      keptSinceMs: -1,
    }
  }

  function sweep(now: number): void {
    if (now - sweptAtMs < SWEEP_MS) return
    sweptAtMs = now
    for (const [key, entry] of entries) {
      if (entry.isSeen || entry.keptSinceMs === -1) entry.keptSinceMs = now
      entry.isSeen = false
      if (now - entry.keptSinceMs > (entry.isDead ? DEAD_KEPT_MS : UNSEEN_KEPT_MS)) forget(key, entry)
    }
    files?.release(isMappedByAny())
  }

  function isMappedByAny(): (file: string) => boolean {
    const mapped = new Set<string>()
    const counted = new Set<readonly Generation[]>() // children share their parent's
    for (const { generations } of entries.values()) {
      if (counted.has(generations)) continue
      counted.add(generations)
      for (const { mappings } of generations) for (const file of mappings.file) mapped.add(file)
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
    see,
    remap,
    find: (tgid, startTicks) => entries.get(keyOf(tgid, startTicks)),
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

const keyOf = (tgid: number, startTicks: number) => `${tgid} ${startTicks}`

/** Reads a living process; the check of its start on both sides keeps out whoever inherits the PID in between. */
function readProcess(
  { tgid, startTicks }: { readonly tgid: number; readonly startTicks: number },
  readsEnvironment: boolean,
): Generation | 'gone' | 'refused' {
  const stat = readStat(tgid)
  if (stat?.startTicks !== startTicks) return 'gone'
  if (stat.isKernelThread)
    return { mappings: NO_MAPPINGS, executable: '', service: '[kernel]', isKernelThread: true }
  const maps = readMaps(tgid)
  const generation = {
    mappings: maps ? parseMappings(maps) : NO_MAPPINGS,
    ...readIdentity(tgid, readsEnvironment),
  }
  if (readStat(tgid)?.startTicks !== startTicks) return 'gone'
  return maps === undefined ? 'refused' : generation
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

function readIdentity(tgid: number, readsEnvironment: boolean): Omit<Generation, 'mappings'> {
  const executable = cleanText(baseName(readLink(`/proc/${tgid}/exe`) ?? ''), 255)
  const service = serviceNameOf({
    environ: readsEnvironment ? readBounded(`/proc/${tgid}/environ`, ENVIRON_BYTES_MAX) : undefined,
    commandLine: readBounded(`/proc/${tgid}/cmdline`, COMMAND_LINE_BYTES_MAX),
    cgroup: readText(`/proc/${tgid}/cgroup`, CGROUP_BYTES_MAX),
    executable,
  })
  return { executable, service, isKernelThread: false }
}

function isEqual(one: Generation, other: Generation): boolean {
  return (
    one.executable === other.executable &&
    one.service === other.service &&
    equalMappings(one.mappings, other.mappings)
  )
}

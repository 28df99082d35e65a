// What has a process mapped, as the kernel reads it? A run of vmas, sorted by address. A run is never edited: when
// mappings change or a table is compiled, a new run is written beside it, the process is led there, and the old run is
// freed when nobody can be on it any more:
//   - one second after the last process was led away, since no walk lasts that long, and
//   - unless a child has come into it: fork copies the parent's row in the kernel, and its event comes later.
import type { Mappings } from '../host/mappings.ts'
import { biasOf } from './bias.ts'
import type { Files, TableFile } from './files.ts'
import type { KernelTables, VmaRow } from './kernel-tables.ts'
import { createSpace } from './space.ts'

/** A process whose row in the kernel names a run. */
export interface Owner {
  readonly tgid: number
  readonly startTicks: number
  /** It has ended; its row stays for the samples that are still in the ring. */
  readonly isDead: boolean
}
export interface Run {
  readonly mappings: Mappings
  readonly first: number
  readonly n: number
  /** Number of the interpreter in it; 0: none. */
  readonly runtime: number
  /** Files of its mappings, each once. */
  readonly files: readonly TableFile[]
  readonly owners: ReadonlySet<Owner>
  /** A file could not be opened or found no room: it is worth a try later. */
  readonly isPartial: boolean
}
interface Entry extends Run {
  readonly owners: Set<Owner>
  /** Whether its files count it among their users. */
  isLiving: boolean
  /** When its last owner left; nobody has come yet: when it was made. */
  leftAtMs: number
}

/** Who knows interpreters, and tells the kernel of them. */
export interface Runtimes {
  /** out  its number; 0: there is none in this mapping */
  publish(
    tgid: number,
    mapping: { readonly start: number; readonly end: number; readonly path: string; readonly file: string },
    bias: number,
  ): number
  release(runtime: number): void
}

export interface Runs {
  /** The run of these mappings: that of another process which has the very same list (a parent), or a new one.
   *  in   tgid  a living process that has them
   *  out  undefined: nothing to publish, or no room; `refused` says which */
  runFor(tgid: number, mappings: Mappings): Run | undefined
  /** The run that a row of the kernel names. */
  at(firstVma: number): Run | undefined
  join(run: Run, owner: Owner): void
  leave(run: Run, owner: Owner): void
  /** An owner has died. */
  mourn(run: Run): void
  /** Runs that name a file. */
  naming(file: TableFile): readonly Run[]
  /** Whoever asks for its mappings from now on gets a new run. */
  outdate(run: Run): void
  /** Whether there is, or will be, a newer run of its mappings. */
  isOutdated(run: Run): boolean
  /** Frees what was left long enough ago. All events posted before this call must have been told. */
  settle(nowMs: number): void
  readonly refused: ReadonlyMap<string, number>
  /** Vmas in use. */
  readonly used: number
}

const VMAS_MAX = 4096 // per process: a browser has some 400, and nobody may take all there are
const GRACE_MS = 1000
const VMA_PAGE = 4096

/** Starts without runs. */
export function createRuns({
  kernel,
  files,
  runtimes,
  nowMs,
}: {
  readonly kernel: KernelTables
  readonly files: Files
  readonly runtimes?: Runtimes | undefined
  readonly nowMs: () => number
}): Runs {
  const space = createSpace(kernel.sizes.vmas)
  const current = new Map<Mappings, Entry>()
  const byFirst = new Map<number, Entry>()
  const refused = new Map<string, number>()
  const left = new Set<Entry>() // runs without owners, oldest first

  function runFor(tgid: number, mappings: Mappings): Run | undefined {
    const known = current.get(mappings)
    if (known) return known
    const { rows, found, isUnreachable } = rowsOf(tgid, mappings)
    if (rows.length === 0) return undefined
    if (rows.length > VMAS_MAX) return refuse('too_many_mappings')
    const first = space.take(rows.length)
    if (first === -1) return refuse('vmas_full')
    const named = [...found]
    const run: Entry = {
      ...{ mappings, first, n: rows.length, files: named, owners: new Set() },
      runtime: runtimeOf(tgid, mappings),
      get isPartial() {
        return isUnreachable || named.some(({ isHomeless }) => isHomeless)
      },
      isLiving: false,
      leftAtMs: nowMs(),
    }
    kernel.writeVmas(first, rows)
    for (const file of run.files) files.addReader(file)
    current.set(mappings, run)
    byFirst.set(first, run)
    left.add(run)
    return run
  }

  function rowsOf(tgid: number, mappings: Mappings) {
    const rows: VmaRow[] = []
    const found = new Set<TableFile>()
    let isUnreachable = false
    for (let i = 0; i < mappings.start.length && rows.length <= VMAS_MAX; i++) {
      const file = files.fileOf(tgid, mappings, i)
      const row = vmaRowOf(mappings, i, typeof file === 'object' ? file : undefined)
      if (file === 'unreachable') isUnreachable = true
      else if (file) found.add(file)
      const before = rows.at(-1)
      // Compilers at run time map their code in many pieces, without any rows.
      if (before?.nPages === 0 && row.nPages === 0 && endOf(before) === row.start)
        rows[rows.length - 1] = { ...before, lenPages: before.lenPages + row.lenPages }
      else rows.push(row)
    }
    return { rows, found, isUnreachable }
  }

  /** The first interpreter that is mapped: a process with two shows the frames of one. */
  function runtimeOf(tgid: number, mappings: Mappings): number {
    for (let i = 0; runtimes && i < mappings.start.length; i++) {
      const file = files.fileOf(tgid, mappings, i)
      const at = { start: mappings.start[i]!, end: mappings.end[i]!, offset: mappings.offset[i]! }
      const bias = typeof file === 'object' ? biasOf(file.segments, at) : undefined
      const runtime =
        bias === undefined
          ? 0
          : runtimes.publish(tgid, { ...at, path: mappings.path[i]!, file: mappings.file[i]! }, bias)
      if (runtime !== 0) return runtime
    }
    return 0
  }

  function refuse(reason: string): undefined {
    refused.set(reason, (refused.get(reason) ?? 0) + 1)
  }

  function judge(run: Entry): void {
    const isLiving = [...run.owners].some(({ isDead }) => !isDead)
    if (isLiving === run.isLiving) return
    run.isLiving = isLiving
    for (const file of run.files) isLiving ? files.addUser(file) : files.removeUser(file)
  }

  return {
    runFor,
    at: (firstVma) => byFirst.get(firstVma),
    join(run, owner) {
      const entry = run as Entry
      entry.owners.add(owner)
      left.delete(entry)
      judge(entry)
    },
    leave(run, owner) {
      const entry = run as Entry
      if (!entry.owners.delete(owner)) return
      judge(entry)
      if (entry.owners.size > 0) return
      entry.leftAtMs = nowMs()
      left.add(entry)
    },
    mourn: (run) => judge(run as Entry),
    naming: (file) => [...current.values()].filter((run) => run.files.includes(file)),
    outdate(run) {
      if (current.get(run.mappings) === run) current.delete(run.mappings)
    },
    isOutdated: (run) => current.get(run.mappings) !== run,
    settle(now) {
      for (const run of left) {
        if (now - run.leftAtMs < GRACE_MS) break
        left.delete(run)
        if (current.get(run.mappings) === run) current.delete(run.mappings)
        byFirst.delete(run.first)
        space.give(run.first, run.n)
        if (run.runtime !== 0) runtimes?.release(run.runtime)
        for (const file of run.files) files.removeReader(file)
      }
    },
    refused,
    get used() {
      return space.used
    },
  }
}

const endOf = ({ start, lenPages }: VmaRow) => start + lenPages * VMA_PAGE

/** How the kernel is told of a mapping.  in  file  undefined: anonymous text, or a file that cannot be reached */
export function vmaRowOf({ start, end, offset }: Mappings, i: number, file: TableFile | undefined): VmaRow {
  const at = { start: start[i]!, end: end[i]!, offset: offset[i]! }
  const lenPages = Math.min(0xffff_ffff, Math.floor((at.end - at.start) / VMA_PAGE))
  const bias = file?.placed && biasOf(file.segments, at)
  if (file?.placed === undefined || bias === undefined)
    return { start: at.start, lenPages, bias: 0, pageBase: 0, firstPage: 0, nPages: 0 }
  const { pageBase, firstPage, nPages } = file.placed
  return { start: at.start, lenPages, bias, pageBase, firstPage, nPages }
}

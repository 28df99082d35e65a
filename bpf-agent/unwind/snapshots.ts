// Which stacks could the kernel not walk, and what becomes of them? Samples of processes that nobody could publish in time
// bring registers and a copy of their stack. They are walked here when their mappings and tables are known, mostly at
// once; some wait a little, for a table to be compiled or an event to arrive. In the end each goes on.
//
//   sample ─► walked ─► goes on with its frames
//      └─► waits (mappings, tables) ─► walked …
//             └─► some seconds, the window's end, or no room: goes on as far as is known; counted by the reason
import type { Mappings } from '../host/mappings.ts'
import type { RawStacks } from '../kernel/raw-stack.ts'
import { copyRecord, joinRecords, withUserFrames } from '../kernel/stack-batch.ts'
import type { Files } from './files.ts'
import type { RowReader } from './row-reader.ts'
import { type MappedThen, type SnapshotTables, tablesOfMappings } from './snapshot-tables.ts'
import { type Arch, REGISTERS } from './user-registers.ts'
import { type Walked, type WalkMemory, type WalkStart, walkSnapshot } from './walk-snapshot.ts'

export interface SnapshotsParts {
  /** out  'unknown': perhaps soon;  'gone': never.  in  timeMs  CLOCK_MONOTONIC */
  readonly mappedThen: (tgid: number, startTicks: number, timeMs: number) => MappedThen | 'unknown' | 'gone'
  readonly files: Pick<Files, 'fileOf' | 'touch'>
  readonly reader: RowReader
  /** Name of each value of RawStacks.stop. */
  readonly stopNames: readonly string[]
  readonly arch: Arch
  readonly framesMax: number
  /** Where the sampler cuts a stack. */
  readonly stackBytesMax: number
  /** Milliseconds of a clock that never jumps. */
  readonly nowMs: () => number
  readonly heldBytesMax?: number
}

/** Why a sample went on as it came; `waited`: with what frame pointers find where a table was not there in time. */
export type GaveUp = 'no_mappings' | 'waited' | 'no_room'

export interface SnapshotFacts {
  readonly walked: number
  readonly gaveUp: ReadonlyMap<GaveUp, number>
  readonly heldBytes: number
}

export interface Snapshots {
  /** Walks a record of a batch, or holds it.
   *  out  false: it has no snapshot, or is to go on as it is. True: it comes by `walked`, and leaves the batch.
   *  cost some 10 µs when it is walked */
  take(batch: RawStacks, record: number): boolean
  /** Walks those that wait. All events posted before must have been told.
   *  in  isLast  nobody waits any longer */
  resolve(isLast: boolean): void
  /** What has been walked or given up since the last call. */
  walked(): RawStacks
  /** Samples that wait. */
  readonly held: number
  /** By how much the samples of each stop reason differ from what the sampler has counted. */
  readonly restopped: ReadonlyMap<string, number>
  facts(): SnapshotFacts
}

/** What became of copied stacks: `walked`, or why a sample went on as it came. `ring_full`: the ring of samples was half
 *  full, so that none was copied. */
export function outcomesOf(
  snapshots: Snapshots | undefined,
  { snapshotsLeftOut }: { readonly snapshotsLeftOut: number },
): ReadonlyMap<string, number> {
  const { walked = 0, gaveUp = [] } = snapshots?.facts() ?? {}
  return new Map([['walked', walked], ...gaveUp, ['ring_full', snapshotsLeftOut]])
}

interface Attempt {
  readonly walked: Walked
  /** A table is still to come: the walk went by frame pointers where it would say how. */
  readonly isWaiting: boolean
}
interface Held {
  readonly sample: RawStacks
  readonly bytes: number
  readonly sinceMs: number
}

const UNKNOWN_MS_MAX = 2000 // who is not known then will not be
const TABLE_MS_MAX = 5000 // one takes 20 to 500 ms, and seconds where all CPUs are busy
const HELD_BYTES_MAX = 8 * 1024 * 1024 // 40 a second of 8 KB wait for 250 ms: a hundred times that
const HEAD_BYTES = 512
const WORD = 8

/** Starts with nothing held. */
export function createSnapshots(parts: SnapshotsParts): Snapshots {
  const { mappedThen, stopNames, nowMs, arch, framesMax, heldBytesMax = HELD_BYTES_MAX } = parts
  const gaveUp = new Map<GaveUp, number>()
  const restopped = new Map<string, number>()
  const registerBytes = WORD * REGISTERS[arch].words
  let held: Held[] = []
  let heldBytes = 0
  let walkedCount = 0
  let ready: RawStacks[] = []
  let tables = new Map<Mappings, SnapshotTables>() // of one batch or one resolving: files change their state in between

  /** out  what is to wait for mappings, or never gets any; else as far as the tables go that are there */
  function attempt(batch: RawStacks, i: number): Attempt | 'unknown' | 'gone' {
    const then = mappedThen(batch.tgid[i]!, batch.startTicks[i]!, batch.timeMs[i]!)
    if (typeof then === 'string') return then
    const found = tables.get(then.mappings) ?? tablesOfMappings(then, parts)
    tables.set(then.mappings, found)
    const { start, memory, stackBytes } = openSnapshot(batch, i, arch)
    const walked = walkSnapshot({ start, memory, tables: found, arch, framesMax })
    const isCut = memory.isBehind && stackBytes >= parts.stackBytesMax
    return {
      walked: walked.stop === 'read_fault' && isCut ? { ...walked, stop: 'copy_ended' } : walked,
      isWaiting: found.isWaiting,
    }
  }

  function goOn(batch: RawStacks, i: number, { frames, stop }: Walked): void {
    const number = stopNames.indexOf(stop)
    restop(batch.stop[i]!, -1)
    restop(number, 1)
    ready.push(withUserFrames(batch, i, { frames, stop: number }))
  }

  function restop(stop: number, by: number): void {
    const name = stopNames[stop]!
    restopped.set(name, (restopped.get(name) ?? 0) + by)
  }

  function giveUp(reason: GaveUp): void {
    gaveUp.set(reason, (gaveUp.get(reason) ?? 0) + 1)
  }

  return {
    take(batch, record) {
      const snapshotBytes = batch.snapshotBytes[record]!
      if (snapshotBytes < registerBytes) return false
      const tried = attempt(batch, record)
      if (tried === 'gone') {
        giveUp('no_mappings')
        return false
      }
      // What lies in no mapping may have been mapped since the events were read.
      if (typeof tried === 'object' && !tried.isWaiting && tried.walked.stop !== 'no_mapping') {
        walkedCount++
        goOn(batch, record, tried.walked)
        return true
      }
      const bytes = snapshotBytes + HEAD_BYTES
      if (heldBytes + bytes > heldBytesMax) {
        giveUp('no_room')
        return false
      }
      held.push({ sample: copyRecord(batch, record), bytes, sinceMs: nowMs() })
      heldBytes += bytes
      return true
    },
    resolve(isLast) {
      tables = new Map()
      const waiting: Held[] = []
      const now = nowMs()
      for (const one of held) {
        const tried = attempt(one.sample, 0)
        const isWorthIt = tried === 'unknown' || (tried !== 'gone' && tried.isWaiting)
        const waitMs = tried === 'unknown' ? UNKNOWN_MS_MAX : TABLE_MS_MAX
        if (isWorthIt && !isLast && now - one.sinceMs < waitMs) {
          waiting.push(one)
          continue
        }
        heldBytes -= one.bytes
        if (typeof tried === 'string') {
          giveUp('no_mappings')
          ready.push(one.sample)
          continue
        }
        if (tried.isWaiting) giveUp('waited')
        else walkedCount++
        goOn(one.sample, 0, tried.walked)
      }
      held = waiting
      tables = new Map()
    },
    walked() {
      const batch = joinRecords(ready)
      ready = []
      tables = new Map()
      return batch
    },
    get held() {
      return held.length
    },
    restopped,
    facts: () => ({ walked: walkedCount, gaveUp, heldBytes }),
  }
}

interface OpenSnapshot {
  readonly start: WalkStart
  readonly memory: WalkMemory & { readonly isBehind: boolean }
  readonly stackBytes: number
}

/** Registers and copied bytes of a record, as where a walk begins and what it reads. */
function openSnapshot(batch: RawStacks, i: number, arch: Arch): OpenSnapshot {
  const { words, pc, sp, fp, lr } = REGISTERS[arch]
  const { buffer, byteOffset } = batch.snapshots
  const view = new DataView(buffer, byteOffset + batch.snapshotStart[i]!, batch.snapshotBytes[i]!)
  const leaf = new BigUint64Array(words)
  for (let k = 0; k < words; k++) leaf[k] = view.getBigUint64(WORD * k, true)
  const stackAt = WORD * words
  const from = leaf[sp]! & ~7n
  const last = BigInt(view.byteLength - stackAt) - 8n
  let isBehind = false
  return {
    start: {
      ...{ pc: leaf[pc]!, sp: leaf[sp]!, fp: leaf[fp]!, lr: lr === undefined ? 0n : leaf[lr]!, leaf },
      thread: undefined, // its memory is not copied
    },
    memory: {
      word(address) {
        const at = address - from
        if (at >= 0n && at <= last) return view.getBigUint64(stackAt + Number(at), true)
        isBehind = at > last
        return undefined
      },
      get isBehind() {
        return isBehind
      },
    },
    stackBytes: view.byteLength - stackAt,
  }
}

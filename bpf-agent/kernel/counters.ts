// How many ticks were there, and what became of each? The per-CPU counters of the sampler, added up and named.
// Exact on every CPU: ticks = idle + records + Σ dropped.
import { namesOf, type ObjectSpec, offsetOf, sizeOf } from './object-spec.ts'

export interface KernelCounters {
  readonly ticks: number
  readonly idle: number
  /** Records put into the ring. */
  readonly records: number
  /** By drop reason: filtered, ring_full, no_scratch. */
  readonly dropped: ReadonlyMap<string, number>
  /** Records by stop reason: fp_zero, bad_fp, … */
  readonly stopped: ReadonlyMap<string, number>
  /** User frames that found their caller, by how: row, signal, fp_gap, … */
  readonly steps: ReadonlyMap<string, number>
  readonly events: number
  /** Events that found their ring full: processes must be read from /proc instead. */
  readonly eventsLost: number
  /** Records with a copy of the user's stack, and those that went without one because the ring was half full. */
  readonly snapshots: number
  readonly snapshotsLeftOut: number
  /** Time spent in the sampling program. */
  readonly ownNs: number
}

/** Adds up `struct counters` of all CPUs.
 *  in   bytes  one struct per possible CPU, each padded to 8 bytes: the value of a per-CPU array map
 *  out  totals; exact to 2^53 */
export function sumCounters(spec: ObjectSpec, bytes: Buffer): KernelCounters {
  const stride = (sizeOf(spec, 'counters') + 7) & ~7
  const sum = (offset: number): number => {
    let total = 0
    for (let at = offset; at + 8 <= bytes.length; at += stride)
      total += bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 2 ** 32
    return total
  }
  const field = (name: string) => sum(offsetOf(spec, 'counters', name))
  const byName = (name: string, names: readonly string[]) =>
    new Map(names.map((reason, i) => [reason, sum(offsetOf(spec, 'counters', name) + 8 * i)]))
  const dropped = byName('dropped', namesOf(spec, 'drop_reason'))
  dropped.delete('none')
  return {
    ticks: field('ticks'),
    idle: field('idle'),
    records: field('records'),
    dropped,
    stopped: byName('stopped', namesOf(spec, 'stop_reason')),
    steps: byName('steps', namesOf(spec, 'step_kind')),
    events: field('events'),
    eventsLost: field('events_lost'),
    snapshots: field('snapshots'),
    snapshotsLeftOut: field('snapshots_left_out'),
    ownNs: field('own_ns'),
  }
}

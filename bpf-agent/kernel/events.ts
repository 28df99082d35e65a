// Which processes began, changed their program, or ended? Events of the second ring, in the order in which they happened
// on each CPU.
import { namesOf, type ObjectSpec, offsetOf, sizeOf } from './object-spec.ts'
import type { Ring } from './ring.ts'

export interface ProcessEvent {
  readonly kind: 'fork' | 'exec' | 'exit'
  readonly tgid: number
  /** Start of `tgid` in 10 ms ticks since boot, modulo 2^32. */
  readonly startTicks: number
  /** fork: the parent's tgid; otherwise 0. */
  readonly parentTgid: number
  /** CLOCK_MONOTONIC, ms. */
  readonly timeMs: number
}

/** Events per drain: what the ring of 256 KiB can hold, so one call empties it. */
const EVENTS_MAX = 8192

/** Makes the reader of the ring of events.  out  a function that takes what has come since its last call */
export function createEventReader(spec: ObjectSpec, ring: Ring): () => ProcessEvent[] {
  const kinds = namesOf(spec, 'event_kind') as ProcessEvent['kind'][]
  const bytes = sizeOf(spec, 'event')
  const at = (field: string) => offsetOf(spec, 'event', field) / 4
  const [kindAt, tgidAt, otherAt, startAt, timeAt] = [
    at('kind'),
    at('tgid'),
    at('other'),
    at('start_ticks'),
    at('time_ns'),
  ]
  const u32 = new Uint32Array(ring.data)
  return () => {
    const events: ProcessEvent[] = []
    while (events.length < EVENTS_MAX) {
      const byte = ring.next()
      if (byte < 0) break
      const word = byte / 4
      const kind = kinds[u32[word + kindAt]!]
      if (ring.length !== bytes || kind === undefined)
        throw new Error(
          `an event of ${ring.length} bytes and kind ${u32[word + kindAt]}: agent and BPF object disagree`,
        )
      events.push({
        kind,
        tgid: u32[word + tgidAt]!,
        startTicks: u32[word + startAt]!,
        parentTgid: u32[word + otherAt]!,
        timeMs: (u32[word + timeAt + 1]! * 2 ** 32 + u32[word + timeAt]!) / 1e6,
      })
    }
    ring.release()
    return events
  }
}

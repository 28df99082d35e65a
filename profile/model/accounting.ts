// How much was lost, and why? Cumulative counters of one agent since its start. They travel with every request and
// are shown beside every graph: expected = received + idle + Σ dropped, within what is still in the ring.

/** Reason or stop name → count. A Map, because names may come from strangers. */
export type Counts = ReadonlyMap<string, number>

/** What one agent says of itself, cumulative since `startedMs`. All in samples unless named otherwise. */
export interface AgentReport {
  readonly host: string
  /** Random per start of the agent: two runs never share an id. */
  readonly agentId: string
  readonly version: string
  readonly startedMs: number
  readonly reportedMs: number
  readonly frequencyHz: number
  readonly cpus: number
  /** frequency × online CPU seconds since the start. */
  readonly expected: number
  /** Ticks that found the CPU idle: nothing to sample, nothing lost. */
  readonly idle: number
  /** Samples that reached user space and were not lost after: each sample stands in exactly one place. */
  readonly received: number
  /** Samples lost, by drop reason (ring_full, missed_tick, window_full, refused, …). */
  readonly dropped: Counts
  /** Kept samples by how their stack ended, by stop reason (root, fp_zero, bad_fp, …). */
  readonly stops: Counts
}

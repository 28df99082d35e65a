// Does every tick that should have been have a name? From the counters of both sides to what the agent reports:
//   expected = Hz × online CPU seconds = received + idle + Σ dropped
// A sample stands in exactly one place: what user space lost after it came is taken off `received`. Pure.
import type { AgentReport } from '#profile/model/accounting'
import type { KernelCounters } from './counters.ts'

export interface TickFacts {
  readonly frequencyHz: number
  /** Σ over online CPUs of the time they ticked. */
  readonly cpuMs: number
  /** Σ over online CPUs of the time the kernel says they were idle in this span. */
  readonly idleMs: number
  readonly counters: KernelCounters
  /** Samples that reached user space. */
  readonly drained: number
  /** Samples lost after that, by reason. */
  readonly lostLater: ReadonlyMap<string, number>
  /** By how much samples of a stop reason differ from the sampler's count: user space has walked some stacks further. */
  readonly restopped?: ReadonlyMap<string, number> | undefined
}

/** Names every expected tick.
 *  A sleeping CPU need not tick: some kernels deliver no clock event to one (seen on a virtual machine: all ticks of the
 *  idle loop on one CPU). Nothing was running there, so ticks missing for the kernel's own idle time are idle, not lost;
 *  what is missing beyond that (throttling, stolen time) is `missed_tick`.
 *  out  what still waits in the ring is in no term: 0 right after a drain */
export function accountTicks(
  facts: TickFacts,
): Pick<AgentReport, 'expected' | 'idle' | 'received' | 'dropped' | 'stops'> {
  const { frequencyHz, cpuMs, idleMs, counters, drained, lostLater } = facts
  const expected = (frequencyHz * cpuMs) / 1000
  const absent = Math.max(0, Math.round(expected - counters.ticks))
  const silent = Math.min(absent, Math.max(0, Math.round((frequencyHz * idleMs) / 1000 - counters.idle)))
  const dropped = new Map([...counters.dropped, ['missed_tick', absent - silent]])
  let received = drained
  for (const [reason, samples] of lostLater) {
    dropped.set(reason, (dropped.get(reason) ?? 0) + samples)
    received -= samples
  }
  const stops = new Map(counters.stopped)
  for (const [reason, more] of facts.restopped ?? []) stops.set(reason, (stops.get(reason) ?? 0) + more)
  return { expected, idle: counters.idle + silent, received, dropped, stops }
}

const USER_HZ = 100 // of /proc/stat, on every architecture we run on

/** Idle time of all CPUs since boot, from the text of /proc/stat: idle and iowait, both run the idle task.
 *  out  ms; 0 if the text is not what it should be */
export function idleMsOf(stat: string): number {
  const words = /^cpu\s+(.*)$/m.exec(stat)?.[1]?.trim().split(/\s+/).map(Number) ?? []
  const [, , , idle = 0, iowait = 0] = words
  return Number.isFinite(idle + iowait) ? ((idle + iowait) * 1000) / USER_HZ : 0
}

// What does the agent itself cost? Its own CPU time, in the kernel and in Node, and its memory.

export interface SelfCost {
  /** Time in the sampling program, all CPUs. */
  readonly bpfSeconds: number
  /** User and system time of this process. */
  readonly nodeSeconds: number
  readonly rssBytes: number
  /** Both times as a share of the whole machine since the start, 0 to 1. */
  readonly machineShare: number
}

/** Reads what the agent has cost since it started.
 *  in  ownNs  the sampler's own counter;  cpuMs  Σ over CPUs of the time sampled;  before  cpuUsage at the start */
export function measureSelf({
  ownNs,
  cpuMs,
  before,
}: {
  readonly ownNs: number
  readonly cpuMs: number
  readonly before: NodeJS.CpuUsage
}): SelfCost {
  const { user, system } = process.cpuUsage(before)
  const bpfSeconds = ownNs / 1e9
  const nodeSeconds = (user + system) / 1e6
  return {
    bpfSeconds,
    nodeSeconds,
    rssBytes: process.memoryUsage.rss(),
    machineShare: cpuMs > 0 ? ((bpfSeconds + nodeSeconds) * 1000) / cpuMs : 0,
  }
}

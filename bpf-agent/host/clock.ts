// Which wall time was it? Samples carry CLOCK_MONOTONIC; people and backends want the time of day.

/** CLOCK_MONOTONIC in ms, as the kernel stamps samples and events. */
export const monotonicMs = (): number => Number(process.hrtime.bigint() / 1000n) / 1000

/** Wall time of a monotonic moment, by the wall clock of now: right also after somebody has set the clock. */
export const wallMsOf = (momentMs: number): number => Date.now() - (monotonicMs() - momentMs)

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

// What bounds the server? Every bound in one table: key, default, unit, reason. A refusal names the key as
// `limits.<key>`; the configuration file may raise it. Sizes are bytes, times milliseconds.

interface Limit {
  readonly default: number
  readonly unit: 'bytes' | 'ms' | 'count'
  readonly why: string
}
const MiB = 2 ** 20
const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const limit = (unit: Limit['unit'], value: number, why: string): Limit => ({ default: value, unit, why })

export const LIMITS = {
  bodyBytes: limit('bytes', 64 * MiB, 'a request body on the wire; what OTLP recommends'),
  decompressedBytes: limit('bytes', 64 * MiB, 'a request body after inflating; what OTLP recommends'),
  compressionRatio: limit('count', 200, 'inflated to sent bytes after the first MiB; zeros reach 1,029'),
  profilesPerRequest: limit('count', 10_000, 'profiles of one request'),
  samplesMax: limit('count', 250_000, 'samples of one profile; 16 times what Pyroscope takes'),
  stackDepth: limit('count', 1_000, 'locations of one stack; deeper ones are cut in the middle'),
  stringBytes: limit('bytes', 8_192, 'a function or file name; longer ones are cut in the middle'),
  tableEntries: limit('count', 4 * MiB, 'rows of all tables of a request together'),
  labelNames: limit('count', 64, 'labels of one series; the well-known ones stay'),
  labelNameBytes: limit('bytes', 1_024, 'a label name'),
  labelValueBytes: limit('bytes', 2_048, 'a label value'),
  ingestInflight: limit('count', 64, 'push requests worked on at once'),
  'ingest.queue': limit('bytes', 64 * MiB, 'inflated bodies that wait for their commit'),
  'ingest.maxAhead': limit('ms', 10 * MINUTE, 'how far the clock of a sender may run ahead of ours'),
  'ingest.maxAge': limit(
    'ms',
    26 * HOUR,
    'older samples are stored with a warning: request keys are remembered no longer',
  ),
  headerTimeout: limit('ms', 10 * SECOND, 'time to send the head of a request'),
  bodyTimeout: limit('ms', 60 * SECOND, 'time to send a whole request'),
  idleTimeout: limit('ms', 75 * SECOND, 'an idle connection; above the 60 s that proxies keep one'),
  connections: limit('count', 4_096, 'open connections'),
  authFailuresPerMinute: limit('count', 10, 'wrong tokens per address and minute'),
  queryDeadline: limit('ms', 25 * SECOND, "a query; Grafana's proxy gives up at 30 s"),
  queriesRunning: limit('count', 4, 'queries worked on at once; each holds a thread of DuckDB'),
  'query.queue': limit('count', 32, 'queries that wait for their turn'),
  querySelectorBytes: limit('bytes', 8_192, 'a selector'),
  queryMatchers: limit('count', 64, 'matchers of one selector'),
  regexBytes: limit('bytes', 512, 'a regular expression'),
  maxNodes: limit('count', 1_048_576, 'nodes of one answer'),
  exportBytes: limit('bytes', 256 * MiB, 'a file that /export writes, before it is compressed'),
  seriesPoints: limit('count', 11_000, 'points of one series'),
  'store.minFree': limit('bytes', 512 * MiB, 'free disk space below which nothing more is taken in'),
  'store.fileNodes': limit(
    'count',
    4 * MiB,
    'stacks of one store file; at 60 bytes of memory each, then the next file',
  ),
  'store.fileSeries': limit('count', 100_000, 'series of one store file, then the next file'),
  'store.cacheNodes': limit('count', 8 * MiB, 'stacks of older store files kept in memory for queries'),
  'store.commitRows': limit('count', 50_000, 'rows that one commit takes from those who wait'),
} as const satisfies Record<string, Limit>

export type LimitKey = keyof typeof LIMITS
export type Limits = Readonly<Record<LimitKey, number>>

/** The table with its defaults, changed where `overrides` says so.
 *  Throws an Error with one sentence if a key is unknown or a value is no positive whole number. */
export function limitsOf(overrides: Readonly<Record<string, unknown>> = {}): Limits {
  const limits = Object.fromEntries(Object.entries(LIMITS).map(([key, row]) => [key, row.default]))
  for (const [key, value] of Object.entries(overrides)) {
    if (!Object.hasOwn(LIMITS, key))
      throw new Error(`limits.${key} is no limit; there are ${Object.keys(LIMITS).join(', ')}`)
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value <= 0) {
      const { unit, default: usual } = LIMITS[key as LimitKey]
      throw new Error(
        `limits.${key} is ${JSON.stringify(value)}; it takes a whole number above 0 (${unit}), such as ${usual}`,
      )
    }
    limits[key] = value
  }
  return limits as Limits
}

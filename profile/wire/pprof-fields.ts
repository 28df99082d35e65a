// Which number has which field of a pprof? github.com/google/pprof, proto/profile.proto, as tables for both directions.

export const PROFILE = {
  sampleType: 1,
  sample: 2,
  mapping: 3,
  location: 4,
  function: 5,
  string: 6,
  timeNanos: 9,
  durationNanos: 10,
  periodType: 11,
  period: 12,
} as const
export const SAMPLE = { location: 1, value: 2, label: 3 } as const
export const LABEL = { key: 1, text: 2 } as const
export const MAPPING = {
  id: 1,
  start: 2,
  limit: 3,
  offset: 4,
  file: 5,
  buildId: 6,
  hasFunctions: 7,
  hasFiles: 8,
  hasLines: 9,
  hasInlined: 10,
} as const
export const LOCATION = { id: 1, mapping: 2, address: 3, line: 4 } as const
export const LINE = { function: 1, line: 2 } as const
export const FUNCTION = { id: 1, name: 2, systemName: 3, file: 4, startLine: 5 } as const

/** A string index of ours, far beyond the numbers that pprof has given away, and skipped by every other reader: of a
 *  Profile the name of its type ("memory"), of a Location its kind ("kernel"). pprof has no field for either. */
export const OURS = 1_000

// How much may one body hold, OTLP or pprof, and how does its sender hear that it holds too much? Keys as under `limits.` of the backend.

export interface WireLimits {
  /** Profiles of one request; more refuse the request. */
  readonly profilesPerRequest: number
  /** Samples of one profile; more refuse the profile. */
  readonly samplesMax: number
  /** Rows of the dictionary in all, with lines and stack entries; more refuse the request. */
  readonly tableEntries: number
  /** Frames of one stack; deeper ones are cut in the middle. */
  readonly stackDepth: number
  /** UTF-8 bytes of a function, file or binary name; longer ones are cut in the middle. */
  readonly stringBytes: number
  /** Labels of one series; the well-known ones stay. */
  readonly labelNames: number
  /** UTF-8 bytes of a label's name and value; longer ones refuse the profile. */
  readonly labelNameBytes: number
  readonly labelValueBytes: number
}

/** Profiles refused under one reason. */
export interface Rejected {
  /** Stable: samples_max, index_out_of_range, value_negative, … */
  readonly reason: string
  readonly count: number
  /** The limit to raise, where there is one: "limits.samplesMax". */
  readonly key?: string
  /** What the first of them held, and what is allowed. */
  readonly message: string
}

/** Things kept shortened under one reason: stack_depth, string_bytes, label_names, … */
export interface Cut {
  readonly reason: string
  readonly count: number
}

/** Refuses one profile; caught where profiles are read. */
export class ProfileRefused extends Error {
  readonly reason: string
  readonly key: string | undefined
  constructor(reason: string, message: string, key?: keyof WireLimits) {
    super(message)
    this.reason = reason
    this.key = key === undefined ? undefined : `limits.${key}`
  }
}

/** Refuses the whole request; caught at the door. */
export class RequestRefused extends Error {}

/** Counts by reason, in order of first sight. */
export class Tally {
  readonly #counts = new Map<string, number>()

  add(reason: string, count = 1): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + count)
  }

  list(): readonly Cut[] {
    return Array.from(this.#counts, ([reason, count]) => ({ reason, count }))
  }
}

/** 250000 → "250,000": limits are read by people. */
export const grouped = (count: number): string => String(count).replaceAll(/\B(?=(\d{3})+(?!\d))/g, ',')

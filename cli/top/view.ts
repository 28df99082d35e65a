// What is on the table? One shape for both sources: the local sampler's last seconds, and a backend's answer. Columns of
// equal length, one row per function and service; nothing here is sorted, filtered or cut.

export interface TopRows {
  readonly name: readonly string[]
  readonly file: readonly string[]
  /** Base name of the binary, or "". */
  readonly mapping: readonly string[]
  readonly service: readonly string[]
  /** The function's own samples, in the view's unit. */
  readonly self: Float64Array
  /** With all that it calls; recursion counts once. */
  readonly total: Float64Array
}

export interface TopView {
  readonly rows: TopRows
  /** What shares are shares of, in the view's unit. */
  readonly all: number
  /** How many samples `all` is. */
  readonly samples: number
  /** Over how long they were taken; 0: nothing yet. */
  readonly seconds: number
  /** What one busy core adds in a second: its ticks for samples, 1e9 for nanoseconds. */
  readonly perCoreSecond: number
  /** Of each service, in the view's unit; undefined: the source does not tell services, and `service` is "". */
  readonly services: ReadonlyMap<string, number> | undefined
  /** Share of samples whose stack ends early, 0 to 1. */
  readonly endEarly: number
  /** Cores there are; undefined: of how many machines this is, nobody knows. */
  readonly cpus: number | undefined
  /** What the reader must know of it: samples lost, a backend that is away. */
  readonly notes: readonly string[]
}

/** How many cores a value keeps busy on average. */
export function coresOf(view: TopView, value: number): number {
  const coreSeconds = view.perCoreSecond * view.seconds
  return coreSeconds > 0 ? value / coreSeconds : 0
}

/** A value's share of the whole, 0 to 1. */
export const shareOf = (view: TopView, value: number): number => (view.all > 0 ? value / view.all : 0)

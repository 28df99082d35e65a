// What happened in the last ten seconds? Slices come in, old ones go out; sums are kept, not computed anew. Pure.
//
//   slices   1 s  1 s  1 s … 1 s  ◄─ add        sums = Σ of those that are kept
//            └─ goes when the others alone cover the span
import type { Slice } from './slice.ts'
import type { TopRows, TopView } from './view.ts'

export interface SlidingWindow {
  /** Takes a slice in and lets go what is too old.  cost O(rows of what comes and goes) */
  add(slice: Slice): void
  /** The sums as they are now.  cost O(rows) */
  sums(): Pick<TopView, 'rows' | 'all' | 'samples' | 'seconds' | 'endEarly'> & {
    readonly services: ReadonlyMap<string, number>
  }
}

/** Holds texts, not the slice they came in: a function that runs for days would keep its first second for days. */
interface Sum {
  readonly name: string
  readonly file: string
  readonly mapping: string
  readonly service: string
  self: number
  total: number
}

/** Makes an empty window.  in  spanSeconds  at least this much is kept, if there is so much */
export function createSlidingWindow(spanSeconds: number): SlidingWindow {
  const slices: Slice[] = []
  // Counts of samples are whole numbers: what is added and taken away again leaves exactly nothing.
  const sums = new Map<string, Sum>()
  const services = new Map<string, number>()
  let seconds = 0
  let samples = 0
  let endEarly = 0

  function count(slice: Slice, sign: 1 | -1): void {
    const { rows } = slice
    seconds += sign * slice.seconds
    samples += sign * slice.samples
    endEarly += sign * slice.endEarly
    for (const [name, value] of slice.services) {
      const now = (services.get(name) ?? 0) + sign * value
      if (now > 0) services.set(name, now)
      else services.delete(name)
    }
    for (let row = 0; row < rows.self.length; row++) {
      const key = keyOf(rows, row)
      const sum = sums.get(key) ?? { ...textsOf(rows, row), self: 0, total: 0 }
      sum.self += sign * rows.self[row]!
      sum.total += sign * rows.total[row]!
      if (sum.total > 0) sums.set(key, sum)
      else sums.delete(key)
    }
  }

  return {
    add(slice) {
      slices.push(slice)
      count(slice, 1)
      while (slices.length > 1 && seconds - slices[0]!.seconds >= spanSeconds) count(slices.shift()!, -1)
    },
    sums: () => ({
      rows: {
        name: Array.from(sums.values(), (sum) => sum.name),
        file: Array.from(sums.values(), (sum) => sum.file),
        mapping: Array.from(sums.values(), (sum) => sum.mapping),
        service: Array.from(sums.values(), (sum) => sum.service),
        self: Float64Array.from(sums.values(), (sum) => sum.self),
        total: Float64Array.from(sums.values(), (sum) => sum.total),
      },
      all: samples,
      samples,
      seconds,
      endEarly: samples > 0 ? endEarly / samples : 0,
      services: new Map(services),
    }),
  }
}

const textsOf = ({ name, file, mapping, service }: TopRows, row: number) => ({
  name: name[row]!,
  file: file[row]!,
  mapping: mapping[row]!,
  service: service[row]!,
})

/** Lengths first: no name can pretend to be another's name and binary. */
function keyOf({ name, file, mapping, service }: TopRows, row: number): string {
  const lengths = `${name[row]!.length} ${file[row]!.length} ${mapping[row]!.length}`
  return `${lengths} ${name[row]}${file[row]}${mapping[row]}${service[row]}`
}

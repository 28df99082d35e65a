// What was counted, in which unit, once per what? A profile type is five words; values of two types are never added.
// The printed form and the id of CPU time are Pyroscope's, because Grafana turns exactly that id into cores.

export interface ProfileType {
  /** "process_cpu", "memory", "off_cpu", … */
  readonly name: string
  /** What a sample counts: "samples", "cpu", "alloc_space", … */
  readonly sampleType: string
  /** Unit of the values: "count", "nanoseconds", "bytes", … */
  readonly sampleUnit: string
  /** What happens once per period: "cpu", "space", or "". */
  readonly periodType: string
  readonly periodUnit: string
}

/** CPU time as the store keeps it and every query answers it: nanoseconds on a CPU. */
export const CPU: ProfileType = {
  name: 'process_cpu',
  sampleType: 'cpu',
  sampleUnit: 'nanoseconds',
  periodType: 'cpu',
  periodUnit: 'nanoseconds',
}

/** CPU samples as a sampler sends them: a count, each worth one period. */
export const CPU_SAMPLES: ProfileType = {
  ...CPU,
  name: 'samples',
  sampleType: 'samples',
  sampleUnit: 'count',
}

const ALIASES: ReadonlyMap<string, ProfileType> = new Map([['cpu', CPU]])

/** Prints a type as its id, five parts joined by colons: `process_cpu:cpu:nanoseconds:cpu:nanoseconds`. */
export function printProfileType(type: ProfileType): string {
  return [type.name, type.sampleType, type.sampleUnit, type.periodType, type.periodUnit].join(':')
}

/** Parses an id of five parts or an alias (`cpu`).
 *  out  undefined when it is neither: the caller knows which words to blame */
export function parseProfileType(text: string): ProfileType | undefined {
  const alias = ALIASES.get(text)
  if (alias !== undefined) return alias
  const parts = text.split(':')
  if (parts.length !== 5 || parts[0] === '' || parts[1] === '' || parts[2] === '') return undefined
  const [name, sampleType, sampleUnit, periodType, periodUnit] = parts as [
    string,
    string,
    string,
    string,
    string,
  ]
  return { name, sampleType, sampleUnit, periodType, periodUnit }
}

/** The short name of a type, if it has one; its id otherwise. */
export function profileTypeAlias(type: ProfileType): string {
  const id = printProfileType(type)
  for (const [alias, other] of ALIASES) if (printProfileType(other) === id) return alias
  return id
}

/** What a stored value is worth: CPU samples become nanoseconds by their period, everything else stays.
 *  in   type, period as they came on the wire; period in `type.periodUnit`
 *  out  the type to store under, and the factor for every value */
export function storedType(
  type: ProfileType,
  period: number,
): { readonly type: ProfileType; readonly scale: number } {
  const isCpuSamples =
    type.sampleType === 'samples' &&
    type.sampleUnit === 'count' &&
    type.periodType === 'cpu' &&
    type.periodUnit === 'nanoseconds' &&
    period > 0
  return isCpuSamples ? { type: CPU, scale: period } : { type, scale: 1 }
}

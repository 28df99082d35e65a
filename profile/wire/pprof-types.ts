// What did this column of a pprof count? A pair of words and the period's pair make a profile type; its name, which pprof
// has no field for, is found as `go tool pprof` shows it: after the sample type.
import type { ProfileType } from '../model/profile-type.ts'
import { typeOf } from './otlp-types.ts'

/** The profile type of a column:
 *
 *    cpu/nanoseconds                        CPU, whatever the period says
 *    samples/count per cpu/nanoseconds      CPU_SAMPLES
 *    off_cpu/nanoseconds                    off_cpu:off_cpu:nanoseconds::
 *    inuse_space/bytes per space/bytes      inuse_space:inuse_space:bytes:space:bytes, or NAME:inuse_space:…
 *
 *  in   name   "memory", …, or "" for none
 *  throws ProfileRefused when a word is missing, too long, or holds the colon that ids are joined by */
export function typeOfColumn({
  words,
  period,
  name,
}: {
  readonly words: readonly [type: string, unit: string]
  readonly period: readonly [type: string, unit: string]
  readonly name: string
}): ProfileType {
  const isCpu = words[0] === 'cpu' && words[1] === 'nanoseconds'
  const found = typeOf({ sampleType: words, periodType: isCpu ? words : period, name: '' })
  const isCounted = words[0] === 'samples' && words[1] === 'count' && period.join() === 'cpu,nanoseconds'
  if (isCpu || isCounted || (words[0] === 'off_cpu' && words[1] === 'nanoseconds')) return found
  return typeOf({ sampleType: words, periodType: period, name: name || words[0] })
}

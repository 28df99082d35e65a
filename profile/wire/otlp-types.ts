// What did they count? OTLP says it in two pairs of words, type and unit; a profile type has a name besides.
import { CPU, CPU_SAMPLES, type ProfileType } from '../model/profile-type.ts'
import { ProfileRefused } from './wire-limits.ts'

const WORD_LENGTH_MAX = 100 // of each of the five parts of an id

/** The profile type behind OTLP's two pairs of words:
 *
 *    samples/count per cpu/nanoseconds    CPU_SAMPLES: a count, each worth one period
 *    cpu/nanoseconds per the same         CPU
 *    off_cpu/nanoseconds                  off_cpu:off_cpu:nanoseconds::
 *    a/u per p/q                          p:a:u:p:q, or a:a:u:: without a period
 *
 *  throws ProfileRefused when a word is missing, too long, or holds the colon that ids are joined by */
export function typeOf(words: {
  readonly sampleType: readonly [string, string]
  readonly periodType: readonly [string, string]
  /** From our own encoder, "" otherwise. */
  readonly name: string
}): ProfileType {
  const [sampleType, sampleUnit] = words.sampleType
  const [periodType, periodUnit] = words.periodType
  const shown = `${sampleType}/${sampleUnit} per ${periodType}/${periodUnit}`.slice(0, 200)
  if (sampleType === '' || sampleUnit === '')
    throw new ProfileRefused(
      'profile_type',
      `a profile's sample type is "${shown}"; it needs a type and a unit`,
    )
  for (const word of [...words.sampleType, ...words.periodType, words.name])
    if (word.includes(':') || word.length > WORD_LENGTH_MAX)
      throw new ProfileRefused(
        'profile_type',
        `a profile's sample type is "${shown}"; its words may hold no colon and at most ${WORD_LENGTH_MAX} characters`,
      )
  const isPeriodCpu = periodType === CPU.periodType && periodUnit === CPU.periodUnit
  if (words.name === '') {
    if (isPeriodCpu && sampleType === CPU_SAMPLES.sampleType && sampleUnit === CPU_SAMPLES.sampleUnit)
      return CPU_SAMPLES
    if (isPeriodCpu && sampleType === CPU.sampleType && sampleUnit === CPU.sampleUnit) return CPU
    if (sampleType === 'off_cpu' && sampleUnit === 'nanoseconds')
      return { name: 'off_cpu', sampleType, sampleUnit, periodType: '', periodUnit: '' }
  }
  return { name: words.name || periodType || sampleType, sampleType, sampleUnit, periodType, periodUnit }
}

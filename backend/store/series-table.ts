// Which series does a store file hold, and what is a value of each worth? Series and profile types are few: they stay in
// memory as plain arrays, and matchers run over them once per query and distinct value.
import { type Labels, labelsText } from '#profile/model/labels'
import { type ProfileType, printProfileType, storedType } from '#profile/model/profile-type'

/** One profile type as stored, at one period: two periods of one type are two rows, and answers add them up. */
export interface StoredType {
  readonly type: ProfileType
  /** Factor from a row's amount to the type's unit. */
  readonly scale: number
  /** What one sample is worth in the type's unit; 0: unknown, every row is one sample. */
  readonly worth: number
}

/** How to store values of a type: CPU samples become nanoseconds, and one sample is worth its period. */
export function storageOf(type: ProfileType, period: number): StoredType {
  const stored = storedType(type, period)
  const { sampleType, sampleUnit, periodType, periodUnit } = stored.type
  const countsPeriods = sampleType === periodType && sampleUnit === periodUnit && period > 0
  return { ...stored, worth: countsPeriods ? period : sampleUnit === 'count' ? 1 : 0 }
}

/** Samples behind rows of one type whose amounts add up to `amount`. */
export function samplesBehind(type: StoredType, amount: number, rows: number): number {
  return type.worth === 0 ? rows : (amount * type.scale) / type.worth
}

export class SeriesTable {
  readonly types: StoredType[] = []
  readonly #typeIds = new Map<string, number>()
  /** Per series: row of `types`, labels. */
  readonly typeOf: number[] = []
  readonly labels: Labels[] = []
  readonly #seriesIds = new Map<string, number>()

  get count(): number {
    return this.labels.length
  }

  internType(stored: StoredType): number {
    const key = `${stored.scale} ${stored.worth} ${printProfileType(stored.type)}`
    let id = this.#typeIds.get(key)
    if (id === undefined) {
      id = this.types.push(stored) - 1
      this.#typeIds.set(key, id)
    }
    return id
  }

  internSeries(type: number, labels: Labels): number {
    const key = `${type} ${labelsText(labels)}`
    let id = this.#seriesIds.get(key)
    if (id === undefined) {
      this.typeOf.push(type)
      id = this.labels.push(labels) - 1
      this.#seriesIds.set(key, id)
    }
    return id
  }
}

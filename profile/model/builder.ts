// How is a profile made? Append and intern, then build: the only mutable thing on this floor.
// Interning is by text keys in Maps: builders serve windows and requests of some ten thousand rows. The store interns
// into integers of its own (backend/store/dictionary.ts).
import {
  asId,
  type FunctionId,
  type LabelSetId,
  type LocationId,
  type MappingId,
  NONE,
  type StackId,
  type StringId,
} from './ids.ts'
import { type Labels, labelsText } from './labels.ts'
import type { Profile } from './profile.ts'
import type { ProfileType } from './profile-type.ts'

export interface ProfileHead {
  readonly type: ProfileType
  readonly period: number
  readonly timeMs: number
  readonly durationMs: number
}

export interface FunctionSpec {
  readonly name: string
  readonly systemName?: string
  readonly file?: string
  readonly startLine?: number
}

export interface LocationSpec {
  /** MappingId or NONE. */
  readonly mapping: number
  readonly addressHigh: number
  readonly addressLow: number
  readonly kind: string
  /** Innermost inlined function first; empty: not named. */
  readonly lines: readonly { readonly function: FunctionId; readonly line: number }[]
}

export interface SampleSpec {
  readonly stack: StackId
  readonly labelSet: LabelSetId
  readonly value: number
  readonly timeMs: number
}

/** Builds one Profile. Every `…(spec)` method interns: equal specs give equal ids. Cost per call: one text key. */
export class ProfileBuilder {
  readonly #strings: string[] = ['']
  readonly #stringIds = new Map<string, number>([['', 0]])
  readonly #functions: { name: number; systemName: number; file: number; startLine: number }[] = []
  readonly #functionIds = new Map<string, number>()
  readonly #mappings: { file: number; buildId: number }[] = []
  readonly #mappingIds = new Map<string, number>()
  readonly #locations: LocationSpec[] = []
  readonly #locationIds = new Map<string, number>()
  readonly #parent: number[] = [NONE]
  readonly #stackLocation: number[] = [NONE]
  readonly #stackIds = new Map<number, number>() // parent · 2^26 + location: exact below 2^53 for 2^26 of each
  readonly #labelSets: Labels[] = []
  readonly #labelSetIds = new Map<string, number>()
  readonly #samples: SampleSpec[] = []

  string(text: string): StringId {
    return asId(intern(this.#stringIds, text, () => this.#strings.push(text) - 1))
  }

  function(spec: FunctionSpec): FunctionId {
    const name = this.string(spec.name)
    const systemName = this.string(spec.systemName ?? spec.name)
    const file = this.string(spec.file ?? '')
    const row = { name, systemName, file, startLine: spec.startLine ?? 0 }
    const key = `${name} ${systemName} ${file} ${row.startLine}`
    return asId(intern(this.#functionIds, key, () => this.#functions.push(row) - 1))
  }

  mapping(spec: { readonly file: string; readonly buildId?: string }): MappingId {
    const row = { file: this.string(spec.file), buildId: this.string(spec.buildId ?? '') }
    return asId(intern(this.#mappingIds, `${row.file} ${row.buildId}`, () => this.#mappings.push(row) - 1))
  }

  location(spec: LocationSpec): LocationId {
    const lines = spec.lines.map((line) => `${line.function}:${line.line}`).join(',')
    const key = `${spec.mapping} ${spec.addressHigh} ${spec.addressLow} ${this.string(spec.kind)} ${lines}`
    return asId(intern(this.#locationIds, key, () => this.#locations.push(spec) - 1))
  }

  /** As `location`, for one that its caller knows to be new: an equal one is not looked for, neither now nor later. */
  newLocation(spec: LocationSpec): LocationId {
    this.string(spec.kind) // `build` wants it to be there
    return asId(this.#locations.push(spec) - 1)
  }

  /** The stack that calls `location` from `parent`; start with parent 0, the empty stack, at the root. */
  stack(parent: StackId, location: LocationId): StackId {
    const key = parent * 2 ** 26 + location
    return asId(
      intern(this.#stackIds, key, () => {
        this.#stackLocation.push(location)
        return this.#parent.push(parent) - 1
      }),
    )
  }

  labelSet(labels: Labels): LabelSetId {
    return asId(intern(this.#labelSetIds, labelsText(labels), () => this.#labelSets.push(labels) - 1))
  }

  sample(sample: SampleSpec): void {
    this.#samples.push(sample)
  }

  /** The profile so far; the builder may go on. */
  build(head: ProfileHead): Profile {
    const column = <T>(rows: readonly T[], field: (row: T) => number) => Uint32Array.from(rows, field)
    const lineStart = new Uint32Array(this.#locations.length + 1)
    this.#locations.forEach((row, i) => {
      lineStart[i + 1] = lineStart[i]! + row.lines.length
    })
    const lines = this.#locations.flatMap((row) => row.lines)
    return {
      ...head,
      strings: [...this.#strings],
      functions: {
        name: column(this.#functions, (row) => row.name),
        systemName: column(this.#functions, (row) => row.systemName),
        file: column(this.#functions, (row) => row.file),
        startLine: column(this.#functions, (row) => row.startLine),
      },
      mappings: {
        file: column(this.#mappings, (row) => row.file),
        buildId: column(this.#mappings, (row) => row.buildId),
      },
      locations: {
        mapping: Int32Array.from(this.#locations, (row) => row.mapping),
        addressHigh: column(this.#locations, (row) => row.addressHigh),
        addressLow: column(this.#locations, (row) => row.addressLow),
        kind: column(this.#locations, (row) => this.string(row.kind)),
        lineStart,
      },
      lines: { function: column(lines, (row) => row.function), line: column(lines, (row) => row.line) },
      stacks: { parent: Int32Array.from(this.#parent), location: Int32Array.from(this.#stackLocation) },
      labelSets: [...this.#labelSets],
      samples: {
        stack: column(this.#samples, (row) => row.stack),
        labelSet: column(this.#samples, (row) => row.labelSet),
        value: Float64Array.from(this.#samples, (row) => row.value),
        timeMs: Float64Array.from(this.#samples, (row) => row.timeMs),
      },
    }
  }
}

function intern<K>(ids: Map<K, number>, key: K, append: () => number): number {
  const known = ids.get(key)
  if (known !== undefined) return known
  const id = append()
  ids.set(key, id)
  return id
}

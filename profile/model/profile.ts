// What is a profile? Samples of one type over tables of strings, functions, mappings, locations and stacks: typed
// columns of equal length, never objects per sample. One value of this shape is an agent's window, a request's content,
// or a file's; several profiles of one request share their tables by reference.
import { NONE } from './ids.ts'
import type { Labels } from './labels.ts'
import type { ProfileType } from './profile-type.ts'
import type { StackTable } from './stack-table.ts'

/** Columns; every field of the first three is a row of `strings`. */
export interface FunctionTable {
  /** Demangled, for people. */
  readonly name: Uint32Array
  /** As the linker knows it; equals `name` where there is no other. */
  readonly systemName: Uint32Array
  readonly file: Uint32Array
  /** 0: unknown. */
  readonly startLine: Uint32Array
}

/** Columns; `file` (base name or path) and `buildId` (lower-case hex, or "") are rows of `strings`. */
export interface MappingTable {
  readonly file: Uint32Array
  readonly buildId: Uint32Array
}

/** Columns. The lines of location i are rows lineStart[i] … lineStart[i + 1] - 1 of `lines`, innermost inlined function
 *  first; none at all means: not named yet. */
export interface LocationTable {
  /** MappingId or NONE. */
  readonly mapping: Int32Array
  /** ELF virtual address (not the process's), split because kernel addresses exceed 2^53. Callers carry return address - 1. */
  readonly addressHigh: Uint32Array
  readonly addressLow: Uint32Array
  /** StringId: "native", "kernel", "go", "cpython", "v8js", "jvm", "abort-marker", … or "". OTel's `profile.frame.type`. */
  readonly kind: Uint32Array
  /** n + 1 entries. */
  readonly lineStart: Uint32Array
}

export interface LineTable {
  readonly function: Uint32Array
  /** 1-based; 0: unknown. */
  readonly line: Uint32Array
}

/** Columns. */
export interface SampleTable {
  /** StackId of the leaf. */
  readonly stack: Uint32Array
  /** LabelSetId. */
  readonly labelSet: Uint32Array
  /** In `type.sampleUnit`; finite, not negative. */
  readonly value: Float64Array
  /** Start of the window the value belongs to, epoch milliseconds. */
  readonly timeMs: Float64Array
}

export interface Profile {
  readonly type: ProfileType
  /** In `type.periodUnit`; 0: none. */
  readonly period: number
  /** The window as a whole: start (epoch) and length. */
  readonly timeMs: number
  readonly durationMs: number
  /** Row 0 is "". */
  readonly strings: readonly string[]
  readonly functions: FunctionTable
  readonly mappings: MappingTable
  readonly locations: LocationTable
  readonly lines: LineTable
  readonly stacks: StackTable
  readonly labelSets: readonly Labels[]
  readonly samples: SampleTable
}

/** The location kind, and the function name, that stands as the root of a stack whose callers could not be seen. */
export const TRUNCATED_KIND = 'abort-marker'
export const TRUNCATED_NAME = '[truncated]'

/** Throws if a relation between the tables is broken: for builders and decoders of ours, and for tests.
 *  cost O(size of the profile) */
export function assertProfile(profile: Profile): void {
  const { strings, functions, mappings, locations, lines, stacks, labelSets, samples } = profile
  const holds = (truth: boolean, relation: string) => {
    if (!truth) throw new Error(`profile is broken: ${relation}`)
  }
  const below = (column: ArrayLike<number>, limit: number, name: string, least = 0) => {
    for (let i = 0; i < column.length; i++)
      holds(
        column[i]! >= least && column[i]! < limit,
        `${name}[${i}] = ${column[i]}, allowed ${least} to ${limit - 1}`,
      )
  }
  const equalLengths = (table: object, name: string) => {
    const lengths = Object.values(table).map((column) => (column as ArrayLike<number>).length)
    holds(new Set(lengths).size === 1, `columns of ${name} have lengths ${lengths.join(', ')}`)
  }
  holds(strings[0] === '', 'strings[0] must be ""')
  equalLengths(functions, 'functions')
  equalLengths(mappings, 'mappings')
  equalLengths(lines, 'lines')
  equalLengths(stacks, 'stacks')
  equalLengths(samples, 'samples')
  below(functions.name, strings.length, 'functions.name')
  below(functions.systemName, strings.length, 'functions.systemName')
  below(functions.file, strings.length, 'functions.file')
  below(mappings.file, strings.length, 'mappings.file')
  below(mappings.buildId, strings.length, 'mappings.buildId')
  below(locations.mapping, mappings.file.length, 'locations.mapping', NONE)
  below(locations.kind, strings.length, 'locations.kind')
  const n = locations.mapping.length
  holds(
    locations.addressHigh.length === n && locations.addressLow.length === n,
    'columns of locations differ in length',
  )
  holds(
    locations.lineStart.length === n + 1 && locations.lineStart[0] === 0,
    'lineStart must hold n + 1 entries from 0',
  )
  for (let i = 0; i < n; i++)
    holds(locations.lineStart[i]! <= locations.lineStart[i + 1]!, `lineStart falls at location ${i}`)
  holds(locations.lineStart[n] === lines.line.length, 'lineStart must end at the number of lines')
  below(lines.function, functions.name.length, 'lines.function')
  holds(
    stacks.parent.length > 0 && stacks.parent[0] === NONE && stacks.location[0] === NONE,
    'stack 0 must be the empty stack',
  )
  for (let i = 1; i < stacks.parent.length; i++) {
    holds(
      stacks.parent[i]! >= 0 && stacks.parent[i]! < i,
      `stacks.parent[${i}] = ${stacks.parent[i]}, allowed 0 to ${i - 1}`,
    )
    holds(
      stacks.location[i]! >= 0 && stacks.location[i]! < n,
      `stacks.location[${i}] = ${stacks.location[i]} is no location`,
    )
  }
  below(samples.stack, stacks.parent.length, 'samples.stack')
  below(samples.labelSet, labelSets.length, 'samples.labelSet')
  for (let i = 0; i < samples.value.length; i++) {
    holds(
      samples.value[i]! >= 0 && Number.isFinite(samples.value[i]!),
      `samples.value[${i}] = ${samples.value[i]}`,
    )
    holds(Number.isFinite(samples.timeMs[i]!), `samples.timeMs[${i}] = ${samples.timeMs[i]}`)
  }
}

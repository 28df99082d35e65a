// What did this pprof measure? Its sample types become Profiles that share one set of tables; of CPU time counted twice, in
// samples and in nanoseconds, the nanoseconds are taken. A type that cannot be kept is left out with a sentence, and the
// others stay; a file whose tables contradict themselves is refused.
import { float64Column, uint32Column } from '../model/growing-column.ts'
import { type Labels, labelsOf, labelsText } from '../model/labels.ts'
import type { Profile } from '../model/profile.ts'
import { CPU, CPU_SAMPLES, type ProfileType, printProfileType, storedType } from '../model/profile-type.ts'
import { failure, type Result, success } from '../model/result.ts'
import { wholeMs, YEAR_2000_MS } from './otlp-samples.ts'
import { LABEL, OURS, PROFILE, SAMPLE } from './pprof-fields.ts'
import { PprofTables } from './pprof-tables.ts'
import { typeOfColumn } from './pprof-types.ts'
import { LENGTH, MalformedBytes, ProtoReader, VARINT } from './proto-reader.ts'
import { StackRows } from './stack-rows.ts'
import { type Cut, grouped, ProfileRefused, RequestRefused, Tally, type WireLimits } from './wire-limits.ts'

export interface PprofOptions {
  /** tableEntries, samplesMax, stackDepth, stringBytes and the bounds of labels are asked. */
  readonly limits: WireLimits
  /** Of all samples; they win over the samples' own. */
  readonly labels: Labels
  /** Keep the texts that samples carry as labels; without it they are counted as cut. Numbers never are labels. */
  readonly sampleLabels?: boolean
  /** The moment of the profile, whatever the file says. */
  readonly timeMs?: number
  /** Stands in where the file says no time (0 or before 2000) and `timeMs` is absent; 0 if this is absent too. */
  readonly receivedMs?: number
  /** "memory", "mutex": the name of the types that the file does not name, else each is named after its sample type.
   *  CPU time keeps its name. */
  readonly name?: string
}

export interface PprofFile {
  /** One per sample type, in the file's order; all share strings, functions, mappings, locations, lines, stacks and label
   *  sets. Rows of one stack may repeat, rows of zero are left out. */
  readonly profiles: readonly Profile[]
  /** Sentences about types left out, and about what was taken although it was odd. */
  readonly warnings: readonly string[]
  readonly cut: readonly Cut[]
}

const TYPES_MAX = 32 // Go's heap profile has four; each is a column of numbers
const SAMPLE_LABELS_MAX = 100 // limits.sampleLabels of the backend

/** Decodes a pprof, already inflated; the caller bounds its length.
 *  errors  bytes that are no pprof (with their position), ids and indexes of nothing, ids twice, samples with too few or
 *          too many values, limits.samplesMax, .tableEntries, .labelNameBytes, .labelValueBytes, no type that can be kept
 *  cost    a few passes over the bytes; memory some 30 bytes for each row of the tables, 12 a sample and type */
export function decodePprof(bytes: Uint8Array, options: PprofOptions): Result<PprofFile> {
  try {
    return success(new PprofDecoder(bytes, options).decode())
  } catch (error) {
    if (error instanceof MalformedBytes)
      return failure(`not a pprof profile: ${error.message}`, error.position)
    if (error instanceof RequestRefused || error instanceof ProfileRefused) return failure(error.message)
    throw error
  }
}

interface Head {
  readonly startMs: number
  readonly durationMs: number
  readonly periodType: readonly [string, string]
  readonly period: number
  /** Of our own encoder, "" otherwise. */
  readonly name: string
}

/** A number of each sample, and what it becomes. */
interface Column {
  readonly index: number
  readonly type: ProfileType
  readonly period: number
  readonly scale: number
  readonly stack: ReturnType<typeof uint32Column>
  readonly labelSet: ReturnType<typeof uint32Column>
  readonly value: ReturnType<typeof float64Column>
  /** Why the whole type is left out. */
  refusal: string | undefined
}

class PprofDecoder {
  readonly #bytes: Uint8Array
  readonly #options: PprofOptions
  readonly #cut = new Tally()
  readonly #tables: PprofTables
  readonly #stacks: StackRows
  readonly #warnings: string[] = []
  readonly #labelSets: Labels[] = []
  readonly #labelSetIds = new Map<string, number>()

  constructor(bytes: Uint8Array, options: PprofOptions) {
    this.#bytes = bytes
    this.#options = options
    const { limits } = options
    this.#tables = new PprofTables(bytes, { limits, cut: this.#cut })
    this.#stacks = new StackRows(this.#tables, { depthMax: limits.stackDepth, cut: this.#cut })
  }

  decode(): PprofFile {
    const types = this.#readSampleTypes()
    const head = this.#readHead()
    const columns = this.#columnsOf(types, head)
    this.#readSamples(types.length, columns)
    const kept = columns.filter(({ refusal }) => refusal === undefined)
    for (const { type, refusal } of columns)
      if (refusal !== undefined) this.#warnings.push(`${wordsOf(type)} is left out: ${refusal}`)
    if (kept.length === 0) throw new RequestRefused(this.#warnings.join('; '))
    return {
      profiles: this.#finishProfiles(kept, head),
      warnings: this.#warnings,
      cut: this.#cut.list(),
    }
  }

  #readSampleTypes(): readonly (readonly [string, string])[] {
    const { start, stop, length } = this.#tables.sampleTypes
    if (length === 0) throw new RequestRefused('not a pprof profile: it has no sample type')
    if (length > TYPES_MAX)
      throw new RequestRefused(`the profile has ${grouped(length)} sample types; allowed are ${TYPES_MAX}`)
    return Array.from({ length }, (_, i) => this.#readValueType(start.at(i), stop.at(i)))
  }

  #readValueType(start: number, stop: number): readonly [string, string] {
    const reader = new ProtoReader(this.#bytes, start, stop)
    let [type, unit] = ['', '']
    while (reader.next()) {
      if (reader.field === 1 && reader.wire === VARINT) type = this.#tables.text(reader.signed())
      if (reader.field === 2 && reader.wire === VARINT) unit = this.#tables.text(reader.signed())
    }
    return [type, unit]
  }

  #readHead(): Head {
    const reader = new ProtoReader(this.#bytes)
    let [startMs, durationMs, period, name] = [0, 0, 0, '']
    let periodType: readonly [string, string] = ['', '']
    while (reader.next()) {
      const { field, wire } = reader
      if (field === PROFILE.periodType && wire === LENGTH)
        periodType = this.#readValueType(reader.start, reader.stop)
      if (wire !== VARINT) continue
      if (field === PROFILE.timeNanos) startMs = reader.signed() < 0 ? 0 : wholeMs(reader)
      else if (field === PROFILE.durationNanos) durationMs = reader.signed() < 0 ? 0 : wholeMs(reader)
      else if (field === PROFILE.period) period = reader.signed()
      else if (field === OURS) name = this.#tables.text(reader.signed())
    }
    if (period < 0 || period > Number.MAX_SAFE_INTEGER)
      throw new RequestRefused(`the period is ${period}; allowed are 0 to 2^53`)
    return { startMs, durationMs, periodType, period, name }
  }

  /** The columns to keep, in the file's order. */
  #columnsOf(types: readonly (readonly [string, string])[], head: Head): readonly Column[] {
    const seen = new Set<string>()
    const hasCpu = types.some(([type, unit]) => type === CPU.sampleType && unit === CPU.sampleUnit)
    const columns: Column[] = []
    types.forEach((words, index) => {
      try {
        const name = head.name || (this.#options.name ?? '')
        const sent = typeOfColumn({ words, period: head.periodType, name })
        const { type, scale } = storedType(sent, head.period)
        if (hasCpu && printProfileType(sent) === printProfileType(CPU_SAMPLES)) return // the same time twice
        const id = printProfileType(type)
        if (seen.has(id)) this.#warnings.push(`${wordsOf(type)} stands there twice; the first is taken`)
        if (seen.has(id)) return
        seen.add(id)
        const isPeriodOwn = head.periodType[0] === type.periodType && head.periodType[1] === type.periodUnit
        columns.push({
          index,
          type,
          period: isPeriodOwn ? head.period : 0,
          scale,
          stack: uint32Column(),
          labelSet: uint32Column(),
          value: float64Column(),
          refusal: undefined,
        })
      } catch (error) {
        if (!(error instanceof ProfileRefused)) throw error
        this.#warnings.push(error.message)
      }
    })
    return columns
  }

  #readSamples(typeCount: number, columns: readonly Column[]): void {
    const { start, stop, length } = this.#tables.samples
    const most = this.#options.limits.samplesMax
    if (length > most)
      throw new RequestRefused(
        `the profile has ${grouped(length)} samples; allowed are ${grouped(most)} (limits.samplesMax): record less in one file or raise it`,
      )
    const reader = new ProtoReader(this.#bytes, 0, 0)
    const values = new Float64Array(typeCount)
    for (let sample = 0; sample < length; sample++) {
      reader.enter(start.at(sample), stop.at(sample))
      let count = 0
      const labels: { readonly start: number; readonly stop: number }[] = []
      while (reader.next()) {
        if (reader.field === SAMPLE.location)
          reader.eachVarint(() => {
            this.#tables.countRows(1)
            this.#stacks.push(this.#tables.locationRow(reader))
          })
        else if (reader.field === SAMPLE.value)
          reader.eachVarint(() => {
            if (count < typeCount) values[count] = reader.signed()
            count++
          })
        else if (reader.field === SAMPLE.label && reader.wire === LENGTH) {
          if (labels.length < SAMPLE_LABELS_MAX) labels.push({ start: reader.start, stop: reader.stop })
          else this.#cut.add('sample_labels')
        }
      }
      if (count !== typeCount)
        throw new RequestRefused(
          `sample ${sample + 1} has ${grouped(count)} values, the profile ${typeCount} sample types; they must be as many`,
        )
      this.#stacks.end()
      this.#append(columns, { values, sample, labelSet: this.#labelSet(labels) })
    }
  }

  #append(
    columns: readonly Column[],
    row: { readonly values: Float64Array; readonly sample: number; readonly labelSet: number },
  ): void {
    for (const column of columns) {
      const value = row.values[column.index]! * column.scale
      if (value === 0) continue
      if (!(value > 0 && value <= Number.MAX_SAFE_INTEGER))
        column.refusal ??= `sample ${row.sample + 1} has the value ${value}; allowed are 0 to 2^53`
      column.stack.push(row.sample)
      column.labelSet.push(row.labelSet)
      column.value.push(value)
    }
  }

  #labelSet(messages: readonly { readonly start: number; readonly stop: number }[]): number {
    const { labels: given, limits, sampleLabels = false } = this.#options
    if (!sampleLabels && messages.length > 0) this.#cut.add('sample_labels', messages.length)
    let labels = given
    if (sampleLabels && messages.length > 0) {
      const own = messages.map((message) => this.#readLabel(message)).filter((pair) => pair !== undefined)
      labels = labelsOf([...own, ...given])
      if (labels.length > limits.labelNames) {
        this.#cut.add('label_names', labels.length - limits.labelNames)
        const isGiven = ([name]: readonly [string, string]) => given.some(([other]) => other === name)
        labels = labelsOf([...given, ...labels.filter((pair) => !isGiven(pair))].slice(0, limits.labelNames))
      }
    }
    const text = labelsText(labels)
    const known = this.#labelSetIds.get(text)
    if (known !== undefined) return known
    const id = this.#labelSets.push(labels) - 1
    this.#labelSetIds.set(text, id)
    return id
  }

  /** A label of text; undefined for a number, and for names that are ours to give. */
  #readLabel({
    start,
    stop,
  }: {
    readonly start: number
    readonly stop: number
  }): readonly [string, string] | undefined {
    const reader = new ProtoReader(this.#bytes, start, stop)
    let [name, value] = ['', '']
    while (reader.next()) {
      if (reader.wire !== VARINT) continue
      if (reader.field === LABEL.key) name = this.#tables.text(reader.signed())
      if (reader.field === LABEL.text) value = this.#tables.text(reader.signed())
    }
    if (name.startsWith('__')) this.#cut.add('label_reserved')
    else if (name === '' || value === '') this.#cut.add('sample_labels')
    else {
      this.#checkLength(name, 'labelNameBytes')
      this.#checkLength(value, 'labelValueBytes')
      return [name, value]
    }
    return undefined
  }

  #checkLength(text: string, key: 'labelNameBytes' | 'labelValueBytes'): void {
    const [bytes, most] = [new TextEncoder().encode(text).length, this.#options.limits[key]]
    if (bytes > most)
      throw new RequestRefused(
        `the label ${key === 'labelNameBytes' ? 'name' : 'value'} "${text.slice(0, 40)}…" has ${grouped(bytes)} bytes; allowed are ${grouped(most)} (limits.${key})`,
      )
  }

  #timeOf({ startMs }: Head): number {
    const { timeMs, receivedMs = 0 } = this.#options
    if (timeMs !== undefined) return timeMs
    if (startMs >= YEAR_2000_MS) return startMs
    this.#warnings.push('the profile says no time (0 or before 2000)')
    return receivedMs
  }

  #finishProfiles(columns: readonly Column[], head: Head): readonly Profile[] {
    const timeMs = this.#timeOf(head)
    const { table, nodeOf } = this.#stacks.finish()
    const tables = this.#tables.finish()
    return columns.map(({ type, period, stack, labelSet, value }) => ({
      type,
      period,
      timeMs,
      durationMs: head.durationMs,
      ...tables,
      stacks: table,
      labelSets: this.#labelSets,
      samples: {
        stack: stack.finish().map((sample) => nodeOf[sample]!),
        labelSet: labelSet.finish(),
        value: value.finish(),
        timeMs: new Float64Array(stack.length).fill(timeMs),
      },
    }))
  }
}

const wordsOf = ({ sampleType, sampleUnit }: ProfileType): string => `${sampleType}/${sampleUnit}`

// How often was each stack seen, and when? One Sample after the other becomes rows: (stack, label set, value, window).

import { float64Column, type GrowingColumn, uint32Column } from '../model/growing-column.ts'
import type { ProfileType } from '../model/profile-type.ts'
import type { SampleLayout } from './otlp-layout.ts'
import type { OtlpStacks } from './otlp-stacks.ts'
import { ProtoReader, VARINT } from './proto-reader.ts'
import { grouped, ProfileRefused, type WireLimits } from './wire-limits.ts'
import type { WireTexts } from './wire-texts.ts'

/** Timestamped samples are counted in windows of this length. */
export const WINDOW_MS = 10_000
/** No profiler is older; senders that know no time send 0 (OTel profiler #861, #997). */
export const YEAR_2000_MS = Date.UTC(2000)
const ATTRIBUTES_MAX = 128 // of one sample; OTel's SDKs allow 128 on anything

/** Rows of one (type, period). `stack` holds OTLP indexes until all stacks are known. */
export class SampleRows {
  readonly type: ProfileType
  readonly period: number
  readonly stack = uint32Column()
  readonly labelSet = uint32Column()
  readonly value = float64Column()
  readonly timeMs = float64Column()
  startMs = Number.POSITIVE_INFINITY
  endMs = 0

  constructor(type: ProfileType, period: number) {
    this.type = type
    this.period = period
  }

  get length(): number {
    return this.stack.length
  }

  truncate(length: number): void {
    for (const column of [this.stack, this.labelSet, this.value, this.timeMs]) column.truncate(length)
  }

  /** Widens the time of the whole by the rows from `first` on, and by the profile's own time, if it has one. */
  cover(first: number, head: { readonly startMs: number; readonly durationMs: number } | undefined): void {
    for (let row = first; row < this.length; row++) {
      this.startMs = Math.min(this.startMs, this.timeMs.at(row))
      this.endMs = Math.max(this.endMs, this.timeMs.at(row))
    }
    if (head === undefined || this.length === first) return
    this.startMs = Math.min(this.startMs, head.startMs)
    this.endMs = Math.max(this.endMs, head.startMs + head.durationMs)
  }
}

/** Reads one sample at a time; its numbers stand in columns that are used again. */
export class SampleReader {
  readonly #reader: ProtoReader
  readonly #layout: SampleLayout
  readonly #texts: WireTexts
  readonly #stacks: OtlpStacks
  readonly #limits: WireLimits
  readonly #receivedMs: number
  readonly #values = float64Column()
  readonly #momentsMs = float64Column()
  #stack = 0
  /** Attribute row of the sample's `service.name`; 0: none. */
  service = 0

  constructor(
    bytes: Uint8Array,
    parts: {
      readonly layout: SampleLayout
      readonly texts: WireTexts
      readonly stacks: OtlpStacks
      readonly limits: WireLimits
      readonly receivedMs: number
    },
  ) {
    this.#reader = new ProtoReader(bytes, 0, 0)
    this.#layout = parts.layout
    this.#texts = parts.texts
    this.#stacks = parts.stacks
    this.#limits = parts.limits
    this.#receivedMs = parts.receivedMs
  }

  /** Reads the Sample of bytes [start, stop). Throws MalformedBytes, ProfileRefused. */
  read(start: number, stop: number): void {
    const reader = this.#reader
    reader.enter(start, stop)
    this.#values.truncate(0)
    this.#momentsMs.truncate(0)
    this.#stack = 0
    this.service = 0
    let attributes = 0
    while (reader.next()) {
      const { field, wire } = reader
      if (field === 1 && wire === VARINT) this.#stack = reader.signed()
      else if (field === this.#layout.values)
        reader.eachVarint(() => this.#push(this.#values, reader.signed()))
      else if (field === 5) reader.eachFixed64(() => this.#push(this.#momentsMs, wholeMs(reader)))
      else if (field === this.#layout.attributes)
        reader.eachVarint(() => this.#readAttribute(reader.signed(), ++attributes))
    }
    if (!this.#stacks.isGood(this.#stack)) throw outOfRange('stack', this.#stack)
    const [values, moments] = [this.#values.length, this.#momentsMs.length]
    if (values > 0 && moments > 0 && values !== moments)
      throw new ProfileRefused(
        'values_and_timestamps_differ',
        `a sample has ${values} values and ${moments} timestamps; they must be as many`,
      )
  }

  /** Does the sample count anything? A legal one does. */
  get isEmpty(): boolean {
    return this.#values.length === 0 && this.#momentsMs.length === 0
  }

  /** Appends the sample just read: its sum at `timeMs`, or, with timestamps, a row per run of equal windows.
   *  out  true if a time was missing and the time of receipt took its place
   *  throws ProfileRefused for values below 0 and sums beyond 2^53 */
  append(to: {
    readonly rows: SampleRows
    readonly labelSet: number
    /** The profile's time, undefined if it has none. */
    readonly timeMs: number | undefined
  }): boolean {
    const [values, moments] = [this.#values, this.#momentsMs]
    const isTimed = moments.length > 0
    let isReplaced = !isTimed && to.timeMs === undefined
    let windowMs = to.timeMs ?? this.#receivedMs
    let sum = 0
    const count = Math.max(values.length, moments.length)
    for (let i = 0; i < count; i++) {
      const value = values.length === 0 ? 1 : values.at(i)
      if (value < 0)
        throw new ProfileRefused('value_negative', `a sample has the value ${value}; allowed are 0 to 2^53`)
      if (isTimed) {
        const hasTime = moments.at(i) >= YEAR_2000_MS
        if (!hasTime) isReplaced = true
        const moment = hasTime ? moments.at(i) : this.#receivedMs
        const next = moment - (moment % WINDOW_MS)
        if (i > 0 && next !== windowMs) {
          this.#appendRow(to, sum, windowMs)
          sum = 0
        }
        windowMs = next
      }
      sum += value
    }
    this.#appendRow(to, sum, windowMs)
    return isReplaced
  }

  #appendRow(
    to: { readonly rows: SampleRows; readonly labelSet: number },
    sum: number,
    timeMs: number,
  ): void {
    if (sum > Number.MAX_SAFE_INTEGER)
      throw new ProfileRefused('value_too_large', `a sample has the value ${sum}; allowed are 0 to 2^53`)
    to.rows.stack.push(this.#stack)
    to.rows.labelSet.push(to.labelSet)
    to.rows.value.push(sum)
    to.rows.timeMs.push(timeMs)
  }

  #push(column: GrowingColumn<Float64Array>, number: number): void {
    const most = this.#limits.samplesMax
    if (column.length >= most)
      throw new ProfileRefused(
        'samples_max',
        `one sample has more than ${grouped(most)} values or timestamps (limits.samplesMax); send shorter windows or raise it`,
        'samplesMax',
      )
    column.push(number)
  }

  #readAttribute(index: number, count: number): void {
    if (count > ATTRIBUTES_MAX)
      throw new ProfileRefused('sample_attributes', `a sample has more than ${ATTRIBUTES_MAX} attributes`)
    if (!this.#texts.hasAttribute(index)) throw outOfRange('attribute', index)
    if (this.#texts.attributeKey(index) === 'service.name') this.service = index
  }
}

/** The nanoseconds just read as milliseconds, floored exactly: 2^32 = 4294 · 10^6 + 967296. */
export function wholeMs(reader: ProtoReader): number {
  return reader.high * 4294 + Math.floor((reader.high * 967_296 + reader.low) / 1e6)
}

export function outOfRange(table: string, index: number): ProfileRefused {
  return new ProfileRefused(
    'index_out_of_range',
    `a profile points at ${table} ${index}, which does not exist or points outside its own tables`,
  )
}

// What did this OTLP request send? Bytes of any version from 1.8 to 1.11 become Profiles that share one set of tables, one
// per (type, period), and the accounting of the agents among the senders. What is wrong is refused by profile, under a
// reason, and the rest of the request stays.
import type { AgentReport } from '../model/accounting.ts'
import { type Labels, labelsText } from '../model/labels.ts'
import type { Profile } from '../model/profile.ts'
import { type ProfileType, printProfileType } from '../model/profile-type.ts'
import { failure, type Result, success } from '../model/result.ts'
import { OtlpDictionary } from './otlp-dictionary.ts'
import { type Attributes, labelsOfResource } from './otlp-labels.ts'
import { LAYOUT_1_9, pickLayout, type SampleLayout } from './otlp-layout.ts'
import { isReport, reportFromAttributes } from './otlp-report.ts'
import { outOfRange, SampleReader, SampleRows, wholeMs, YEAR_2000_MS } from './otlp-samples.ts'
import { OtlpStacks } from './otlp-stacks.ts'
import { typeOf } from './otlp-types.ts'
import { LENGTH, MalformedBytes, ProtoReader, VARINT } from './proto-reader.ts'
import {
  type Cut,
  grouped,
  ProfileRefused,
  type Rejected,
  RequestRefused,
  Tally,
  type WireLimits,
} from './wire-limits.ts'
import type { AttributeValue, WireTexts } from './wire-texts.ts'

export interface OtlpRequest {
  /** One per (type, period); all share strings, functions, mappings, locations, lines, stacks and label sets. */
  readonly profiles: readonly Profile[]
  readonly agents: readonly AgentReport[]
  readonly rejected: readonly Rejected[]
  readonly cut: readonly Cut[]
  /** Sentences about what was taken although it was odd. */
  readonly warnings: readonly string[]
}
export interface OtlpOptions {
  readonly limits: WireLimits
  /** Stands in for times that a sender left out. */
  readonly receivedMs: number
}

/** The scope name our encoder writes: all attributes of its resources are labels. */
export const OUR_SCOPE = 'flametrail'
/** Profile attribute that carries the name of a profile type where OTLP has no field for it. */
export const PROFILE_NAME_ATTRIBUTE = 'flametrail.profile.name'
const RESOURCE_ATTRIBUTES_MAX = 1_024 // OTel's SDKs allow 128

/** Decodes an `ExportProfilesServiceRequest`.
 *  in   bytes   inflated body; the caller bounds its length
 *  out  each timestamp counts 1 (or its value) in the 10 s window it falls into; values without timestamps stand at the
 *       profile's time; rows of one stack may repeat
 *  errors  bytes that are no such message (with their position), 1.7 and older, limits.profilesPerRequest, .tableEntries
 *  cost    a few passes over the bytes; memory some 30 bytes for each row of the tables and of the samples */
export function decodeOtlpProfiles(bytes: Uint8Array, options: OtlpOptions): Result<OtlpRequest> {
  return decodeInLayout(bytes, { ...options, layout: undefined })
}

/** The same for a known layout; `undefined` looks for it. */
export function decodeInLayout(
  bytes: Uint8Array,
  { layout, ...options }: OtlpOptions & { readonly layout: SampleLayout | undefined },
): Result<OtlpRequest> {
  try {
    return success(new RequestDecoder(bytes, layout ?? pickLayout(bytes), options).decode())
  } catch (error) {
    if (error instanceof MalformedBytes)
      return failure(`not an OTLP profiles request: ${error.message}`, error.position)
    if (error instanceof RequestRefused) return failure(error.message)
    throw error
  }
}

interface Resource {
  readonly attributes: Attributes
  /** Label set by the attribute row of a sample's `service.name`; 0: none. */
  readonly labelSets: Map<number, number>
}

class RequestDecoder {
  readonly #bytes: Uint8Array
  readonly #layout: SampleLayout
  readonly #limits: WireLimits
  readonly #cut = new Tally()
  readonly #dictionary: OtlpDictionary
  readonly #texts: WireTexts
  readonly #stacks: OtlpStacks
  readonly #sample: SampleReader
  readonly #rowsOf = new Map<string, SampleRows>()
  readonly #labelSets: Labels[] = []
  readonly #labelSetIds = new Map<string, number>()
  readonly #rejected = new Map<string, Rejected>()
  readonly #agents: AgentReport[] = []
  readonly #warnings: string[] = []
  #profiles = 0
  #withoutTime = 0
  #withoutValue = 0

  constructor(bytes: Uint8Array, layout: SampleLayout, { limits, receivedMs }: OtlpOptions) {
    this.#bytes = bytes
    this.#layout = layout
    this.#limits = limits
    this.#dictionary = new OtlpDictionary(bytes, { limits, cut: this.#cut })
    this.#texts = this.#dictionary.texts
    this.#stacks = new OtlpStacks(bytes, { dictionary: this.#dictionary, limits, cut: this.#cut })
    this.#sample = new SampleReader(bytes, {
      layout,
      texts: this.#texts,
      stacks: this.#stacks,
      limits,
      receivedMs,
    })
  }

  decode(): OtlpRequest {
    const request = new ProtoReader(this.#bytes)
    while (request.next()) {
      if (request.field === 1 || request.field === 2) request.needLength()
      if (request.field !== 1) continue
      this.#dictionary.countRows(1)
      this.#readResourceProfiles(request.start, request.stop)
    }
    return {
      profiles: this.#finishProfiles(),
      agents: this.#agents,
      rejected: [...this.#rejected.values()],
      cut: this.#cut.list(),
      warnings: this.#finishWarnings(),
    }
  }

  #readResourceProfiles(start: number, stop: number): void {
    const reader = new ProtoReader(this.#bytes, start, stop)
    const attributes = new Map<string, AttributeValue>()
    while (reader.next())
      if (reader.field === 1 && reader.wire === LENGTH)
        this.#readAttributes(new ProtoReader(this.#bytes, reader.start, reader.stop), attributes)
    if (isReport(attributes)) {
      const report = reportFromAttributes(attributes)
      if (typeof report === 'string') this.#warnings.push(report)
      else this.#agents.push(report)
    }
    reader.enter(start, stop)
    while (reader.next())
      if (reader.field === 2 && reader.wire === LENGTH)
        this.#readScopeProfiles({ start: reader.start, stop: reader.stop, attributes })
  }

  #readAttributes(resource: ProtoReader, attributes: Map<string, AttributeValue>): void {
    const pair = new ProtoReader(this.#bytes, 0, 0)
    while (resource.next()) {
      if (resource.field !== 1 || resource.wire !== LENGTH) continue
      if (attributes.size >= RESOURCE_ATTRIBUTES_MAX) {
        this.#cut.add('resource_attributes')
        continue
      }
      pair.enter(resource.start, resource.stop)
      let key = ''
      let value: AttributeValue | undefined
      while (pair.next()) {
        if (pair.field === 1 && pair.wire === LENGTH) key = this.#texts.inlineText(pair.start, pair.stop)
        if (pair.field === 3 && pair.wire === VARINT) key = this.#texts.text(pair.signed()) || key
        if (pair.field === 2 && pair.wire === LENGTH) value = this.#texts.anyValue(pair.start, pair.stop)
      }
      if (key !== '' && value !== undefined) attributes.set(key, value)
    }
  }

  #readScopeProfiles({
    start,
    stop,
    attributes,
  }: {
    readonly start: number
    readonly stop: number
    readonly attributes: Attributes
  }): void {
    const reader = new ProtoReader(this.#bytes, start, stop)
    let isOurs = false
    while (reader.next()) {
      if (reader.field !== 1 || reader.wire !== LENGTH) continue
      const scope = new ProtoReader(this.#bytes, reader.start, reader.stop)
      while (scope.next())
        if (scope.field === 1 && scope.wire === LENGTH)
          isOurs = this.#texts.inlineText(scope.start, scope.stop) === OUR_SCOPE
    }
    const resource: Resource = { attributes, labelSets: new Map() }
    reader.enter(start, stop)
    while (reader.next()) {
      if (reader.field !== 2 || reader.wire !== LENGTH) continue
      const most = this.#limits.profilesPerRequest
      if (++this.#profiles > most)
        throw new RequestRefused(
          `the request has more than ${grouped(most)} profiles (limits.profilesPerRequest); send smaller batches or raise it`,
        )
      this.#readProfile({ start: reader.start, stop: reader.stop, resource, isOurs })
    }
  }

  /** Appends a profile's samples to the rows of its type, or takes them back and counts why. */
  #readProfile(profile: {
    readonly start: number
    readonly stop: number
    readonly resource: Resource
    readonly isOurs: boolean
  }): void {
    let rows: SampleRows | undefined
    let length = 0
    try {
      const head = this.#readHead(profile)
      rows = this.#rowsFor(head.type, head.period)
      length = rows.length
      this.#readSamples({ ...profile, head, rows })
    } catch (error) {
      if (!(error instanceof ProfileRefused)) throw error
      rows?.truncate(length)
      const { reason, message, key } = error
      const before = this.#rejected.get(reason)
      const first = before ?? { reason, message, ...(key === undefined ? {} : { key }) }
      this.#rejected.set(reason, { ...first, count: (before?.count ?? 0) + 1 })
    }
  }

  #readHead({
    start,
    stop,
    isOurs,
  }: {
    readonly start: number
    readonly stop: number
    readonly isOurs: boolean
  }) {
    const reader = new ProtoReader(this.#bytes, start, stop)
    let [startMs, durationMs, period, name] = [0, 0, 0, '']
    let sampleType: readonly [string, string] = ['', '']
    let periodType: readonly [string, string] = ['', '']
    while (reader.next()) {
      const { field, wire } = reader
      if (field === 1 && wire === LENGTH) sampleType = this.#readValueType(reader.start, reader.stop)
      else if (field === 3 && wire !== LENGTH) startMs = wholeMs(reader)
      else if (field === 4 && wire === VARINT) durationMs = wholeMs(reader)
      else if (field === 5 && wire === LENGTH) periodType = this.#readValueType(reader.start, reader.stop)
      else if (field === 6 && wire === VARINT) period = reader.signed()
      // Field 11 holds other things before 1.9, and names are ours alone.
      else if (field === 11 && isOurs)
        reader.eachVarint(() => {
          name = this.#profileName(reader.signed()) || name
        })
    }
    if (period < 0 || period > Number.MAX_SAFE_INTEGER)
      throw new ProfileRefused('period', `the period is ${period}; allowed are 0 to 2^53`)
    return { type: typeOf({ sampleType, periodType, name }), period, startMs, durationMs }
  }

  #profileName(attribute: number): string {
    if (!this.#texts.hasAttribute(attribute)) return ''
    if (this.#texts.attributeKey(attribute) !== PROFILE_NAME_ATTRIBUTE) return ''
    return this.#texts.attributeValue(attribute)?.text ?? ''
  }

  #readValueType(start: number, stop: number): readonly [string, string] {
    const reader = new ProtoReader(this.#bytes, start, stop)
    let [type, unit] = [0, 0]
    while (reader.next()) {
      if (reader.field === 1 && reader.wire === VARINT) type = reader.signed()
      if (reader.field === 2 && reader.wire === VARINT) unit = reader.signed()
    }
    return [this.#needText(type), this.#needText(unit)]
  }

  #needText(index: number): string {
    const text = this.#texts.text(index)
    if (text === undefined) throw outOfRange('string', index)
    return text
  }

  #rowsFor(type: ProfileType, period: number): SampleRows {
    const key = `${printProfileType(type)} ${period}`
    const known = this.#rowsOf.get(key)
    if (known !== undefined) return known
    const rows = new SampleRows(type, period)
    this.#rowsOf.set(key, rows)
    return rows
  }

  #readSamples({
    start,
    stop,
    resource,
    isOurs,
    head,
    rows,
  }: {
    readonly start: number
    readonly stop: number
    readonly resource: Resource
    readonly isOurs: boolean
    readonly head: { readonly startMs: number; readonly durationMs: number }
    readonly rows: SampleRows
  }): void {
    const hasTime = head.startMs >= YEAR_2000_MS
    const timeMs = hasTime ? head.startMs : undefined
    const first = rows.length
    const most = this.#limits.samplesMax
    const reader = new ProtoReader(this.#bytes, start, stop)
    let [samples, isTimeMissing] = [0, false]
    while (reader.next()) {
      if (reader.field !== 2) continue
      reader.needLength()
      if (++samples > most || rows.length - first > most)
        throw new ProfileRefused(
          'samples_max',
          `the profile has more than ${grouped(most)} samples (limits.samplesMax); send shorter windows or raise it`,
          'samplesMax',
        )
      this.#sample.read(reader.start, reader.stop)
      const labelSet = this.#labelSet(resource, this.#sample.service, isOurs)
      if (this.#sample.isEmpty) this.#withoutValue++
      else if (this.#sample.append({ rows, labelSet, timeMs })) isTimeMissing = true
    }
    if (isTimeMissing) this.#withoutTime++
    rows.cover(first, hasTime ? head : undefined)
  }

  #labelSet(resource: Resource, serviceAttribute: number, isOurs: boolean): number {
    const known = resource.labelSets.get(serviceAttribute)
    if (known !== undefined) return known
    const sent = serviceAttribute === 0 ? undefined : this.#texts.attributeValue(serviceAttribute)
    const labels = labelsOfResource(resource.attributes, {
      isOurs,
      service: sent,
      limits: this.#limits,
      cut: this.#cut,
    })
    const text = labelsText(labels)
    let id = this.#labelSetIds.get(text)
    if (id === undefined) {
      id = this.#labelSets.push(labels) - 1
      this.#labelSetIds.set(text, id)
    }
    resource.labelSets.set(serviceAttribute, id)
    return id
  }

  #finishProfiles(): readonly Profile[] {
    const { table, nodeOf } = this.#stacks.finish()
    const tables = this.#dictionary.finish()
    return [...this.#rowsOf.values()]
      .filter(({ length }) => length > 0)
      .map((rows) => ({
        type: rows.type,
        period: rows.period,
        timeMs: rows.startMs,
        durationMs: rows.endMs - rows.startMs,
        ...tables,
        stacks: table,
        labelSets: this.#labelSets,
        samples: {
          stack: rows.stack.finish().map((index) => nodeOf[index]!),
          labelSet: rows.labelSet.finish(),
          value: rows.value.finish(),
          timeMs: rows.timeMs.finish(),
        },
      }))
  }

  #finishWarnings(): readonly string[] {
    const warnings = [...this.#warnings.slice(0, 10)]
    if (this.#layout === LAYOUT_1_9)
      warnings.push('the request is in the layout of OTLP 1.8 or 1.9; update the sender to 1.10')
    if (this.#withoutTime > 0)
      warnings.push(
        `${this.#withoutTime} profiles without a time (0 or before 2000) were given the time of receipt (timestamp_missing)`,
      )
    if (this.#withoutValue > 0)
      warnings.push(`${this.#withoutValue} samples with neither values nor timestamps count nothing`)
    return warnings
  }
}

// How do profiles leave? As one OTLP request in the layout of 1.10 and later: one resource per label set, one Profile per
// window, one dictionary for all. The scope is named `flametrail`, which tells our decoder that every resource attribute
// is a label chosen on purpose; to any other OTLP backend it is a plain request. Field numbers: proto/otlp_profiles.proto.
import type { AgentReport } from '../model/accounting.ts'
import { NONE } from '../model/ids.ts'
import { type Labels, labelsText } from '../model/labels.ts'
import type { Profile } from '../model/profile.ts'
import { type ProfileType, printProfileType } from '../model/profile-type.ts'
import { OUR_SCOPE, PROFILE_NAME_ATTRIBUTE } from './otlp-decode.ts'
import { LABEL_OF_ATTRIBUTE } from './otlp-labels.ts'
import { reportToAttributes } from './otlp-report.ts'
import { WINDOW_MS } from './otlp-samples.ts'
import { typeOf } from './otlp-types.ts'
import { ProtoWriter } from './proto-writer.ts'

// Fields of ProfilesDictionary.
const MAPPINGS = 1
const LOCATIONS = 2
const FUNCTIONS = 3
const STRINGS = 5
const ATTRIBUTES = 6
const STACKS = 7
const TABLE_FIELDS = [MAPPINGS, LOCATIONS, FUNCTIONS, STRINGS, ATTRIBUTES, STACKS]
const ATTRIBUTE_OF_LABEL = new Map(Array.from(LABEL_OF_ATTRIBUTE, ([attribute, label]) => [label, attribute]))

/** Encodes profiles, and an agent's report if there is one, as an `ExportProfilesServiceRequest`.
 *  Values travel as whole numbers (rounded), times as whole milliseconds; equal samples of a window are added up; a
 *  profile without samples leaves nothing. Labels named `flametrail.…` other than by us do not come back.
 *  cost O(rows used) */
export function encodeOtlpProfiles({
  profiles,
  report,
}: {
  readonly profiles: readonly Profile[]
  readonly report?: AgentReport | undefined
}): Uint8Array {
  const request = new ProtoWriter()
  // The rows of one profile differ from each other, as its builder made them: only several can bring the same row twice.
  const dictionary = profiles.length === 1 ? new DictionaryWriter(false) : new DictionaryWriter(true)
  for (const { labels, windows } of groupByLabels(profiles, dictionary))
    request.message(1, () => {
      const attributes = labels.map(([name, value]) => [ATTRIBUTE_OF_LABEL.get(name) ?? name, value] as const)
      writeResource(request, attributes)
      request.message(2, () => {
        request.message(1, () => request.text(1, OUR_SCOPE))
        for (const { rows, timeMs, durationMs, sums } of windows)
          request.message(2, () => rows.writeProfile(request, { timeMs, durationMs, sums }))
      })
    })
  if (report !== undefined) request.message(1, () => writeResource(request, reportToAttributes(report)))
  request.message(2, () => dictionary.writeTables(request))
  return request.finish()
}

function writeResource(
  writer: ProtoWriter,
  attributes: readonly (readonly [string, string | number])[],
): void {
  writer.message(1, () => {
    for (const [key, value] of attributes)
      writer.message(1, () => {
        writer.text(1, key)
        writer.message(2, () => writeAnyValue(writer, value))
      })
  })
}

function writeAnyValue(writer: ProtoWriter, value: string | number): void {
  if (typeof value === 'string') writer.text(1, value)
  else if (Number.isSafeInteger(value) && value > 0) writer.unsigned(3, value)
  else writer.double(4, value) // also 0, which `unsigned` would leave out
}

/** Stack → sum. */
type Sums = Map<number, number>
interface Window {
  readonly rows: ProfileRows
  readonly timeMs: number
  readonly durationMs: number
  readonly sums: Sums
}

function groupByLabels(
  profiles: readonly Profile[],
  dictionary: DictionaryWriter,
): Iterable<{ readonly labels: Labels; readonly windows: Window[] }> {
  const resources = new Map<string, { readonly labels: Labels; readonly windows: Window[] }>()
  for (const profile of profiles) {
    const rows = new ProfileRows(profile, dictionary)
    for (const [labelSet, windows] of sumsByWindow(profile)) {
      const labels = profile.labelSets[labelSet]!
      const text = labelsText(labels)
      const resource = resources.get(text) ?? { labels, windows: [] }
      resources.set(text, resource)
      for (const [timeMs, sums] of windows)
        resource.windows.push({ rows, timeMs, durationMs: windowLength(profile, timeMs, windows.size), sums })
    }
  }
  return resources.values()
}

/** Label set → window → stack → sum. */
function sumsByWindow({ samples }: Profile): Map<number, Map<number, Sums>> {
  const groups = new Map<number, Map<number, Sums>>()
  for (let i = 0; i < samples.stack.length; i++) {
    const windows = childMap(groups, samples.labelSet[i]!)
    const sums = childMap(windows, Math.round(samples.timeMs[i]!))
    const stack = samples.stack[i]!
    sums.set(stack, (sums.get(stack) ?? 0) + samples.value[i]!)
  }
  return groups
}

function childMap<K, V>(parents: Map<number, Map<K, V>>, key: number): Map<K, V> {
  const known = parents.get(key)
  if (known !== undefined) return known
  const fresh = new Map<K, V>()
  parents.set(key, fresh)
  return fresh
}

/** A profile of one window lasts as long as the profile, one of several as long as a window. */
function windowLength(profile: Profile, timeMs: number, windows: number): number {
  const rest = Math.max(0, profile.timeMs + profile.durationMs - timeMs)
  return Math.round(windows === 1 ? rest : Math.min(WINDOW_MS, rest))
}

/** Interns the rows of all profiles, each table written as it grows; row 0 of each is "none". */
class DictionaryWriter {
  readonly #isShared: boolean
  readonly #tables: { readonly writer: ProtoWriter; rows: number }[] = [] // by field
  readonly #strings = new Map<string, number>([['', 0]])
  readonly #rows = new Map<string, number>()
  #rowStart = 0

  /** in  isShared  whether equal rows may come twice, and are looked for */
  constructor(isShared: boolean) {
    this.#isShared = isShared
    for (const field of TABLE_FIELDS) {
      const writer = new ProtoWriter()
      writer.end(writer.begin(field))
      this.#tables[field] = { writer, rows: 1 }
    }
  }

  string(text: string): number {
    const known = this.#strings.get(text)
    if (known !== undefined) return known
    const table = this.#tables[STRINGS]!
    table.writer.text(STRINGS, text)
    this.#strings.set(text, table.rows)
    return table.rows++
  }

  attribute(key: string, value: string): number {
    const keyId = this.string(key)
    const name = `${ATTRIBUTES} ${keyId} ${value}`
    const known = this.#rows.get(name)
    if (known !== undefined) return known
    const writer = this.begin(ATTRIBUTES)
    writer.unsigned(1, keyId)
    writer.message(2, () => writer.text(1, value))
    const row = this.end(ATTRIBUTES)
    this.#rows.set(name, row)
    return row
  }

  /** A row of a table: write its fields, then ask `end` for its index. Nothing may be interned in between. */
  begin(field: number): ProtoWriter {
    const { writer } = this.#tables[field]!
    this.#rowStart = writer.begin(field)
    return writer
  }

  end(field: number): number {
    const table = this.#tables[field]!
    table.writer.end(this.#rowStart)
    return table.rows++
  }

  /** in  key  made only where equal rows may come twice.  out  the index of the row that is there already, or -1: the
   *           caller writes it now */
  find(field: number, key: () => string): number {
    if (!this.#isShared) return -1
    const name = `${field} ${key()}`
    const known = this.#rows.get(name)
    if (known !== undefined) return known
    this.#rows.set(name, this.#tables[field]!.rows)
    return -1
  }

  writeTables(writer: ProtoWriter): void {
    for (const field of TABLE_FIELDS) writer.append(this.#tables[field]!.writer)
  }
}

/** One profile's rows as rows of the dictionary, each turned over once and only when a sample needs it. */
class ProfileRows {
  readonly #profile: Profile
  readonly #dictionary: DictionaryWriter
  readonly #kinds = new Map<number, readonly number[]>()
  // Row of the profile → row of the dictionary; -1: not yet.
  readonly #strings: Int32Array
  readonly #functions: Int32Array
  readonly #mappings: Int32Array
  readonly #locations: Int32Array
  readonly #stacks: Int32Array

  constructor(profile: Profile, dictionary: DictionaryWriter) {
    this.#profile = profile
    this.#dictionary = dictionary
    const rows = (count: number) => new Int32Array(count).fill(-1)
    this.#strings = rows(profile.strings.length)
    this.#functions = rows(profile.functions.name.length)
    this.#mappings = rows(profile.mappings.file.length)
    this.#locations = rows(profile.locations.mapping.length)
    this.#stacks = rows(profile.stacks.parent.length)
  }

  writeProfile(
    writer: ProtoWriter,
    {
      timeMs,
      durationMs,
      sums,
    }: { readonly timeMs: number; readonly durationMs: number; readonly sums: Sums },
  ): void {
    const { type, period } = this.#profile
    this.#writeValueType(writer, 1, [type.sampleType, type.sampleUnit])
    for (const [stack, sum] of sums) {
      const index = this.#stack(stack)
      const start = writer.begin(2)
      writer.unsigned(1, index)
      writer.packed(4, [Math.round(sum)])
      writer.end(start)
    }
    const startNs = BigInt(timeMs) * 1_000_000n
    writer.fixed64(3, Number(startNs >> 32n), Number(startNs & 0xffff_ffffn))
    writer.unsigned(4, durationMs * 1_000_000) // exact to 104 days
    this.#writeValueType(writer, 5, [type.periodType, type.periodUnit])
    writer.unsigned(6, Math.round(period))
    if (needsName(type)) writer.packed(11, [this.#dictionary.attribute(PROFILE_NAME_ATTRIBUTE, type.name)])
  }

  #writeValueType(writer: ProtoWriter, field: number, words: readonly [string, string]): void {
    const [type, unit] = [this.#dictionary.string(words[0]), this.#dictionary.string(words[1])]
    writer.message(field, () => {
      writer.unsigned(1, type)
      writer.unsigned(2, unit)
    })
  }

  #stack(stack: number): number {
    if (this.#stacks[stack] === -1) this.#stacks[stack] = this.#writeStack(stack)
    return this.#stacks[stack]!
  }

  #writeStack(stack: number): number {
    const { parent, location } = this.#profile.stacks
    const path: number[] = []
    for (let node = stack; node !== 0; node = parent[node]!) path.push(this.#location(location[node]!))
    if (path.length === 0) return 0
    const known = this.#dictionary.find(STACKS, () => path.join(' '))
    if (known !== -1) return known
    this.#dictionary.begin(STACKS).packed(1, path)
    return this.#dictionary.end(STACKS)
  }

  #location(row: number): number {
    if (this.#locations[row] === -1) this.#locations[row] = this.#writeLocation(row)
    return this.#locations[row]!
  }

  #writeLocation(row: number): number {
    const { locations, lines } = this.#profile
    const mapping = this.#mapping(locations.mapping[row]!)
    const [high, low] = [locations.addressHigh[row]!, locations.addressLow[row]!]
    const attributes = this.#kind(locations.kind[row]!)
    const calls: number[] = [] // function, line, function, line, …
    for (let i = locations.lineStart[row]!; i < locations.lineStart[row + 1]!; i++)
      calls.push(this.#function(lines.function[i]!), lines.line[i]!)
    const key = () => `${mapping} ${high} ${low} ${attributes} ${calls}`
    const known = this.#dictionary.find(LOCATIONS, key)
    if (known !== -1) return known
    const writer = this.#dictionary.begin(LOCATIONS)
    writer.unsigned(1, mapping)
    writer.varint64(2, high, low)
    for (let i = 0; i < calls.length; i += 2) {
      const start = writer.begin(3)
      writer.unsigned(1, calls[i]!)
      writer.unsigned(2, calls[i + 1]!)
      writer.end(start)
    }
    writer.packed(4, attributes)
    return this.#dictionary.end(LOCATIONS)
  }

  /** The attributes of locations of a kind of frame: one, or none. */
  #kind(text: number): readonly number[] {
    const known = this.#kinds.get(text)
    if (known !== undefined) return known
    const kind = this.#profile.strings[text]!
    const attributes = kind === '' ? [] : [this.#dictionary.attribute('profile.frame.type', kind)]
    this.#kinds.set(text, attributes)
    return attributes
  }

  #mapping(row: number): number {
    if (row === NONE) return 0
    if (this.#mappings[row] === -1) this.#mappings[row] = this.#writeMapping(row)
    return this.#mappings[row]!
  }

  #writeMapping(row: number): number {
    const { mappings, strings } = this.#profile
    const file = this.#string(mappings.file[row]!)
    const buildId = strings[mappings.buildId[row]!]!
    const attributes =
      buildId === '' ? [] : [this.#dictionary.attribute('process.executable.build_id.gnu', buildId)]
    const known = this.#dictionary.find(MAPPINGS, () => `${file} ${attributes}`)
    if (known !== -1) return known
    const writer = this.#dictionary.begin(MAPPINGS)
    writer.unsigned(4, file)
    writer.packed(5, attributes)
    return this.#dictionary.end(MAPPINGS)
  }

  #function(row: number): number {
    if (this.#functions[row] === -1) this.#functions[row] = this.#writeFunction(row)
    return this.#functions[row]!
  }

  #writeFunction(row: number): number {
    const { functions } = this.#profile
    const name = this.#string(functions.name[row]!)
    const systemName = this.#string(functions.systemName[row]!)
    const file = this.#string(functions.file[row]!)
    const startLine = functions.startLine[row]!
    const known = this.#dictionary.find(FUNCTIONS, () => `${name} ${systemName} ${file} ${startLine}`)
    if (known !== -1) return known
    const writer = this.#dictionary.begin(FUNCTIONS)
    writer.unsigned(1, name)
    writer.unsigned(2, systemName === name ? 0 : systemName)
    writer.unsigned(3, file)
    writer.unsigned(4, startLine)
    return this.#dictionary.end(FUNCTIONS)
  }

  #string(row: number): number {
    if (this.#strings[row] === -1) this.#strings[row] = this.#dictionary.string(this.#profile.strings[row]!)
    return this.#strings[row]!
  }
}

/** Would a decoder find another name for this type than it has? */
function needsName(type: ProfileType): boolean {
  const found = typeOf({
    sampleType: [type.sampleType, type.sampleUnit],
    periodType: [type.periodType, type.periodUnit],
    name: '',
  })
  return printProfileType(found) !== printProfileType(type)
}

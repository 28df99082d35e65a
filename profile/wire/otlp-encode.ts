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
  const dictionary = new DictionaryWriter()
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
  readonly #ids = new Map<string, number>([['string ', 0]])
  readonly #tables = TABLE_FIELDS.map((field) => {
    const writer = new ProtoWriter()
    writer.message(field, () => {})
    return { field, writer, rows: 1 }
  })

  string(text: string): number {
    const table = this.#table(STRINGS)
    return this.#intern(table, `string ${text}`, () => table.writer.text(STRINGS, text))
  }

  attribute(key: string, value: string): number {
    const keyId = this.string(key)
    return this.row(ATTRIBUTES, `${keyId} ${value}`, (writer) => {
      writer.unsigned(1, keyId)
      writer.message(2, () => writer.text(1, value))
    })
  }

  /** The index of the row of this key; `write` appends its fields when it is new, and may intern nothing itself. */
  row(field: number, key: string, write: (writer: ProtoWriter) => void): number {
    const table = this.#table(field)
    return this.#intern(table, `${field} ${key}`, () =>
      table.writer.message(field, () => write(table.writer)),
    )
  }

  writeTables(writer: ProtoWriter): void {
    for (const table of this.#tables) writer.append(table.writer)
  }

  #table(field: number) {
    return this.#tables[TABLE_FIELDS.indexOf(field)]!
  }

  #intern(table: { rows: number }, key: string, write: () => void): number {
    const known = this.#ids.get(key)
    if (known !== undefined) return known
    write()
    const id = table.rows++
    this.#ids.set(key, id)
    return id
  }
}

/** One profile's rows as rows of the dictionary, each turned over once and only when a sample needs it. */
class ProfileRows {
  readonly #profile: Profile
  readonly #dictionary: DictionaryWriter
  readonly #locations = new Map<number, number>()
  readonly #stacks = new Map<number, number>()

  constructor(profile: Profile, dictionary: DictionaryWriter) {
    this.#profile = profile
    this.#dictionary = dictionary
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
      writer.message(2, () => {
        writer.unsigned(1, index)
        writer.packed(4, [Math.round(sum)])
      })
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
    const known = this.#stacks.get(stack)
    if (known !== undefined) return known
    const { parent, location } = this.#profile.stacks
    const path: number[] = []
    for (let node = stack; node !== 0; node = parent[node]!) path.push(this.#location(location[node]!))
    const id =
      path.length === 0 ? 0 : this.#dictionary.row(STACKS, path.join(' '), (writer) => writer.packed(1, path))
    this.#stacks.set(stack, id)
    return id
  }

  #location(row: number): number {
    const known = this.#locations.get(row)
    if (known !== undefined) return known
    const { locations, lines, strings } = this.#profile
    const mapping = this.#mapping(locations.mapping[row]!)
    const [high, low] = [locations.addressHigh[row]!, locations.addressLow[row]!]
    const kind = strings[locations.kind[row]!]!
    const attributes = kind === '' ? [] : [this.#dictionary.attribute('profile.frame.type', kind)]
    const calls: { readonly function: number; readonly line: number }[] = []
    for (let i = locations.lineStart[row]!; i < locations.lineStart[row + 1]!; i++)
      calls.push({ function: this.#function(lines.function[i]!), line: lines.line[i]! })
    const callsKey = calls.map((call) => `${call.function}:${call.line}`).join(',')
    const id = this.#dictionary.row(
      LOCATIONS,
      `${mapping} ${high} ${low} ${attributes} ${callsKey}`,
      (writer) => {
        writer.unsigned(1, mapping)
        writer.varint64(2, high, low)
        for (const call of calls)
          writer.message(3, () => {
            writer.unsigned(1, call.function)
            writer.unsigned(2, call.line)
          })
        writer.packed(4, attributes)
      },
    )
    this.#locations.set(row, id)
    return id
  }

  #mapping(row: number): number {
    if (row === NONE) return 0
    const { mappings, strings } = this.#profile
    const file = this.#dictionary.string(strings[mappings.file[row]!]!)
    const buildId = strings[mappings.buildId[row]!]!
    const attributes =
      buildId === '' ? [] : [this.#dictionary.attribute('process.executable.build_id.gnu', buildId)]
    return this.#dictionary.row(MAPPINGS, `${file} ${attributes}`, (writer) => {
      writer.unsigned(4, file)
      writer.packed(5, attributes)
    })
  }

  #function(row: number): number {
    const { functions, strings } = this.#profile
    const string = (column: Uint32Array) => this.#dictionary.string(strings[column[row]!]!)
    const [name, systemName, file] = [functions.name, functions.systemName, functions.file].map(string) as [
      number,
      number,
      number,
    ]
    const startLine = functions.startLine[row]!
    return this.#dictionary.row(FUNCTIONS, `${name} ${systemName} ${file} ${startLine}`, (writer) => {
      writer.unsigned(1, name)
      writer.unsigned(2, systemName === name ? 0 : systemName)
      writer.unsigned(3, file)
      writer.unsigned(4, startLine)
    })
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

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
  readonly #ids = new Map<string, number>([['string ', 0]])
  readonly #tables = TABLE_FIELDS.map((field) => {
    const writer = new ProtoWriter()
    writer.message(field, () => {})
    return { field, writer, rows: 1 }
  })

  /** in  isShared  whether equal rows may come twice, and are looked for */
  constructor(isShared: boolean) {
    this.#isShared = isShared
  }

  string(text: string): number {
    const table = this.#table(STRINGS)
    return this.#intern(table, `string ${text}`, () => table.writer.text(STRINGS, text))
  }

  attribute(key: string, value: string): number {
    const keyId = this.string(key)
    const table = this.#table(ATTRIBUTES)
    return this.#intern(table, `${ATTRIBUTES} ${keyId} ${value}`, () =>
      table.writer.message(ATTRIBUTES, () => {
        table.writer.unsigned(1, keyId)
        table.writer.message(2, () => table.writer.text(1, value))
      }),
    )
  }

  /** The index of the row of this key; `write` appends its fields when it is new, and may intern nothing itself. */
  row(field: number, key: () => string, write: (writer: ProtoWriter) => void): number {
    const table = this.#table(field)
    const append = () => table.writer.message(field, () => write(table.writer))
    if (this.#isShared) return this.#intern(table, `${field} ${key()}`, append)
    append()
    return table.rows++
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
    return this.#once(this.#stacks, stack, () => {
      const { parent, location } = this.#profile.stacks
      const path: number[] = []
      for (let node = stack; node !== 0; node = parent[node]!) path.push(this.#location(location[node]!))
      if (path.length === 0) return 0
      return this.#dictionary.row(
        STACKS,
        () => path.join(' '),
        (writer) => writer.packed(1, path),
      )
    })
  }

  #location(row: number): number {
    return this.#once(this.#locations, row, () => {
      const { locations, lines, strings } = this.#profile
      const mapping = this.#mapping(locations.mapping[row]!)
      const [high, low] = [locations.addressHigh[row]!, locations.addressLow[row]!]
      const kind = strings[locations.kind[row]!]!
      const attributes = kind === '' ? [] : [this.#dictionary.attribute('profile.frame.type', kind)]
      const calls: number[] = [] // function, line, function, line, …
      for (let i = locations.lineStart[row]!; i < locations.lineStart[row + 1]!; i++)
        calls.push(this.#function(lines.function[i]!), lines.line[i]!)
      return this.#dictionary.row(
        LOCATIONS,
        () => `${mapping} ${high} ${low} ${attributes} ${calls}`,
        (writer) => {
          writer.unsigned(1, mapping)
          writer.varint64(2, high, low)
          for (let i = 0; i < calls.length; i += 2)
            writer.message(3, () => {
              writer.unsigned(1, calls[i]!)
              writer.unsigned(2, calls[i + 1]!)
            })
          writer.packed(4, attributes)
        },
      )
    })
  }

  #mapping(row: number): number {
    if (row === NONE) return 0
    return this.#once(this.#mappings, row, () => {
      const { mappings, strings } = this.#profile
      const file = this.#string(mappings.file[row]!)
      const buildId = strings[mappings.buildId[row]!]!
      const attributes =
        buildId === '' ? [] : [this.#dictionary.attribute('process.executable.build_id.gnu', buildId)]
      return this.#dictionary.row(
        MAPPINGS,
        () => `${file} ${attributes}`,
        (writer) => {
          writer.unsigned(4, file)
          writer.packed(5, attributes)
        },
      )
    })
  }

  #function(row: number): number {
    return this.#once(this.#functions, row, () => {
      const { functions } = this.#profile
      const name = this.#string(functions.name[row]!)
      const systemName = this.#string(functions.systemName[row]!)
      const file = this.#string(functions.file[row]!)
      const startLine = functions.startLine[row]!
      return this.#dictionary.row(
        FUNCTIONS,
        () => `${name} ${systemName} ${file} ${startLine}`,
        (writer) => {
          writer.unsigned(1, name)
          writer.unsigned(2, systemName === name ? 0 : systemName)
          writer.unsigned(3, file)
          writer.unsigned(4, startLine)
        },
      )
    })
  }

  #string(row: number): number {
    return this.#once(this.#strings, row, () => this.#dictionary.string(this.#profile.strings[row]!))
  }

  #once(rows: Int32Array, row: number, append: () => number): number {
    if (rows[row] === -1) rows[row] = append()
    return rows[row]!
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

// How does a profile become a file that `go tool pprof` opens? As one pprof Profile: equal stacks of one label set are one
// sample, labels are sample labels (`-tagfocus service_name=api`), windows are added up. CPU time stands in two columns,
// samples and nanoseconds, as in a profile of Go itself, so that pprof shows time.
import { NONE } from '../model/ids.ts'
import type { Labels } from '../model/labels.ts'
import { type Profile, TRUNCATED_KIND, TRUNCATED_NAME } from '../model/profile.ts'
import { CPU, CPU_SAMPLES, printProfileType, storedType } from '../model/profile-type.ts'
import { FUNCTION, LABEL, LINE, LOCATION, MAPPING, OURS, PROFILE, SAMPLE } from './pprof-fields.ts'
import { typeOfColumn } from './pprof-types.ts'
import { ProtoWriter } from './proto-writer.ts'

/** Both in milliseconds; what is absent is the profile's own. */
export interface PprofTime {
  readonly timeMs?: number
  readonly durationMs?: number
}

/** Encodes one profile, not gzipped. Values and times travel as whole numbers (rounded); stacks that sum to zero are left
 *  out; moments of single windows are not kept.
 *  cost O(rows used) */
export function encodePprof(profile: Profile, time: PprofTime = {}): Uint8Array {
  return new PprofWriter(profile).encode(time)
}

/** What one number of a sample counts. */
interface Column {
  readonly words: readonly [type: string, unit: string]
  /** Of the profile's own value. */
  readonly factor: number
}

/** The columns of a profile; the last is the one that `go tool pprof` shows. */
function columnsOf({ type, period }: Profile): readonly Column[] {
  const stored = storedType(type, period)
  const column: Column = { words: [stored.type.sampleType, stored.type.sampleUnit], factor: stored.scale }
  if (printProfileType(stored.type) !== printProfileType(CPU) || !(period > 0)) return [column]
  return [{ words: [CPU_SAMPLES.sampleType, CPU_SAMPLES.sampleUnit], factor: stored.scale / period }, column]
}

class PprofWriter {
  readonly #profile: Profile
  readonly #strings = new TableWriter(PROFILE.string)
  readonly #functions = new TableWriter(PROFILE.function)
  readonly #mappings = new TableWriter(PROFILE.mapping)
  readonly #locations = new TableWriter(PROFILE.location)
  /** Mappings with a location that has a name. */
  readonly #isNamed: Uint8Array
  readonly #columns: readonly Column[]

  constructor(profile: Profile) {
    this.#profile = profile
    this.#columns = columnsOf(profile)
    this.#isNamed = namedMappings(profile)
    this.#string('') // row 0, as pprof asks for
  }

  encode({ timeMs = this.#profile.timeMs, durationMs = this.#profile.durationMs }: PprofTime): Uint8Array {
    const { type, period } = this.#profile
    const stored = storedType(type, period)
    const file = new ProtoWriter()
    for (const { words } of this.#columns) this.#writeValueType(file, PROFILE.sampleType, words)
    this.#writeSamples(file)
    writeNanos(file, PROFILE.timeNanos, timeMs)
    writeNanos(file, PROFILE.durationNanos, durationMs)
    if (stored.type.periodType !== '')
      this.#writeValueType(file, PROFILE.periodType, [stored.type.periodType, stored.type.periodUnit])
    file.unsigned(PROFILE.period, Math.round(period))
    const found = typeOfColumn({
      words: [stored.type.sampleType, stored.type.sampleUnit],
      period: [stored.type.periodType, stored.type.periodUnit],
      name: '',
    })
    if (found.name !== stored.type.name) file.unsigned(OURS, this.#string(stored.type.name))
    for (const table of [this.#mappings, this.#locations, this.#functions, this.#strings])
      file.append(table.writer)
    return file.finish()
  }

  #writeSamples(file: ProtoWriter): void {
    for (const [labelSet, sums] of sumsByLabels(this.#profile)) {
      const labels = this.#labels(this.#profile.labelSets[labelSet]!)
      for (const [stack, sum] of sums) {
        const values = this.#columns.map(({ factor }) => Math.round(sum * factor))
        if (values.every((value) => value === 0)) continue
        const path = this.#path(stack)
        file.message(PROFILE.sample, () => {
          file.packed(SAMPLE.location, path)
          file.packed(SAMPLE.value, values)
          for (const [key, text] of labels)
            file.message(SAMPLE.label, () => {
              file.unsigned(LABEL.key, key)
              file.unsigned(LABEL.text, text)
            })
        })
      }
    }
  }

  #labels(labels: Labels): readonly (readonly [key: number, text: number])[] {
    return labels.map(([name, value]) => [this.#string(name), this.#string(value)])
  }

  #writeValueType(file: ProtoWriter, field: number, words: readonly [string, string]): void {
    const [type, unit] = [this.#string(words[0]), this.#string(words[1])]
    file.message(field, () => {
      file.unsigned(1, type)
      file.unsigned(2, unit)
    })
  }

  /** Ids of the locations of a stack, leaf first. */
  #path(stack: number): readonly number[] {
    const { parent, location } = this.#profile.stacks
    const path: number[] = []
    for (let node = stack; node !== 0; node = parent[node]!) path.push(this.#location(location[node]!))
    return path
  }

  #location(row: number): number {
    const known = this.#locations.idOf(row)
    if (known !== undefined) return known
    const { locations, lines, strings } = this.#profile
    const kind = strings[locations.kind[row]!]!
    // Other readers know no kinds: what stands for callers that could not be seen says so by its function's name.
    const isTruncated = kind === TRUNCATED_KIND
    const mapping = isTruncated ? NONE : locations.mapping[row]!
    const mappingId = mapping === NONE ? 0 : this.#mapping(mapping)
    const kindId = this.#string(kind)
    const calls: { readonly function: number; readonly line: number }[] = []
    if (isTruncated) calls.push({ function: this.#truncated(), line: 0 })
    else
      for (let i = locations.lineStart[row]!; i < locations.lineStart[row + 1]!; i++)
        calls.push({ function: this.#function(lines.function[i]!), line: lines.line[i]! })
    return this.#locations.add(row, (writer, id) => {
      writer.unsigned(LOCATION.id, id)
      writer.unsigned(LOCATION.mapping, mappingId)
      if (!isTruncated)
        writer.varint64(LOCATION.address, locations.addressHigh[row]!, locations.addressLow[row]!)
      for (const call of calls)
        writer.message(LOCATION.line, () => {
          writer.unsigned(LINE.function, call.function)
          writer.unsigned(LINE.line, call.line)
        })
      writer.unsigned(OURS, kindId)
    })
  }

  /** From 0 to the end of memory at offset 0: pprof's own way to say that addresses are those of the file. Two such
   *  mappings never touch, so it joins none, and where we named functions it does not look for names of its own. */
  #mapping(row: number): number {
    const known = this.#mappings.idOf(row)
    if (known !== undefined) return known
    const { mappings, strings } = this.#profile
    const file = this.#string(strings[mappings.file[row]!]!)
    const buildId = this.#string(strings[mappings.buildId[row]!]!)
    return this.#mappings.add(row, (writer, id) => {
      writer.unsigned(MAPPING.id, id)
      writer.varint64(MAPPING.limit, 0xffff_ffff, 0xffff_ffff)
      writer.unsigned(MAPPING.file, file)
      writer.unsigned(MAPPING.buildId, buildId)
      writer.unsigned(MAPPING.hasFunctions, this.#isNamed[row]!)
    })
  }

  #function(row: number): number {
    const known = this.#functions.idOf(row)
    if (known !== undefined) return known
    const { functions, strings } = this.#profile
    const [name, systemName, file] = [
      this.#string(strings[functions.name[row]!]!),
      this.#string(strings[functions.systemName[row]!]!),
      this.#string(strings[functions.file[row]!]!),
    ]
    return this.#functions.add(row, (writer, id) => {
      writer.unsigned(FUNCTION.id, id)
      writer.unsigned(FUNCTION.name, name)
      writer.unsigned(FUNCTION.systemName, systemName)
      writer.unsigned(FUNCTION.file, file)
      writer.unsigned(FUNCTION.startLine, functions.startLine[row]!)
    })
  }

  /** The function `[truncated]`, which has no row of its own. */
  #truncated(): number {
    const known = this.#functions.idOf(NONE)
    if (known !== undefined) return known
    const name = this.#string(TRUNCATED_NAME)
    return this.#functions.add(NONE, (writer, id) => {
      writer.unsigned(FUNCTION.id, id)
      writer.unsigned(FUNCTION.name, name)
      writer.unsigned(FUNCTION.systemName, name)
    })
  }

  /** Index of a text; rows of the string table count from 0, those of all others from 1. */
  #string(text: string): number {
    return (
      (this.#strings.idOf(text) ??
        this.#strings.addWhole(text, (writer) => writer.text(PROFILE.string, text))) - 1
    )
  }
}

/** One table, written as it grows; ids count from 1. */
class TableWriter {
  readonly writer = new ProtoWriter()
  readonly #field: number
  readonly #ids = new Map<number | string, number>()

  constructor(field: number) {
    this.#field = field
  }

  idOf(key: number | string): number | undefined {
    return this.#ids.get(key)
  }

  add(key: number | string, write: (writer: ProtoWriter, id: number) => void): number {
    return this.addWhole(key, (writer, id) => writer.message(this.#field, () => write(writer, id)))
  }

  /** As `add`, when `write` writes the field itself. */
  addWhole(key: number | string, write: (writer: ProtoWriter, id: number) => void): number {
    const id = this.#ids.size + 1
    write(this.writer, id)
    this.#ids.set(key, id)
    return id
  }
}

/** Label set → stack → sum over all windows. */
function sumsByLabels({ samples }: Profile): ReadonlyMap<number, ReadonlyMap<number, number>> {
  const groups = new Map<number, Map<number, number>>()
  for (let i = 0; i < samples.stack.length; i++) {
    const labelSet = samples.labelSet[i]!
    const sums = groups.get(labelSet) ?? new Map<number, number>()
    groups.set(labelSet, sums)
    sums.set(samples.stack[i]!, (sums.get(samples.stack[i]!) ?? 0) + samples.value[i]!)
  }
  return groups
}

/** 1 for each mapping in which a location has a function. */
function namedMappings({ locations, mappings }: Profile): Uint8Array {
  const isNamed = new Uint8Array(mappings.file.length)
  for (let row = 0; row < locations.mapping.length; row++)
    if (locations.mapping[row] !== NONE && locations.lineStart[row]! < locations.lineStart[row + 1]!)
      isNamed[locations.mapping[row]!] = 1
  return isNamed
}

function writeNanos(file: ProtoWriter, field: number, ms: number): void {
  const nanos = BigInt(Math.round(Math.max(0, ms))) * 1_000_000n
  file.varint64(field, Number(nanos >> 32n), Number(nanos & 0xffff_ffffn))
}

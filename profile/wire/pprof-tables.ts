// What do the tables of a pprof hold? Its strings, mappings, functions and locations, turned into the columns that all
// profiles of the file share. pprof names rows by ids of the sender's choice, any 64 bits but 0, each once.
import { NONE } from '../model/ids.ts'
import { TRUNCATED_KIND, TRUNCATED_NAME } from '../model/profile.ts'
import { FUNCTION, LINE, LOCATION, MAPPING, OURS, PROFILE } from './pprof-fields.ts'
import { LENGTH, ProtoReader, VARINT } from './proto-reader.ts'
import { buildIdAsHex, lineNumber, type SharedTables, TableColumns } from './table-columns.ts'
import { grouped, RequestRefused, type Tally, type WireLimits } from './wire-limits.ts'
import { Slices, WireTexts } from './wire-texts.ts'

export class PprofTables {
  readonly #bytes: Uint8Array
  readonly #limits: WireLimits
  readonly #cut: Tally
  #rows = 0

  readonly #strings: WireTexts
  readonly sampleTypes = new Slices()
  readonly samples = new Slices()

  readonly #mappings = new RowsById('mapping')
  /** Start less offset, by mapping row, for those that have one: what to take off an address. */
  readonly #bias = new Map<number, { readonly start: bigint; readonly offset: bigint }>()
  readonly #functions = new RowsById('function')
  readonly #locations = new RowsById('location')
  readonly #columns = new TableColumns()

  /** Reads all tables; throws MalformedBytes, and RequestRefused for ids and indexes of nothing, ids twice, and more rows
   *  than limits.tableEntries. */
  constructor(bytes: Uint8Array, { limits, cut }: { readonly limits: WireLimits; readonly cut: Tally }) {
    this.#bytes = bytes
    this.#limits = limits
    this.#cut = cut
    const [mappings, locations, functions, strings] = [new Slices(), new Slices(), new Slices(), new Slices()]
    const tables = new Map<number, Slices>([
      [PROFILE.sampleType, this.sampleTypes],
      [PROFILE.sample, this.samples],
      [PROFILE.mapping, mappings],
      [PROFILE.location, locations],
      [PROFILE.function, functions],
      [PROFILE.string, strings],
    ])
    const file = new ProtoReader(bytes)
    while (file.next()) {
      const table = tables.get(file.field)
      if (table === undefined) continue
      file.needLength()
      this.countRows(1)
      table.push(file)
    }
    this.#strings = new WireTexts(bytes, { strings, attributes: new Slices(), limits, cut })
    this.#readMappings(mappings)
    this.#readFunctions(functions)
    this.#readLocations(locations)
  }

  /** Counts rows that bytes are about to become; throws RequestRefused when there are too many. */
  countRows(count: number): void {
    this.#rows += count
    const most = this.#limits.tableEntries
    if (this.#rows > most)
      throw new RequestRefused(
        `the profile has more than ${grouped(most)} rows in its tables (limits.tableEntries); record less in one file or raise it`,
      )
  }

  /** A text by its index; throws RequestRefused if there is none. */
  text(index: number): string {
    return this.#strings.list[this.#textRow(index)]!
  }

  /** The location of the id that the reader has just read; throws RequestRefused if there is none. */
  locationRow(id: ProtoReader): number {
    return this.#locations.row(id)
  }

  frameCount(location: number): number {
    return this.#columns.frameCount(location)
  }

  /** A location that is a sentence, not code: "[12 frames cut]". */
  addMarker(text: string): number {
    return this.#columns.pushMarker(this.#strings.intern(text))
  }

  /** The columns, when no row will be added any more. */
  finish(): SharedTables {
    return this.#columns.finish(this.#strings.list)
  }

  #readMappings(mappings: Slices): void {
    const reader = new ProtoReader(this.#bytes, 0, 0)
    for (let i = 0; i < mappings.length; i++) {
      reader.enter(mappings.start.at(i), mappings.stop.at(i))
      let [id, start, offset, file, buildId] = [ID_NONE, 0n, 0n, 0, 0]
      while (reader.next()) {
        if (reader.wire !== VARINT) continue
        if (reader.field === MAPPING.id) id = idOf(reader)
        else if (reader.field === MAPPING.start) start = wholeOf(reader)
        else if (reader.field === MAPPING.offset) offset = wholeOf(reader)
        else if (reader.field === MAPPING.file) file = reader.signed()
        else if (reader.field === MAPPING.buildId) buildId = reader.signed()
      }
      this.#mappings.add(id, i)
      if (start !== offset) this.#bias.set(i, { start, offset })
      this.#columns.pushMapping(this.#textRow(file), this.#strings.intern(buildIdAsHex(this.text(buildId))))
    }
  }

  #readFunctions(functions: Slices): void {
    const reader = new ProtoReader(this.#bytes, 0, 0)
    for (let i = 0; i < functions.length; i++) {
      reader.enter(functions.start.at(i), functions.stop.at(i))
      let [id, name, systemName, file, line] = [ID_NONE, 0, 0, 0, 0]
      while (reader.next()) {
        if (reader.wire !== VARINT) continue
        if (reader.field === FUNCTION.id) id = idOf(reader)
        else if (reader.field === FUNCTION.name) name = this.#textRow(reader.signed())
        else if (reader.field === FUNCTION.systemName) systemName = this.#textRow(reader.signed())
        else if (reader.field === FUNCTION.file) file = this.#textRow(reader.signed())
        else if (reader.field === FUNCTION.startLine) line = lineNumber(reader.signed())
      }
      this.#functions.add(id, i)
      this.#columns.pushFunction({
        name: name || systemName,
        systemName: systemName || name,
        file,
        startLine: line,
      })
    }
  }

  #readLocations(locations: Slices): void {
    const reader = new ProtoReader(this.#bytes, 0, 0)
    for (let i = 0; i < locations.length; i++) {
      reader.enter(locations.start.at(i), locations.stop.at(i))
      const firstLine = this.#columns.lineCount
      let [id, sent, high, low, kind] = [ID_NONE, NONE, 0, 0, 0]
      while (reader.next()) {
        const { field, wire } = reader
        if (field === LOCATION.line && wire === LENGTH) this.#readLine(reader, firstLine)
        if (wire !== VARINT) continue
        if (field === LOCATION.id) id = idOf(reader)
        else if (field === LOCATION.mapping)
          sent = idOf(reader) === ID_NONE ? NONE : this.#mappings.row(reader)
        else if (field === LOCATION.address) [high, low] = [reader.high, reader.low]
        else if (field === OURS) kind = this.#textRow(reader.signed())
      }
      this.#locations.add(id, i)
      ;[high, low] = this.#fileAddress({ mapping: sent, high, low })
      const mapping = this.#isNameless(sent) ? NONE : sent
      this.#columns.pushLocation({
        mapping,
        high,
        low,
        kind: kind || this.#kindOf(mapping, firstLine),
        firstLine,
      })
    }
  }

  /** Go's pprof gives locations without a mapping one that says nothing. */
  #isNameless(mapping: number): boolean {
    if (mapping === NONE) return true
    return this.#columns.mappingFile.at(mapping) === 0 && this.#columns.mappingBuildId.at(mapping) === 0
  }

  /** What a file of another hand does not say: what stands for unseen callers, and what is the kernel. */
  #kindOf(mapping: number, firstLine: number): number {
    if (mapping !== NONE) {
      const file = this.#strings.list[this.#columns.mappingFile.at(mapping)]!
      return file === 'vmlinux' || file.startsWith('[kernel') ? this.#strings.intern('kernel') : 0
    }
    if (this.#columns.lineCount !== firstLine + 1) return 0
    const name = this.#strings.list[this.#columns.functionName.at(this.#columns.lineFunction.at(firstLine))]
    return name === TRUNCATED_NAME ? this.#strings.intern(TRUNCATED_KIND) : 0
  }

  /** The address in the file: of the process's less where the mapping starts, and its offset. */
  #fileAddress(location: {
    readonly mapping: number
    readonly high: number
    readonly low: number
  }): [high: number, low: number] {
    const { mapping, high, low } = location
    const bias = this.#bias.get(mapping)
    const address = (BigInt(high) << 32n) | BigInt(low)
    if (bias === undefined || address < bias.start) return [high, low]
    const inFile = BigInt.asUintN(64, address - bias.start + bias.offset)
    return [Number(inFile >> 32n), Number(inFile & 0xffff_ffffn)]
  }

  /** Appends a line with a function; a line without one names nothing. */
  #readLine({ start, stop }: ProtoReader, firstLine: number): void {
    const reader = new ProtoReader(this.#bytes, start, stop)
    let [row, number] = [NONE, 0]
    while (reader.next()) {
      if (reader.wire !== VARINT) continue
      if (reader.field === LINE.function && idOf(reader) !== ID_NONE) row = this.#functions.row(reader)
      else if (reader.field === LINE.line) number = lineNumber(reader.signed())
    }
    if (row === NONE) return
    this.countRows(1)
    // A location deeper than a whole stack may be is hostile; its outermost callers are left out, and counted.
    if (this.#columns.lineCount - firstLine < this.#limits.stackDepth) this.#columns.pushLine(row, number)
    else this.#cut.add('location_lines')
  }

  #textRow(index: number): number {
    const row = this.#strings.row(index)
    if (row === NONE) throw new RequestRefused(`the profile points at string ${index}, which does not exist`)
    return row
  }
}

/** An id as a key: exact for all 64 bits, a plain number for those that occur. */
type Id = number | bigint
const ID_NONE: Id = 0

class RowsById {
  readonly #what: string
  readonly #rows = new Map<Id, number>()

  constructor(what: string) {
    this.#what = what
  }

  add(id: Id, row: number): void {
    if (id === ID_NONE)
      throw new RequestRefused(
        `${this.#what} ${row + 1} of the profile has no id; each needs one that is not 0`,
      )
    if (this.#rows.has(id))
      throw new RequestRefused(`the profile has two ${this.#what}s with the id ${id}; each needs its own`)
    this.#rows.set(id, row)
  }

  row(reader: ProtoReader): number {
    const id = idOf(reader)
    const row = this.#rows.get(id)
    if (row === undefined)
      throw new RequestRefused(`the profile points at ${this.#what} ${id}, which does not exist`)
    return row
  }
}

const wholeOf = ({ high, low }: ProtoReader): bigint => (BigInt(high) << 32n) | BigInt(low)
const idOf = (reader: ProtoReader): Id => (reader.high < 2 ** 21 ? reader.unsigned() : wholeOf(reader))

// What do the tables of an OTLP request hold? Its functions, mappings and locations (and wire-texts.ts), turned into the
// columns of a Profile that all profiles of the request share. Row 0 of each table stands for "none".
// A row that points outside its tables is marked bad: it refuses the profiles that use it, not the request.

import { uint8Column } from '../model/growing-column.ts'
import { NONE } from '../model/ids.ts'
import { TRUNCATED_KIND, TRUNCATED_NAME } from '../model/profile.ts'
import { LENGTH, ProtoReader, VARINT } from './proto-reader.ts'
import { buildIdAsHex, lineNumber, type SharedTables, TableColumns } from './table-columns.ts'
import { grouped, RequestRefused, type Tally, type WireLimits } from './wire-limits.ts'
import { Slices, WireTexts } from './wire-texts.ts'

const ROW_ATTRIBUTES_MAX = 128 // of one mapping, location or sample; OTel's SDKs allow 128 on anything

export class OtlpDictionary {
  readonly #bytes: Uint8Array
  readonly #limits: WireLimits
  readonly #cut: Tally
  #rows = 0

  readonly texts: WireTexts
  /** Rows of the stack table: otlp-stacks.ts reads those that samples point at. */
  readonly stackSlices = new Slices()

  readonly #columns = new TableColumns()
  readonly #functionBad = uint8Column()
  readonly #mappingBad = uint8Column()
  readonly #locationBad = uint8Column()
  /** Attributes of the row just read. */
  readonly #attributeIndices: number[] = []
  /** Row of the attribute table → the location kind it says as a row of `strings`; 0: it says something else. */
  readonly #kindOf: Int32Array

  /** Reads the tables of all dictionaries of a request (more than one are one, says protobuf).
   *  throws MalformedBytes, and RequestRefused when there are more rows than limits.tableEntries */
  constructor(bytes: Uint8Array, { limits, cut }: { readonly limits: WireLimits; readonly cut: Tally }) {
    this.#bytes = bytes
    this.#limits = limits
    this.#cut = cut
    const mappings = new Slices()
    const locations = new Slices()
    const functions = new Slices()
    const strings = new Slices()
    const attributes = new Slices()
    const tables = new Map([
      [1, mappings],
      [2, locations],
      [3, functions],
      [5, strings],
      [6, attributes],
      [7, this.stackSlices],
    ])
    const request = new ProtoReader(bytes)
    const dictionary = new ProtoReader(bytes, 0, 0)
    while (request.next()) {
      if (request.field !== 2 || request.wire !== LENGTH) continue
      dictionary.enter(request.start, request.stop)
      while (dictionary.next()) {
        const table = tables.get(dictionary.field)
        if (table === undefined) continue
        dictionary.needLength()
        this.countRows(1)
        table.push(dictionary)
      }
    }
    this.texts = new WireTexts(bytes, { strings, attributes, limits, cut })
    this.#kindOf = new Int32Array(attributes.length).fill(NONE)
    this.#readFunctions(functions)
    this.#readMappings(mappings)
    this.#readLocations(locations)
  }

  /** Counts rows that bytes are about to become; throws RequestRefused when there are too many. */
  countRows(count: number): void {
    this.#rows += count
    const most = this.#limits.tableEntries
    if (this.#rows > most)
      throw new RequestRefused(
        `the request has more than ${grouped(most)} rows in its tables (limits.tableEntries); send shorter windows or raise it`,
      )
  }

  get locationCount(): number {
    return this.#columns.locationCount
  }

  isGoodLocation(index: number): boolean {
    return index >= 0 && index < this.#locationBad.length && this.#locationBad.at(index) === 0
  }

  frameCount(location: number): number {
    return this.#columns.frameCount(location)
  }

  /** A location that is a sentence, not code: "[12 frames cut]". */
  addMarker(text: string): number {
    this.#functionBad.push(0)
    this.#locationBad.push(0)
    return this.#columns.pushMarker(this.texts.intern(text))
  }

  /** The columns, when no row will be added any more. */
  finish(): SharedTables {
    return this.#columns.finish(this.texts.list)
  }

  #readFunctions(functions: Slices): void {
    const reader = new ProtoReader(this.#bytes, 0, 0)
    if (functions.length === 0) this.#addFunction('')
    for (let i = 0; i < functions.length; i++) {
      reader.enter(functions.start.at(i), functions.stop.at(i))
      const row = [0, 0, 0, 0, 0]
      while (reader.next())
        if (reader.field <= 4 && reader.wire === VARINT) row[reader.field] = reader.signed()
      const [name, systemName, file] = [row[1]!, row[2]!, row[3]!].map((index) => this.texts.row(index))
      const isBad = name === NONE || systemName === NONE || file === NONE
      this.#columns.pushFunction({
        name: isBad ? 0 : name || systemName!,
        systemName: isBad ? 0 : systemName || name!,
        file: isBad ? 0 : file!,
        startLine: lineNumber(row[4]!),
      })
      this.#functionBad.push(isBad ? 1 : 0)
    }
  }

  #readMappings(mappings: Slices): void {
    const reader = new ProtoReader(this.#bytes, 0, 0)
    for (let i = 0; i < mappings.length; i++) {
      reader.enter(mappings.start.at(i), mappings.stop.at(i))
      let file = 0
      this.#attributeIndices.length = 0
      while (reader.next()) {
        if (reader.field === 4 && reader.wire === VARINT) file = reader.signed()
        if (reader.field === 5) this.#readAttributeIndices(reader)
      }
      const fileId = this.texts.row(file)
      const isBad = fileId === NONE || this.#hasForeignAttribute()
      this.#columns.pushMapping(isBad ? 0 : fileId, isBad ? 0 : this.texts.intern(this.#buildId()))
      this.#mappingBad.push(isBad ? 1 : 0)
    }
  }

  #readLocations(locations: Slices): void {
    const reader = new ProtoReader(this.#bytes, 0, 0)
    const line = new ProtoReader(this.#bytes, 0, 0)
    let truncated = NONE // the function row of TRUNCATED_NAME, made when first needed
    if (locations.length === 0) this.#pushLocation({ mapping: NONE, high: 0, low: 0, kind: 0, bad: false })
    for (let i = 0; i < locations.length; i++) {
      reader.enter(locations.start.at(i), locations.stop.at(i))
      const firstLine = this.#columns.lineCount
      let [mapping, high, low, isBad] = [0, 0, 0, false]
      this.#attributeIndices.length = 0
      while (reader.next()) {
        const { field, wire } = reader
        if (field === 1 && wire === VARINT) mapping = reader.signed()
        else if (field === 2 && wire === VARINT) [high, low] = [reader.high, reader.low]
        else if (field === 3 && wire === LENGTH) {
          line.enter(reader.start, reader.stop)
          if (!this.#readLine(line, firstLine)) isBad = true
        } else if (field === 4) this.#readAttributeIndices(reader)
      }
      const hasMapping = mapping >= 0 && mapping < Math.max(1, this.#columns.mappingFile.length)
      if (!hasMapping || (mapping > 0 && this.#mappingBad.at(mapping) === 1) || this.#hasForeignAttribute())
        isBad = true
      const kindId = isBad ? 0 : this.#frameKind()
      const isTruncated = this.texts.list[kindId] === TRUNCATED_KIND
      if (isBad || isTruncated) {
        this.#columns.truncateLines(firstLine)
      }
      const isMapped = !isBad && mapping > 0
      this.#pushLocation({
        mapping: isMapped ? mapping : NONE,
        high,
        low,
        kind: kindId,
        bad: isBad,
        firstLine,
      })
      if (isTruncated) {
        if (truncated === NONE) truncated = this.#addFunction(TRUNCATED_NAME)
        this.#columns.pushLine(truncated, 0)
      }
    }
  }

  /** Appends a line with a function; false if its function is none of ours. A line without a function names nothing. */
  #readLine(reader: ProtoReader, firstLine: number): boolean {
    let [index, number] = [0, 0]
    while (reader.next()) {
      if (reader.field === 1 && reader.wire === VARINT) index = reader.signed()
      if (reader.field === 2 && reader.wire === VARINT) number = reader.signed()
    }
    if (index === 0) return true
    const isGood = index > 0 && index < this.#functionBad.length && this.#functionBad.at(index) === 0
    if (!isGood) return false
    this.countRows(1)
    // A location deeper than a whole stack may be is hostile; its outermost callers are left out, and counted.
    if (this.#columns.lineCount - firstLine < this.#limits.stackDepth)
      this.#columns.pushLine(index, lineNumber(number))
    else this.#cut.add('location_lines')
    return true
  }

  #addFunction(name: string): number {
    const id = this.texts.intern(name)
    this.#functionBad.push(0)
    return this.#columns.pushFunction({ name: id, systemName: id, file: 0, startLine: 0 })
  }

  #pushLocation(row: {
    readonly mapping: number
    readonly high: number
    readonly low: number
    readonly kind: number
    readonly bad: boolean
    readonly firstLine?: number
  }): void {
    this.#locationBad.push(row.bad ? 1 : 0)
    this.#columns.pushLocation({ ...row, firstLine: row.firstLine ?? this.#columns.lineCount })
  }

  #readAttributeIndices(reader: ProtoReader): void {
    // More than a row can mean to carry: the row is marked bad by an index that no table has.
    const isMuch =
      this.#attributeIndices.length >= ROW_ATTRIBUTES_MAX ||
      (reader.wire === LENGTH && reader.stop - reader.start > ROW_ATTRIBUTES_MAX * 10)
    if (isMuch) this.#attributeIndices[ROW_ATTRIBUTES_MAX] = NONE
    else reader.eachVarint(() => this.#attributeIndices.push(reader.signed()))
  }

  #hasForeignAttribute(): boolean {
    return this.#attributeIndices.some((index) => !this.texts.hasAttribute(index))
  }

  /** The kind of the location just read as a row of `#texts`. */
  #frameKind(): number {
    for (const index of this.#attributeIndices) {
      if (this.#kindOf[index] === NONE) {
        const isKind = this.texts.attributeKey(index) === 'profile.frame.type'
        this.#kindOf[index] = isKind ? this.texts.intern(this.texts.attributeValue(index)?.text ?? '') : 0
      }
      const kind = this.#kindOf[index] ?? 0
      if (kind !== 0) return kind
    }
    return 0
  }

  /** The value of the mapping just read under this key, "" if it has none. */
  #attributeOf(key: string): string {
    const index = this.#attributeIndices.find((row) => this.texts.attributeKey(row) === key)
    return index === undefined ? '' : (this.texts.attributeValue(index)?.text ?? '')
  }

  /** GNU's build ID, else Go's, else the hash of head, tail and length; always lower-case hex. */
  #buildId(): string {
    for (const kind of ['gnu', 'go', 'htlhash']) {
      const id = this.#attributeOf(`process.executable.build_id.${kind}`)
      if (id !== '') return buildIdAsHex(id)
    }
    return ''
  }
}

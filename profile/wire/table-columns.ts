// What do functions, mappings, locations and lines look like while they are read? As growing columns, the same whether the
// bytes are OTLP or pprof; who reads says which rows are good.
import { int32Column, uint32Column } from '../model/growing-column.ts'
import { NONE } from '../model/ids.ts'
import type { Profile } from '../model/profile.ts'

/** The tables of a Profile without its stacks. */
export type SharedTables = Pick<Profile, 'strings' | 'functions' | 'mappings' | 'locations' | 'lines'>

/** Rows are appended; those of `functions` and `mappings` hold rows of the string table. */
export class TableColumns {
  readonly functionName = uint32Column()
  readonly #systemName = uint32Column()
  readonly #functionFile = uint32Column()
  readonly #startLine = uint32Column()
  readonly mappingFile = uint32Column()
  readonly mappingBuildId = uint32Column()
  readonly #locationMapping = int32Column()
  readonly #addressHigh = uint32Column()
  readonly #addressLow = uint32Column()
  readonly #kind = uint32Column()
  readonly #lineStart = uint32Column()
  readonly lineFunction = uint32Column()
  readonly #lineNumber = uint32Column()

  get locationCount(): number {
    return this.#locationMapping.length
  }

  /** out  the function's row */
  pushFunction(row: {
    readonly name: number
    readonly systemName: number
    readonly file: number
    readonly startLine: number
  }): number {
    this.functionName.push(row.name)
    this.#systemName.push(row.systemName)
    this.#functionFile.push(row.file)
    this.#startLine.push(row.startLine)
    return this.functionName.length - 1
  }

  pushMapping(file: number, buildId: number): void {
    this.mappingFile.push(file)
    this.mappingBuildId.push(buildId)
  }

  /** The location's lines are those from `firstLine` on; more may follow.  out  its row */
  pushLocation(row: {
    readonly mapping: number
    readonly high: number
    readonly low: number
    readonly kind: number
    readonly firstLine: number
  }): number {
    this.#locationMapping.push(row.mapping)
    this.#addressHigh.push(row.high)
    this.#addressLow.push(row.low)
    this.#kind.push(row.kind)
    this.#lineStart.push(row.firstLine)
    return this.#locationMapping.length - 1
  }

  get lineCount(): number {
    return this.lineFunction.length
  }

  pushLine(functionRow: number, line: number): void {
    this.lineFunction.push(functionRow)
    this.#lineNumber.push(line)
  }

  truncateLines(count: number): void {
    this.lineFunction.truncate(count)
    this.#lineNumber.truncate(count)
  }

  /** A location that is a sentence, not code: "[12 frames cut]".  in  name  its row of the string table;  out  its row */
  pushMarker(name: number): number {
    const row = this.pushLocation({ mapping: NONE, high: 0, low: 0, kind: 0, firstLine: this.lineCount })
    this.pushLine(this.pushFunction({ name, systemName: name, file: 0, startLine: 0 }), 0)
    return row
  }

  /** How many frames a location is: its inlined functions, or one without a name. */
  frameCount(location: number): number {
    const isLast = location + 1 === this.#lineStart.length
    const stop = isLast ? this.lineCount : this.#lineStart.at(location + 1)
    return Math.max(1, stop - this.#lineStart.at(location))
  }

  /** The tables, when no row will be added any more. */
  finish(strings: readonly string[]): SharedTables {
    const lineStart = new Uint32Array(this.locationCount + 1)
    lineStart.set(this.#lineStart.finish())
    lineStart[this.locationCount] = this.lineCount
    return {
      strings,
      functions: {
        name: this.functionName.finish(),
        systemName: this.#systemName.finish(),
        file: this.#functionFile.finish(),
        startLine: this.#startLine.finish(),
      },
      mappings: { file: this.mappingFile.finish(), buildId: this.mappingBuildId.finish() },
      locations: {
        mapping: this.#locationMapping.finish(),
        addressHigh: this.#addressHigh.finish(),
        addressLow: this.#addressLow.finish(),
        kind: this.#kind.finish(),
        lineStart,
      },
      lines: { function: this.lineFunction.finish(), line: this.#lineNumber.finish() },
    }
  }
}

/** A line number as 32 bits; what cannot be one is unknown. */
export const lineNumber = (line: number): number => (line > 0 && line < 2 ** 32 ? line : 0)

/** A build ID in lower-case hex; Go's, which is base64 and slashes, as the hex of its bytes: that can be turned back. */
export function buildIdAsHex(id: string): string {
  if (/^[0-9a-fA-F]*$/.test(id)) return id.toLowerCase().slice(0, 256)
  return Array.from(new TextEncoder().encode(id.slice(0, 128)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('')
}

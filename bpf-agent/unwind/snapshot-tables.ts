// By which rows is a copied stack walked? By those that the kernel would use had the process been published: its mappings,
// and for each the file's table. A mapping is looked at when an address of it is met.
import { type Mappings, mappingAt } from '../host/mappings.ts'
import type { MappedOrigin } from '../host/processes.ts'
import type { Files, TableFile } from './files.ts'
import type { VmaRow } from './kernel-tables.ts'
import type { RowReader } from './row-reader.ts'
import { vmaRowOf } from './runs.ts'
import type { WalkTables } from './walk-snapshot.ts'

export interface SnapshotTables extends WalkTables {
  /** A file that was met is not compiled yet: what was walked by frame pointers there is worth another walk. */
  readonly isWaiting: boolean
}

/** What is known of a process at the moment of a sample. */
export interface MappedThen {
  readonly tgid: number
  readonly mappings: Mappings
  /** How its files are found: it may have ended. */
  readonly origin: MappedOrigin
}

/** The tables of one list of mappings.
 *  cost nothing; each mapping that is met a Map look-up, or 0.3 ms when its file must be opened */
export function tablesOfMappings(
  { tgid, mappings, origin }: MappedThen,
  { files, reader }: { readonly files: Pick<Files, 'fileOf' | 'touch'>; readonly reader: RowReader },
): SnapshotTables {
  const vmas: VmaRow[] = []
  let isWaiting = false

  function fileOf(row: number): TableFile | undefined {
    const file = files.fileOf(tgid, mappings, row, origin)
    if (file === 'unreachable' || file === undefined) return undefined
    files.touch(file)
    if (file.state === 'waiting') isWaiting = true
    return file
  }

  return {
    get isWaiting() {
      return isWaiting
    },
    vmaAt(pc) {
      const row = mappingAt(mappings, pc)
      if (row === -1) return undefined
      vmas[row] ??= vmaRowOf(mappings, row, fileOf(row))
      return vmas[row]
    },
    range: reader.range,
    rowAt: reader.rowAt,
    ruleAt: reader.ruleAt,
  }
}

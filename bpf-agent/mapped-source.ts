// How does the unwinder read a mapped file? Through the same door as the names side: the very file that is mapped, never
// a path of a stranger's choice.
import { closeSync } from 'node:fs'
import { fileSource, openMapped } from './symbolize/open-file.ts'
import type { MappedSource } from './unwind/files.ts'

/** Opens a mapped file of a process; undefined when it cannot be reached any more, is not regular, or may not be read. */
export function openMappedSource(
  tgid: number,
  mapping: { readonly start: number; readonly end: number; readonly path: string; readonly file: string },
): MappedSource | undefined {
  const open = openMapped(tgid, mapping)
  if (open === undefined) return undefined
  const { size, mtimeMs, ctimeMs } = open.stats
  return {
    source: fileSource(open),
    version: `${size} ${mtimeMs} ${ctimeMs}`,
    close: () => closeSync(open.fd),
  }
}

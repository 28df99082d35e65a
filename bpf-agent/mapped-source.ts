// How does the unwinder read a mapped file? Through the same door as the names side: the very file that is mapped, never
// a path of a stranger's choice.
import { closeSync, type Stats, statSync } from 'node:fs'
import { orUndefined } from './host/proc.ts'
import type { MappedOrigin } from './host/processes.ts'
import { fileSource, openMapped } from './symbolize/open-file.ts'
import type { MappedSource } from './unwind/files.ts'

interface Mapping {
  readonly start: number
  readonly end: number
  readonly path: string
  /** "device:inode" as /proc/PID/maps says. */
  readonly file: string
}

/** Opens a mapped file of a process; undefined when it cannot be reached any more, is not regular, or may not be read.
 *  in  origin  how it is found should the process have ended */
export function openMappedSource(
  tgid: number,
  mapping: Mapping,
  origin?: MappedOrigin,
): MappedSource | undefined {
  const open = openMapped(tgid, mapping, origin)
  if (open === undefined) return undefined
  return {
    source: fileSource(open),
    fd: open.fd,
    version: versionOf(open.stats),
    close: () => closeSync(open.fd),
  }
}

/** The version of the file at the place from which a process has mapped it, if it is that inode still.
 *  in   origin  as whom else it is looked up should the process have ended
 *  cost 10 µs: nothing is opened */
export function versionOfMapped(
  tgid: number,
  { path, file }: Mapping,
  origin?: MappedOrigin,
): string | undefined {
  if (!path.startsWith('/')) return undefined
  const inode = Number(file.slice(file.lastIndexOf(':') + 1))
  const roots = [tgid, ...(origin ? [origin.parentTgid, 1] : [])].map((pid) => `/proc/${pid}/root`)
  for (const root of origin ? [...roots, ''] : roots) {
    const stats = orUndefined(() => statSync(`${root}${path}`))
    if (stats?.ino === inode) return versionOf(stats)
  }
  return undefined
}

/** A change of the contents changes one of these; the inode has been compared, and the device keeps apart subvolumes that
 *  /proc/PID/maps shows as one. */
const versionOf = ({ dev, ino, size, mtimeMs, ctimeMs }: Stats) =>
  `${dev} ${ino} ${size} ${mtimeMs} ${ctimeMs}`

// How is a file of a stranger opened? First as a mere handle, which opens nothing; only when that is a regular file, and
// the very one that is mapped, for reading. A FIFO would hang us, a device might act, a symlink lead elsewhere.
import { closeSync, constants, fstatSync, openSync, readdirSync, readSync, type Stats } from 'node:fs'
import type { ByteSource } from '../elf/byte-source.ts'
import { MalformedError } from '../elf/cursor.ts'
import { wallMsOf } from '../host/clock.ts'
import { orUndefined, readLink } from '../host/proc.ts'
import type { MappedOrigin } from '../host/processes.ts'

const O_PATH = 0o10000000 // Linux, all our architectures; Node does not name it

export interface OpenFile {
  readonly fd: number
  readonly stats: Stats
}

/** Opens a regular file for reading, without blocking.
 *  in   isExpected    whether this is the file that was meant
 *       followsLinks  false: a link in its place is refused; through /proc/PID/root one would lead into our own file system
 *  out  undefined when it is not there, not regular, not expected, or may not be read */
export function openRegular(
  path: string,
  isExpected: (stats: Stats) => boolean = () => true,
  followsLinks = true,
): OpenFile | undefined {
  return orUndefined(() => {
    const handle = openSync(path, O_PATH | (followsLinks ? 0 : constants.O_NOFOLLOW))
    try {
      const seen = fstatSync(handle)
      if (!seen.isFile() || !isExpected(seen)) return undefined
      const fd = openSync(`/proc/self/fd/${handle}`, constants.O_RDONLY | constants.O_NONBLOCK)
      return { fd, stats: fstatSync(fd) }
    } finally {
      closeSync(handle)
    }
  })
}

/** A file that a process has mapped.
 *  in   file    "device:inode" as /proc/PID/maps says; only the inode is compared, since overlay and btrfs print another
 *               device there than they report
 *       origin  how it is found when the process has ended: by its path as the parent, the first process or we see it.
 *               Then the device must be the same too (it is not on btrfs, nor on overlay before Linux 6.18), and nobody
 *               may have written to it since it was mapped
 *  out  undefined when it cannot be reached any more */
export function openMapped(
  tgid: number,
  mapping: { readonly start: number; readonly end: number; readonly path: string; readonly file: string },
  origin?: MappedOrigin,
): OpenFile | undefined {
  const inode = Number(mapping.file.slice(mapping.file.lastIndexOf(':') + 1))
  const isMapped = (stats: Stats) => stats.ino === inode
  const range = `${mapping.start.toString(16)}-${mapping.end.toString(16)}`
  const through = (process: string) =>
    openRegular(`${process}/exe`, isMapped) ??
    (mapping.path.startsWith('/') ? openRegular(`${process}/root${mapping.path}`, isMapped) : undefined)
  return (
    openRegular(`/proc/${tgid}/map_files/${range}`, isMapped) ?? // needs CAP_CHECKPOINT_RESTORE; right even if deleted
    through(`/proc/${tgid}`) ??
    throughThread(tgid, through) ??
    (origin && throughOthers(mapping, origin))
  )
}

const CLOCKS_DIFFER_MS = 2 // wall time is reckoned from the other clock, in whole milliseconds

function throughOthers(
  { path, file }: { readonly path: string; readonly file: string },
  { parentTgid, sinceMs }: MappedOrigin,
): OpenFile | undefined {
  if (!path.startsWith('/') || sinceMs === Number.NEGATIVE_INFINITY) return undefined
  const mappedMs = wallMsOf(sinceMs) + CLOCKS_DIFFER_MS
  const isSame = (stats: Stats) => `${deviceOf(stats.dev)}:${stats.ino}` === file && stats.mtimeMs <= mappedMs
  const parent = parentTgid === 0 ? undefined : openRegular(`/proc/${parentTgid}/root${path}`, isSame)
  return parent ?? openRegular(`/proc/1/root${path}`, isSame) ?? openRegular(path, isSame)
}

/** "major:minor" of a device number, as /proc/PID/maps writes it. */
function deviceOf(device: number): string {
  const bits = BigInt(device)
  const major = ((bits >> 8n) & 0xfffn) | ((bits >> 32n) & ~0xfffn)
  const minor = (bits & 0xffn) | ((bits >> 12n) & 0xffff_ff00n)
  return `${major.toString(16).padStart(2, '0')}:${minor.toString(16).padStart(2, '0')}`
}

const THREADS_MAX = 16 // tried in turn: all of them see the same files

/** A leader that has exited has neither executable nor root; its threads, if some live on, have. */
function throughThread<Found>(
  tgid: number,
  through: (thread: string) => Found | undefined,
): Found | undefined {
  const leader = `/proc/${tgid}`
  if (readLink(`${leader}/root`) !== undefined) return undefined
  for (const thread of orUndefined(() => readdirSync(`${leader}/task`))?.slice(0, THREADS_MAX) ?? []) {
    const found = through(`${leader}/task/${thread}`)
    if (found !== undefined) return found
  }
  return undefined
}

/** Reads of an open file. A file that has become shorter is malformed, like one that never was as long as it said. */
export function fileSource({ fd, stats }: OpenFile): ByteSource {
  return {
    size: stats.size,
    read(offset, length) {
      if (!(offset >= 0 && length >= 0 && offset <= stats.size - length))
        throw new MalformedError(
          `bytes ${offset} to ${offset + length} lie outside the file of ${stats.size}`,
        )
      const bytes = new Uint8Array(length)
      for (let at = 0; at < length; ) {
        const read = readSync(fd, bytes, at, length - at, offset + at)
        if (read === 0)
          throw new MalformedError(`the file ends at ${offset + at}, it had ${stats.size} bytes`)
        at += read
      }
      return bytes
    },
  }
}

/** Whether an open file is still as it was when it was opened. */
export function isUnchanged({ fd, stats }: OpenFile): boolean {
  const now = fstatSync(fd)
  return now.size === stats.size && now.mtimeMs === stats.mtimeMs
}

/** What a reading gives; undefined if the system refuses it or the bytes make no sense. */
export function ifReadable<T>(read: () => T): T | undefined {
  try {
    return orUndefined(read)
  } catch (error) {
    if (error instanceof MalformedError) return undefined
    throw error
  }
}

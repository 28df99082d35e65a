// How is /proc read? Bounded, synchronously, and without surprise that a process is gone: everything here may vanish
// between two calls.
import { closeSync, openSync, readlinkSync, readSync } from 'node:fs'

const chunk = new Uint8Array(64 * 1024) // /proc answers in pieces of at most this; shared, since reading is synchronous

/** The first `bytesMax` bytes of a file; undefined when it is gone or may not be read.
 *  cost some 10 µs for a small file of /proc */
export function readBounded(path: string, bytesMax: number): Uint8Array | undefined {
  return orUndefined(() => {
    const fd = openSync(path, 'r')
    try {
      return readAll(fd, bytesMax)
    } finally {
      closeSync(fd)
    }
  })
}

/** As text, UTF-8 or replaced. */
export function readText(path: string, bytesMax: number): string | undefined {
  const bytes = readBounded(path, bytesMax)
  return bytes && new TextDecoder().decode(bytes)
}

/** Where a link of /proc leads; undefined when it is gone or may not be read. */
export const readLink = (path: string): string | undefined => orUndefined(() => readlinkSync(path))

/** What a call of the file system gives; undefined if the system says no, whatever its reason (ENOENT, ESRCH, EACCES…). */
export function orUndefined<T>(call: () => T): T | undefined {
  try {
    return call()
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined
    throw error
  }
}

export interface ProcessStat {
  /** Start in 10 ms ticks since boot, modulo 2^32, as samples carry it. */
  readonly startTicks: number
  readonly isKernelThread: boolean
}

const KERNEL_THREAD = 0x0020_0000 // PF_KTHREAD

/** Reads /proc/PID/stat; undefined when the process is gone. */
export function readStat(tgid: number): ProcessStat | undefined {
  const text = readText(`/proc/${tgid}/stat`, 4096)
  return text === undefined ? undefined : parseStat(text)
}

/** Parses a line of /proc/PID/stat. The name in its second field may hold spaces and parentheses. */
export function parseStat(text: string): ProcessStat | undefined {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ') // begins at field 3
  const flags = Number(fields[6])
  const startTicks = Number(fields[19])
  if (fields.length < 20 || !Number.isSafeInteger(flags) || !Number.isSafeInteger(startTicks))
    return undefined
  return { startTicks: startTicks % 2 ** 32, isKernelThread: (flags & KERNEL_THREAD) !== 0 }
}

function readAll(fd: number, bytesMax: number): Uint8Array {
  let bytes = new Uint8Array(Math.min(bytesMax, chunk.length))
  let length = 0
  while (length < bytesMax) {
    const read = readSync(fd, chunk, 0, Math.min(chunk.length, bytesMax - length), null)
    if (read === 0) break
    if (length + read > bytes.length) {
      const larger = new Uint8Array(Math.min(bytesMax, 2 * bytes.length + read))
      larger.set(bytes.subarray(0, length))
      bytes = larger
    }
    bytes.set(chunk.subarray(0, read), length)
    length += read
  }
  return bytes.slice(0, length)
}

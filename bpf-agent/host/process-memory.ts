// How is another process's memory read? Through /proc/PID/mem, held open: the descriptor belongs to the memory, not to
// the number, so it ends with the program and is never another's, whatever becomes of the PID.
import { closeSync, openSync, readSync } from 'node:fs'
import { orUndefined, readStat } from './proc.ts'

export interface ProcessMemory {
  /** The bytes at an address, fewer where the mapping ends; undefined where nothing is, or nobody lives there any more.
   *  The answer is valid until the next call.  cost 1 to 2 µs */
  read(address: number, bytes: number): Uint8Array | undefined
  close(): void
}

const buffer = new Uint8Array(16 * 1024) // shared, since reading is synchronous
const ADDRESS_MAX = 2 ** 47

/** Opens the memory of a living process; undefined when it is gone, or may not be read. */
export function openProcessMemory(tgid: number, startTicks: number): ProcessMemory | undefined {
  const fd = orUndefined(() => openSync(`/proc/${tgid}/mem`, 'r'))
  if (fd === undefined) return undefined
  if (readStat(tgid)?.startTicks !== startTicks) {
    closeSync(fd)
    return undefined
  }
  return {
    read(address, bytes) {
      if (!(address > 0 && address < ADDRESS_MAX) || bytes > buffer.length) return undefined
      const count = orUndefined(() => readSync(fd, buffer, 0, bytes, address))
      return count ? buffer.subarray(0, count) : undefined
    },
    close: () => closeSync(fd),
  }
}

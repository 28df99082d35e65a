// Whose samples are of processes older than a second? A series has no age, only an executable. So: what every process had
// used when the measuring began is compared with what it had used at the end, and a program counts when the processes that
// lived all the time account for all its samples.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import path from 'node:path'

const USER_HZ = 100
/** A process whose program is known. Key: PID and start, for a PID comes again. */
export type Living = ReadonlyMap<string, { readonly file: string; readonly cpuS: number }>

/** Processes older than a second, with the CPU seconds that each has used. */
export function livingNow(): Living {
  const uptimeS = Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0])
  const living = new Map<string, { file: string; cpuS: number }>()
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const one = processOf(pid)
    if (one && uptimeS - one.startedS > 1) living.set(`${pid} ${one.startedS}`, one)
  }
  return living
}

function processOf(pid: string) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number)
    const file = readlinkSync(`/proc/${pid}/exe`)
    return { file, startedS: fields[19]! / USER_HZ, cpuS: (fields[11]! + fields[12]!) / USER_HZ }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error
    return undefined // it has ended, or is a thread of the kernel
  }
}

/** Programs all of whose samples are of processes that lived from `before` to `after`.
 *  in   samples  executable → how many came in this time
 *  out  executable → its file */
export function livedThroughout(
  { before, after }: { readonly before: Living; readonly after: Living },
  samples: ReadonlyMap<string, number>,
  frequencyHz: number,
): ReadonlyMap<string, string> {
  const used = new Map<string, number>()
  const files = new Map<string, string>()
  for (const [key, { file, cpuS }] of before) {
    const end = after.get(key)
    if (end === undefined || end.file !== file) continue
    const executable = path.basename(file)
    used.set(executable, (used.get(executable) ?? 0) + end.cpuS - cpuS)
    files.set(executable, file)
  }
  // Windows begin and end up to some seconds beside the readings, and a share of few samples is a rough one.
  const allowedS = (usedS: number) => usedS * 1.15 + 1
  return new Map(
    [...files].filter(([executable]) => {
      const seenS = (samples.get(executable) ?? 0) / frequencyHz
      return seenS > 0 && seenS <= allowedS(used.get(executable)!)
    }),
  )
}

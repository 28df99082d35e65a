// Who is meant by a PID? That process and all that descends from it: those that live already, by /proc, and those that
// come, by fork events.
import { readdirSync } from 'node:fs'
import { orUndefined, readStat, readText } from './proc.ts'

export interface Family {
  /** Adds a living process and its living descendants.
   *  out  false: no process has this PID.   cost one small file per process of the host */
  add(tgid: number): boolean
  onFork(parentTgid: number, childTgid: number, startTicks: number): void
  onExit(tgid: number, startTicks: number): void
  /** A member, living or lately ended. */
  has(tgid: number, startTicks: number): boolean
  /** Forgets those who had ended before the call before this one: all their samples have been read since. */
  settle(): void
  /** Members that live. */
  readonly living: number
}

/** Makes an empty family.
 *  in  listProcesses  the PIDs of all living processes */
export function createFamily(listProcesses: () => readonly number[] = livingProcesses): Family {
  const members = new Set<string>()
  const livingStart = new Map<number, number>() // by PID
  let ended: string[] = []
  let endedBefore: string[] = []

  function admit(tgid: number, startTicks: number): void {
    members.add(keyOf(tgid, startTicks))
    livingStart.set(tgid, startTicks)
  }

  function add(tgid: number): boolean {
    const stat = readStat(tgid)
    if (stat === undefined) return false
    admit(tgid, stat.startTicks)
    const childrenOf = childrenByParent(listProcesses())
    const toVisit = [tgid]
    const visited = new Set(toVisit) // a PID that is reused while we read could close a circle
    for (let parent = toVisit.pop(); parent !== undefined; parent = toVisit.pop())
      for (const child of childrenOf.get(parent) ?? []) {
        const found = visited.has(child) ? undefined : readStat(child)
        if (found === undefined) continue
        visited.add(child)
        admit(child, found.startTicks)
        toVisit.push(child)
      }
    return true
  }

  return {
    add,
    onFork(parentTgid, childTgid, startTicks) {
      if (livingStart.has(parentTgid)) admit(childTgid, startTicks)
    },
    onExit(tgid, startTicks) {
      if (livingStart.get(tgid) !== startTicks) return
      livingStart.delete(tgid)
      ended.push(keyOf(tgid, startTicks))
    },
    has: (tgid, startTicks) => members.has(keyOf(tgid, startTicks)),
    settle() {
      for (const key of endedBefore) members.delete(key)
      endedBefore = ended
      ended = []
    },
    get living() {
      return livingStart.size
    },
  }
}

const keyOf = (tgid: number, startTicks: number) => `${tgid} ${startTicks}`

/** PIDs of all living processes, ascending; none where /proc cannot be read. */
export function livingProcesses(): number[] {
  return (orUndefined(() => readdirSync('/proc')) ?? []).filter((name) => /^\d+$/.test(name)).map(Number)
}

function childrenByParent(processes: readonly number[]): Map<number, number[]> {
  const childrenOf = new Map<number, number[]>()
  for (const tgid of processes) {
    const parent = parentOf(tgid)
    if (parent === undefined) continue
    const children = childrenOf.get(parent) ?? []
    childrenOf.set(parent, children)
    children.push(tgid)
  }
  return childrenOf
}

/** Field 4 of /proc/PID/stat; the name before it may hold spaces and parentheses. */
function parentOf(tgid: number): number | undefined {
  const text = readText(`/proc/${tgid}/stat`, 4096)
  const parent = text === undefined ? Number.NaN : Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1])
  return Number.isSafeInteger(parent) ? parent : undefined
}

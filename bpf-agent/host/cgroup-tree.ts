// Which cgroups lie in this one? A sample carries the inode of the innermost directory its process is in; who names a
// cgroup means all below it too.
import { type BigIntStats, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { orUndefined } from './proc.ts'

const FOLDERS_MAX = 10_000 // a node of 500 pods has some 2,000

export interface CgroupTree {
  has(idHigh: number, idLow: number): boolean
  /** Reads the directories again: cgroups come and go. */
  refresh(): void
}

/** Reads the directories at and below `folder`, at most 10,000 of them.
 *  out  undefined when `folder` is no directory that can be read */
export function openCgroupTree(folder: string): CgroupTree | undefined {
  let ids = new Set<string>()
  const refresh = () => {
    ids = new Set(idsBelow(folder))
  }
  refresh()
  return ids.size === 0 ? undefined : { has: (high, low) => ids.has(`${high} ${low}`), refresh }
}

function idsBelow(folder: string): string[] {
  const ids: string[] = []
  const toVisit = [folder]
  for (let at = toVisit.pop(); at !== undefined && ids.length < FOLDERS_MAX; at = toVisit.pop()) {
    const path = at
    const stat: BigIntStats | undefined = orUndefined(() => statSync(path, { bigint: true }))
    if (stat === undefined || !stat.isDirectory()) continue // it has just gone
    ids.push(`${Number(stat.ino >> 32n)} ${Number(stat.ino & 0xffff_ffffn)}`)
    const entries = orUndefined(() => readdirSync(path, { withFileTypes: true })) ?? []
    for (const entry of entries) if (entry.isDirectory()) toVisit.push(join(path, entry.name))
  }
  return ids
}

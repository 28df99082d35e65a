import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { openCgroupTree } from './cgroup-tree.ts'

const work = mkdtempSync(path.join(tmpdir(), 'flametrail-cgroups-'))
afterAll(() => rmSync(work, { recursive: true, force: true }))

it('holds a directory and all below it, also those that come later', () => {
  const inside = path.join(work, 'service', 'a', 'b')
  const outside = path.join(work, 'other')
  mkdirSync(inside, { recursive: true })
  mkdirSync(outside)
  writeFileSync(path.join(work, 'service', 'cgroup.procs'), '')
  const tree = openCgroupTree(path.join(work, 'service'))!
  const has = (folder: string) => {
    const { ino } = statSync(folder, { bigint: true })
    return tree.has(Number(ino >> 32n), Number(ino & 0xffff_ffffn))
  }
  expect([has(path.join(work, 'service')), has(inside), has(outside)]).toEqual([true, true, false])
  const late = path.join(inside, 'late')
  mkdirSync(late)
  tree.refresh()
  expect(has(late)).toBe(true)
  rmSync(path.join(work, 'service'), { recursive: true })
  tree.refresh()
  expect(tree.has(0, 1)).toBe(false)
})

it('opens only what is a directory', () => {
  writeFileSync(path.join(work, 'file'), '')
  expect(openCgroupTree(path.join(work, 'file'))).toBeUndefined()
  expect(openCgroupTree(path.join(work, 'nowhere'))).toBeUndefined()
})

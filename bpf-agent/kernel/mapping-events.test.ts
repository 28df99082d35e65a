// The real kernel: needs root, or PERFMON.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseCpuList } from './cpus.ts'
import { openMappingEvents } from './mapping-events.ts'

const isRoot = process.getuid?.() === 0
const cpus = isRoot ? parseCpuList(readFileSync('/sys/devices/system/cpu/online', 'latin1')) : []

describe.skipIf(!isRoot)('records of mapped code', () => {
  it('wake us when a program is executed, and name it once', async () => {
    const events = openMappingEvents(cpus)
    try {
      events.take()
      const waiting = events.wait(10_000)
      const { pid } = spawnSync('/bin/true')
      await waiting
      const tgids = events.take()
      expect(tgids).toContain(pid)
      expect(new Set(tgids).size).toBe(tgids.length)
    } finally {
      events.close()
    }
  })

  it('go on after the ring has turned many times', () => {
    const events = openMappingEvents(cpus)
    try {
      const missing: number[] = []
      for (let i = 0; i < 300; i++) {
        const { pid } = spawnSync('/bin/true')
        if (!events.take().includes(pid)) missing.push(pid)
      }
      expect(missing).toEqual([])
    } finally {
      events.close()
    }
  })

  it('end a wait when nothing comes, and when they are closed', async () => {
    const events = openMappingEvents(cpus.slice(0, 1))
    events.take()
    await events.wait(20)
    const waiting = events.wait(600_000)
    events.close()
    await waiting
    await events.wait(600_000)
    events.close()
  })
})

import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { type Living, livedThroughout, livingNow } from './lived-throughout.ts'

const living = (...rows: readonly (readonly [key: string, file: string, cpuS: number])[]): Living =>
  new Map(rows.map(([key, file, cpuS]) => [key, { file, cpuS }]))
const FREQUENCY_HZ = 10

describe('programs whose processes lived all the time', () => {
  const before = living(['1 5', '/usr/bin/xz', 10], ['2 5', '/bin/sh', 1], ['3 5', '/bin/gone', 1])
  const after = living(['1 5', '/usr/bin/xz', 30], ['2 5', '/bin/sh', 1], ['4 9', '/bin/late', 9])
  const found = (samples: Record<string, number>) => [
    ...livedThroughout({ before, after }, new Map(Object.entries(samples)), FREQUENCY_HZ).keys(),
  ]

  it('account for all samples of their program', () => {
    expect(found({ xz: 200 })).toEqual(['xz'])
  })
  it('do not when younger processes of the same program ran, too', () => {
    expect(found({ xz: 300, sh: 200 })).toEqual([])
  })
  it('are none when they came later, had gone, or were never sampled', () => {
    expect(found({ late: 90, gone: 10 })).toEqual([])
  })
  it('are others when the PID came again or another program was executed', () => {
    const again = living(['1 7', '/usr/bin/xz', 30], ['2 5', '/bin/bash', 1])
    const samples = new Map([['xz', 1], ['sh', 1], ['bash', 1]]) // biome-ignore format: a table
    expect(livedThroughout({ before, after: again }, samples, FREQUENCY_HZ).size).toBe(0)
  })
})

describe('who lives now', () => {
  it('knows this process by PID and start, and nobody younger than a second', () => {
    const fields = execFileSync('cat', [`/proc/${process.pid}/stat`], { encoding: 'latin1' })
    const start = Number(fields.slice(fields.lastIndexOf(')') + 2).split(' ')[19]) / 100
    const uptimeS = process.uptime()
    const me = livingNow().get(`${process.pid} ${start}`)
    if (uptimeS > 2) expect(me?.file).toBe(process.execPath)
    const { pid } = JSON.parse(
      execFileSync(process.execPath, ['-p', 'JSON.stringify({ pid: process.pid })'], { encoding: 'utf8' }),
    ) as { pid: number }
    expect([...livingNow().keys()].some((key) => key.startsWith(`${pid} `))).toBe(false)
  })
})

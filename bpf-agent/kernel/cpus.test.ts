import { describe, expect, it } from 'vitest'
import { parseCpuList } from './cpus.ts'

describe('parseCpuList', () => {
  it.each([
    ['0-3\n', [0, 1, 2, 3]],
    ['0,2-3,8', [0, 2, 3, 8]],
    ['5', [5]],
    ['', []],
    ['\n', []],
    ['x,1,2-', [1]],
    ['3-1', []],
  ])('reads %j', (text, cpus) => {
    expect(parseCpuList(text)).toEqual(cpus)
  })

  it('is bounded', () => {
    expect(parseCpuList('0-99999')).toHaveLength(8192)
  })
})

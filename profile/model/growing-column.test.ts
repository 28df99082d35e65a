import { describe, expect, it } from 'vitest'
import { GrowingColumn, int32Column } from './growing-column.ts'

describe('GrowingColumn', () => {
  it('keeps every row while it grows, and its kind', () => {
    const column = int32Column()
    for (let i = 0; i < 1000; i++) column.push(i - 500)
    expect(column.length).toBe(1000)
    expect([column.at(0), column.at(999)]).toEqual([-500, 499])
    expect(column.finish()).toBeInstanceOf(Int32Array)
    expect(column.finish()).toHaveLength(1000)
  })
  it('leaves a view taken early right', () => {
    const column = new GrowingColumn(new Float64Array(1))
    column.push(1)
    const early = column.view()
    for (let i = 0; i < 100; i++) column.push(2)
    expect([...early]).toEqual([1])
    expect(column.view(99)).toHaveLength(2)
  })
  it('forgets what is truncated and changes what is set', () => {
    const column = int32Column()
    for (const value of [1, 2, 3]) column.push(value)
    column.truncate(1)
    column.set(0, 7)
    expect([...column.finish()]).toEqual([7])
  })
})

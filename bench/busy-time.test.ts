import { describe, expect, it } from 'vitest'
import { at, readingOf } from './busy-time.ts'

describe('a reading of /proc/stat', () => {
  it('takes idle, waiting and stolen time of all CPUs together', () => {
    const text = 'cpu  10 1 20 300 40 0 5 6 0 0\ncpu0 5 1 10 150 20 0 5 6 0 0\n'
    expect(readingOf(text, 7)).toEqual({ wallMs: 7, notOursMs: 3460, stolenMs: 60 })
  })
  it.each(['', 'cpu0 1 2 3 4', 'cpu  1 2 3', 'cpu  a b c d'])('refuses %j', (text) => {
    expect(() => readingOf(text, 0)).toThrow('/proc/stat begins with')
  })
})

describe('the reading at a moment', () => {
  const readings = [
    { wallMs: 100, notOursMs: 10, stolenMs: 0 },
    { wallMs: 200, notOursMs: 110, stolenMs: 4 },
  ]
  it.each([
    [100, 10, 0],
    [125, 35, 1],
    [200, 110, 4],
  ])('%d ms lies on the line between its neighbours', (wallMs, notOursMs, stolenMs) => {
    expect(at(readings, wallMs)).toEqual({ wallMs, notOursMs, stolenMs })
  })
  it.each([99, 201])('%d ms lies outside', (wallMs) => {
    expect(() => at(readings, wallMs)).toThrow('outside')
  })
})

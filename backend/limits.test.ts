import { describe, expect, it } from 'vitest'
import { LIMITS, limitsOf } from './limits.ts'

describe('limitsOf', () => {
  it('gives every default when nothing is overridden', () => {
    const limits = limitsOf()
    expect(Object.keys(limits)).toEqual(Object.keys(LIMITS))
    expect(limits['ingest.maxAge']).toBe(26 * 3_600_000)
  })

  it('changes what is overridden and nothing else', () => {
    const limits = limitsOf({ 'store.minFree': 1 })
    expect(limits).toEqual({ ...limitsOf(), 'store.minFree': 1 })
  })

  it('refuses an unknown key by name', () => {
    expect(() => limitsOf({ sampleMax: 1 })).toThrow('limits.sampleMax is no limit; there are bodyBytes,')
    expect(() => limitsOf({ __proto__x: 1, toString: 2 })).toThrow('is no limit')
  })

  it.each([0, -1, 1.5, Number.NaN, '7', null, 2 ** 60])('refuses %j as a value', (value) => {
    expect(() => limitsOf({ bodyBytes: value })).toThrow('it takes a whole number above 0 (bytes)')
  })
})

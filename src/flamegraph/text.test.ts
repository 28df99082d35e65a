import { describe, expect, it } from 'vitest'
import { cleanName, shorten } from '#profile/picture/clean-name'
import { grouped, makeFormat, mark, percent, points } from '#profile/picture/format'
import { readingRule } from '#profile/picture/reading-rule'
import { commandOf, KEYS } from './keys.ts'

describe('cleanName', () => {
  it('shows what turns the direction of writing or takes no room', () => {
    expect(cleanName('user\u202eni\u200bmda')).toBe('user\\u{202e}ni\\u{200b}mda')
    expect(cleanName('a\nb\u0000c\u0007')).toBe('a\\u{a}b\\u{0}c\\u{7}')
  })
  it('leaves letters of any script, and markup, as they are', () => {
    expect(cleanName('größe<img src=x>日本')).toBe('größe<img src=x>日本')
  })
})

describe('shorten', () => {
  it('cuts in the middle, keeping both ends', () => {
    expect(shorten('abcdefghij', 5)).toBe('ab…ij')
    expect(shorten('abc', 5)).toBe('abc')
    expect(shorten('abcdef', 1)).toBe('…')
  })
})

describe('values with units', () => {
  const cpu = makeFormat('nanoseconds', 'CPU')
  it('scales time to three digits', () => {
    expect([0, 950, 1_320_000, 45_000_000, 2.78e11, 1.2345e13].map(cpu)).toEqual([
      '0 s CPU',
      '950 ns CPU',
      '1.32 ms CPU',
      '45.0 ms CPU',
      '278 s CPU',
      '12,345 s CPU',
    ])
  })
  it('counts bytes in powers of two and other units in full', () => {
    expect(makeFormat('bytes')(3.5 * 2 ** 20)).toBe('3.50 MiB')
    expect(makeFormat('count')(1_234_567)).toBe('1,234,567')
    expect(makeFormat('widgets')(12)).toBe('12 widgets')
    expect(grouped(-1234.5)).toBe('-1,234.5')
  })
})

describe('shares and points', () => {
  it('says what rounds to nothing but is there', () => {
    expect([0, 0.0001, 0.001, 0.342, 0.9999, 1].map(percent)).toEqual([
      '0 %',
      '<0.1 %',
      '0.1 %',
      '34.2 %',
      '99.9 %',
      '100 %',
    ])
    expect(percent(Number.NaN)).toBe('–')
  })
  it('gives every difference a sign, in points and as a mark', () => {
    expect([0.142, -0.05, 0.0001].map(points)).toEqual(['+14.2 pt', '−5.0 pt', '±0.0 pt'])
    expect([0.142, -0.05, 0.0001].map(mark)).toEqual(['▲', '▼', ''])
  })
})

describe('keys', () => {
  const press = (key: string, over = {}) => ({ key, ctrlKey: false, altKey: false, metaKey: false, ...over })
  it('leaves keys with Ctrl, Alt and Meta to the browser and Grafana', () => {
    expect(commandOf(press('o'))).toBe('orientation')
    for (const modifier of ['ctrlKey', 'altKey', 'metaKey'])
      expect(commandOf(press('o', { [modifier]: true }))).toBeUndefined()
    expect(commandOf(press('v'))).toBeUndefined()
  })
  it('gives no key two meanings', () => {
    const keys = KEYS.flatMap((row) => row.keys)
    expect(new Set(keys).size).toBe(keys.length)
  })
})

describe('readingRule', () => {
  it('starts where the base is', () => {
    const rule = (orientation: 'flame' | 'icicle', isInverted: boolean, isDiff = false) =>
      readingRule({ orientation, isInverted, isDiff })
    expect(rule('flame', false)).toMatch(/^Start at the bottom\. A bar was called by the bar under it/)
    expect(rule('icicle', false)).toMatch(/^Start at the top\. A bar was called by the bar over it/)
    expect(rule('flame', true)).toMatch(/what lies on a bar are its callers/)
    expect(rule('icicle', false, true)).toMatch(/mean of both shares/)
  })
})

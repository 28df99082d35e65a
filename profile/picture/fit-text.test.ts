import { describe, expect, it } from 'vitest'
import { breakLines, fitText } from './fit-text.ts'

describe('fitText', () => {
  it.each([
    ['epoll_wait', 10, 'epoll_wait'],
    ['epoll_wait', 9, 'epoll_wa…'],
    ['epoll_wait', 3, 'ep…'],
    ['epoll_wait', 2, ''],
    ['gc', 3, 'gc'],
    ['日本語', 6, '日本語'],
    ['日本語', 5, '日本…'],
    ['𝒻𝓁𝒶𝓂𝑒', 5, '𝒻𝓁…'],
    ['', 9, ''],
  ])('cuts %j to %i columns: %j', (text, columns, fitted) => {
    expect(fitText(text, columns)).toBe(fitted)
  })
})

describe('breakLines', () => {
  it('breaks at blanks, and words that are longer than a line', () => {
    expect(breakLines('read the docs', 8)).toEqual(['read the', 'docs'])
    expect(breakLines('abcdefghij kl', 4)).toEqual(['abcd', 'efgh', 'ij', 'kl'])
    expect(breakLines('', 4)).toEqual([])
  })
})

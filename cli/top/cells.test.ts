import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cellsOf, cutEnd, fitCells } from './cells.ts'

describe('a text in cells', () => {
  it.each([
    ['main', 6, 'main  '],
    ['runtime.mallocgc', 9, 'runt…ocgc'],
    ['abc', 1, '…'],
    ['abc', 0, ''],
    ['', 2, '  '],
    ['日本語', 6, '日本語'],
    ['日本語', 5, '日…語'],
    ['e\u0301a', 3, 'e\u0301a '],
  ])('%j in %i cells is %j', (text, width, expected) => {
    expect(fitCells(text, width)).toBe(expected)
  })
  it('stands to the right where numbers do', () => {
    expect(fitCells('1.0', 5, 'right')).toBe('  1.0')
  })
  it('moves no cursor', () => {
    expect(fitCells('a\u001b[2Jb\u202ec\n', 40).trimEnd()).toBe('a\\u{1b}[2Jb\\u{202e}c\\u{a}')
  })
  it('counts wide letters twice and marks not at all', () => {
    expect(['ab', 'ä', '한글', '🔥', 'e\u0301'].map(cellsOf)).toEqual([2, 1, 4, 2, 1])
  })
  it('takes exactly its cells, whatever it holds', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 30 })
    fc.assert(
      fc.property(text, fc.nat(40), (name, width) => {
        expect(cellsOf(fitCells(name, width))).toBe(width)
        expect(cellsOf(cutEnd(name, width))).toBeLessThanOrEqual(width)
      }),
    )
  })
})

import { describe, expect, it } from 'vitest'
import { cutMiddle, printable, printTable, printValue } from './output.ts'

describe('printTable', () => {
  it('aligns columns under their titles', () => {
    const columns = [
      { title: 'function', align: 'left' },
      { title: 'self', align: 'right' },
    ] as const
    expect(
      printTable(columns, [
        ['main', '1'],
        ['parse_json', '42'],
      ]),
    ).toBe('function    self\nmain           1\nparse_json    42\n')
  })
  it('lets no name write to the terminal', () => {
    expect(printable('evil\u001b[2J\u202ename\n')).toBe('evil?[2J?name?')
  })
  it.each([
    0x00, 0x1b, 0x7f, 0x9b, 0xad, 0x61c, 0x180e, 0x200f, 0x2028, 0x202e, 0x2066, 0xfeff, 0xfff9, 0xfffb,
  ])('shows U+%x as a question mark, and its neighbours as they are', (code) => {
    expect(printable(`a${String.fromCharCode(code)}b`)).toBe('a?b')
  })
  it('leaves letters of all scripts alone', () => {
    const text = 'größe Ω 関数 функция دالة \u00ac\u00ae\u061b\u180f\ufff8\ufffc'
    expect(printable(text)).toBe(text)
  })
  it('cuts a long name in the middle and keeps both ends', () => {
    expect(cutMiddle('abcdefghij', 5)).toBe('ab…ij')
  })
})

describe('printValue', () => {
  it.each([
    [1_500_000_000, 'nanoseconds', '1.50 s'],
    [52_631_578, 'nanoseconds', '53 ms'],
    [7_200e9, 'nanoseconds', '2.0 h'],
    [1536, 'bytes', '1.5 KB'],
    [3, 'count', '3'],
  ])('prints %d %s as %s', (value, unit, text) => {
    expect(printValue(value, unit)).toBe(text)
  })
})

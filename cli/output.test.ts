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

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { emptyPerfTable, perfNameAt, perfTableBytes, readPerfLines } from './perf-table.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const NOTHING = new Uint8Array()
function tableOf(text: string) {
  const table = emptyPerfTable()
  readPerfLines(table, NOTHING, bytes(text))
  return table
}
const names = (text: string, addresses: readonly number[]) => {
  const table = tableOf(text)
  return addresses.map((address) => perfNameAt(table, address))
}

describe('readPerfLines', () => {
  it('reads names with spaces and parentheses, with and without 0x', () => {
    expect(
      names('1000 10 JS:*f (a b) file.js:1\n0x2000 0x8 stub\n', [0x1000, 0x100f, 0x1010, 0x2007]),
    ).toEqual(['JS:*f (a b) file.js:1', 'JS:*f (a b) file.js:1', undefined, 'stub'])
  })

  it('lets later lines win where code was moved over older code', () => {
    //  1000 ......old...... 1100
    //        1040 .new. 1080        older but nested and longer start: the latest that covers wins
    expect(names('1000 100 old\n1040 40 new\n', [0x1000, 0x1050, 0x1090])).toEqual(['old', 'new', 'old'])
    expect(names('1040 40 old\n1000 100 new\n', [0x1000, 0x1050, 0x1090])).toEqual(['new', 'new', 'new'])
    expect(names('1000 10 old\n1000 10 new\n', [0x1000])).toEqual(['new'])
  })

  it('reads on where a line was cut, and after look-ups', () => {
    const table = emptyPerfTable()
    const rest = readPerfLines(table, NOTHING, bytes('1000 10 first\n20'))
    expect(perfNameAt(table, 0x2000)).toBeUndefined()
    expect(readPerfLines(table, rest, bytes('00 10 second\n0800 8 zeroth\n'))).toEqual(NOTHING)
    expect([0x800, 0x1000, 0x2000].map((address) => perfNameAt(table, address))).toEqual([
      'zeroth',
      'first',
      'second',
    ])
  })

  it.each([
    '',
    '\n',
    '1000\n',
    '1000 10\n',
    '1000 10 \n',
    'x 10 a\n',
    '1000 0 a\n',
    '-1 10 a\n',
    'ffffffffffffffff ff a\n',
    '1000 10 no line feed',
  ])('leaves out %j', (text) => {
    expect(tableOf(text).count).toBe(0)
  })

  it('throws away a line without end instead of keeping it', () => {
    const table = emptyPerfTable()
    expect(readPerfLines(table, NOTHING, bytes('1'.repeat(9000))).length).toBe(0)
    expect(readPerfLines(table, NOTHING, bytes(`${'1'.repeat(9000)}\n1000 10 a\n`)).length).toBe(0)
    expect(table.count).toBe(1)
  })

  it('keeps at most 8 MiB of names, and says that it is full', () => {
    const line = `1000 10 ${'n'.repeat(4000)}\n`
    const table = emptyPerfTable()
    const chunk = bytes(line.repeat(100))
    for (let i = 0; i < 50; i++) readPerfLines(table, NOTHING, chunk)
    expect(perfTableBytes(table)).toBeLessThanOrEqual(9 * 1024 * 1024)
    expect([table.count, table.isFull]).toEqual([2097, true])
    expect(perfNameAt(table, 0x1000)).toBe('n'.repeat(4000))
  })

  it('keeps at most 131,072 entries in 13 MiB, and says that it is full', () => {
    const table = emptyPerfTable()
    const line = (i: number) => `${(i * 16).toString(16)} 10 f${i}\n`
    for (let i = 0; i < 200_000; i += 1000)
      readPerfLines(table, NOTHING, bytes(Array.from({ length: 1000 }, (_, k) => line(i + k)).join('')))
    expect([table.count, table.isFull]).toEqual([131_072, true])
    expect([perfNameAt(table, 16 * 131_071), perfNameAt(table, 16 * 131_072)]).toEqual(['f131071', undefined])
    expect(perfTableBytes(table)).toBeLessThan(13 * 1024 * 1024)
  })

  it('equals ten naive lines, however the text is cut', () => {
    const entry = fc.tuple(fc.nat(60), fc.integer({ min: 1, max: 20 }))
    fc.assert(
      fc.property(
        fc.array(entry, { maxLength: 40 }),
        fc.array(fc.nat(80)),
        fc.nat(50),
        (entries, addresses, cut) => {
          const text = entries
            .map(([start, size], i) => `${start.toString(16)} ${size.toString(16)} f${i}\n`)
            .join('')
          const table = emptyPerfTable()
          const rest = readPerfLines(table, NOTHING, bytes(text.slice(0, cut)))
          perfNameAt(table, 0)
          readPerfLines(table, rest, bytes(text.slice(cut)))
          for (const address of addresses) {
            const naive = entries.findLastIndex(([start, size]) => address >= start && address < start + size)
            expect(perfNameAt(table, address)).toBe(naive === -1 ? undefined : `f${naive}`)
          }
        },
      ),
    )
  })
})

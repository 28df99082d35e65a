import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { equalMappings, MAPS_LINES_MAX, mappingAt, parseMappings } from './mappings.ts'

const parse = (text: string) => parseMappings(new TextEncoder().encode(text))
const rows = (text: string) => {
  const { start, end, offset, file, path } = parse(text)
  return file.map((name, i) => [start[i], end[i], offset[i], name, path[i]])
}

describe('parseMappings', () => {
  it('keeps what is executable, with file and place', () => {
    expect(
      rows(`\
557d6088c000-557d6088e000 r--p 00000000 fe:00 247278                     /usr/bin/head
557d6088e000-557d60894000 r-xp 00002000 fe:00 247278                     /usr/bin/head
7fe420cb7000-7fe420cbb000 rw-p 00000000 00:00 0
7fe420cbb000-7fe420cbd000 rwxp 00000000 00:00 0
7fe420cdb000-7fe420cdd000 r-xp 00000000 00:00 0                          [vdso]
7fe420cdd000-7fe420cde000 r-xs 0000a000 00:1f 9007199254740993           /tmp/a name with spaces (deleted)
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]
`),
    ).toEqual([
      [0x557d6088e000, 0x557d60894000, 0x2000, 'fe:00:247278', '/usr/bin/head'],
      [0x7fe420cbb000, 0x7fe420cbd000, 0, '', ''],
      [0x7fe420cdb000, 0x7fe420cdd000, 0, '', '[vdso]'],
      [0x7fe420cdd000, 0x7fe420cde000, 0xa000, '00:1f:9007199254740993', '/tmp/a name with spaces (deleted)'],
    ])
  })

  it("agrees with a naive reading of this process's own", () => {
    const text = readFileSync('/proc/self/maps', 'utf8')
    const naive = text
      .split('\n')
      .filter((line) => line.split(' ')[1]?.[2] === 'x' && !line.includes('vsyscall'))
      .map((line) => Number.parseInt(line, 16))
    expect(naive.length).toBeGreaterThan(3)
    expect([...parse(text).start]).toEqual(naive)
  })

  it.each([
    '',
    '\n\n',
    'x',
    '1000-2000',
    '1000-2000 r-xp',
    '1000-2000 r-xp 0 fe:00',
    '2000-1000 r-xp 00000000 fe:00 1 /a',
    'zz00-2000 r-xp 00000000 fe:00 1 /a',
    '1000-20000000000000 r-xp 00000000 fe:00 1 /a',
  ])('leaves out a line that the kernel would not write: %j', (line) => {
    expect(rows(line)).toEqual([])
  })

  it('reads a last line without a line feed, and drops mappings that overlap', () => {
    expect(rows('1000-3000 r-xp 00000000 fe:00 1 /a\n2000-4000 r-xp 00000000 fe:00 1 /b')).toHaveLength(1)
  })

  it('reads no more lines than its bound', () => {
    const lines = Array.from(
      { length: MAPS_LINES_MAX + 10 },
      (_, i) => `${(i * 4096).toString(16)}-${(i * 4096 + 4096).toString(16)} r-xp 00000000 00:00 0\n`,
    )
    expect(parse(lines.join('')).start.length).toBe(MAPS_LINES_MAX)
  })

  it('survives any bytes', () => {
    const pieces = fc.oneof(
      fc.constantFrom('1000-2000 r-xp 0 fe:00 1 /a', '-', ' ', '\n', 'r-xp', '\0'),
      fc.string(),
    )
    fc.assert(
      fc.property(fc.array(pieces), (parts) => {
        const { start, end, path } = parse(parts.join(''))
        for (let i = 0; i < start.length; i++) {
          expect(end[i]).toBeGreaterThan(start[i]!)
          expect(start[i]).toBeGreaterThanOrEqual(end[i - 1] ?? 0)
          expect(path[i]).toBeDefined()
        }
      }),
    )
  })
})

describe('mappingAt', () => {
  const mappings = parse(
    '1000-2000 r-xp 0 fe:00 1 /a\n2000-3000 r-xp 0 fe:00 2 /b\n5000-6000 r-xp 0 fe:00 3 /c',
  )

  it('finds the mapping that holds an address, its end excluded', () => {
    const at = [0, 0xfff, 0x1000, 0x1fff, 0x2000, 0x2fff, 0x3000, 0x5000, 0x6000, 2 ** 64]
    expect(at.map((address) => mappingAt(mappings, address))).toEqual([-1, -1, 0, 0, 1, 1, -1, 2, -1, -1])
  })

  it('tells equal lists from others', () => {
    expect(equalMappings(mappings, mappings)).toBe(true)
    expect(equalMappings(mappings, parse('1000-2000 r-xp 0 fe:00 1 /a'))).toBe(false)
    expect(equalMappings(parse('1000-2000 r-xp 0 fe:00 1 /a'), parse('1000-2000 r-xp 0 fe:00 9 /a'))).toBe(
      false,
    )
  })
})

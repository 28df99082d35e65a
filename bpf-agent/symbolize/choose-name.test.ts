import { describe, expect, it } from 'vitest'
import { chooseName } from './choose-name.ts'

describe('chooseName', () => {
  it.each([
    [['_IO_puts', 'puts'], 'puts'],
    [['__libc_read', '__read', 'read'], 'read'],
    [['__memcpy_avx_unaligned', '__memmove_avx_unaligned'], '__memcpy_avx_unaligned'],
    [['b', 'a'], 'a'],
    [['_ZN1aC2Ev', '_ZN1aC1Ev'], '_ZN1aC1Ev'],
    [['evil\u001b[2J'], 'evil?[2J'],
    [[], undefined],
  ])('of %j it is %j', (names, name) => {
    expect(chooseName(names)).toBe(name)
    expect(chooseName([...names].reverse())).toBe(name)
  })
})

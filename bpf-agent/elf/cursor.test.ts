import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Cursor, MalformedError } from './cursor.ts'

const little = { name: 'page', isLittleEndian: true }
const big = { name: 'page', isLittleEndian: false }
const over = (bytes: readonly number[], shape = little) => new Cursor(Uint8Array.from(bytes), shape)

describe('Cursor', () => {
  it('reads numbers in both byte orders', () => {
    const bytes = [1, 2, 3, 4, 5, 6, 7, 8]
    expect(over(bytes).u16()).toBe(0x0201)
    expect(over(bytes, big).u16()).toBe(0x0102)
    expect(over(bytes).u32()).toBe(0x04030201)
    expect(over([1, 2, 3, 4, 5, 6, 7, 0]).u64()).toBe(0x07060504030201)
    expect(over([0, 2, 3, 4, 5, 6, 7, 8], big).u64()).toBe(0x02030405060708)
  })

  it('reads inside a view that does not begin at its buffer', () => {
    const bytes = new Uint8Array([9, 9, 1, 0]).subarray(2)
    expect(new Cursor(bytes, little).u16()).toBe(1)
  })

  it('says where and of what the bytes ended', () => {
    expect(() => over([1, 2]).u32()).toThrow('page: 4 bytes wanted at 0, 2 left')
    expect(() => over([1]).seek(2)).toThrow('page: position 2 lies outside its 1 bytes')
    expect(() => over([1]).skip(-1)).toThrow(MalformedError)
    expect(() => over([1]).bytes(Number.NaN)).toThrow(MalformedError)
  })

  it('refuses numbers that a double cannot hold', () => {
    expect(() => over([0, 0, 0, 0, 0, 0, 0x20, 0]).u64()).toThrow('exceeds 2^53')
    expect(() => over(Array(10).fill(0xff)).uleb()).toThrow('exceeds 2^53')
    expect(() => over(Array(11).fill(0x80)).uleb()).toThrow('longer than 10 bytes')
  })

  it('reads strings up to NUL, up to a bound, up to the end, and replaces what is not UTF-8', () => {
    const cursor = over([0x61, 0, 0x62, 0x63, 0xff])
    expect(cursor.string(10)).toBe('a')
    expect(cursor.string(1)).toBe('b')
    expect(over([0x62, 0xff]).string(10)).toBe('b\ufffd')
    expect(over([]).string(10)).toBe('')
  })

  it('reads back every LEB128', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        const bytes: number[] = []
        let rest = value
        do {
          bytes.push((rest % 128) + (rest >= 128 ? 128 : 0))
          rest = Math.floor(rest / 128)
        } while (rest > 0)
        expect(over(bytes).uleb()).toBe(value)
      }),
    )
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Cursor } from '../elf/cursor.ts'
import { isReadable, readPointer, readValue, sleb } from './pointer.ts'

const cursorOf = (...bytes: number[]) =>
  new Cursor(Uint8Array.from(bytes), { name: 'drawn', isLittleEndian: true })

describe('sleb', () => {
  it('reads what was written, both signs', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        expect(sleb(cursorOf(...slebBytes(value)))).toBe(value)
      }),
    )
  })
  it('refuses what ends early, is too long or too large', () => {
    expect(() => sleb(cursorOf(0x80))).toThrow(/wanted/)
    expect(() => sleb(cursorOf(...Array.from({ length: 11 }, () => 0x80)))).toThrow(/longer than 10 bytes/)
    expect(() => sleb(cursorOf(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x3f))).toThrow(/beyond 2\^53/)
  })
})

describe('pointers', () => {
  it('are relative to their own place, forwards and backwards', () => {
    expect(readPointer(cursorOf(0, 0, 0xfe, 0xff, 0xff, 0xff).skip(2), 0x1b, 0x1000)).toBe(0x1000)
    expect(readPointer(cursorOf(0x10, 0, 0, 0, 0, 0, 0, 0), 0x1c, 0x1000)).toBe(0x1010)
    expect(readPointer(cursorOf(0xf0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), 0x10, 0x1000)).toBe(0xff0)
  })
  it('have formats with and without sign', () => {
    expect(readValue(cursorOf(0xff, 0xff), 0x02)).toBe(65_535)
    expect(readValue(cursorOf(0xff, 0xff), 0x0a)).toBe(-1)
    expect(readValue(cursorOf(0xff, 0xff, 0xff, 0xff), 0x03)).toBe(4_294_967_295)
    expect(readValue(cursorOf(0x80, 0x01), 0x01)).toBe(128)
    expect(readValue(cursorOf(0x7f), 0x09)).toBe(-1)
    expect(() => readValue(cursorOf(0, 0, 0, 0, 0, 0, 0, 0x7f), 0x04)).toThrow(/beyond 2\^53/)
    expect(() => readValue(cursorOf(0), 0x05)).toThrow(/0x5 is not/)
  })
  it('are readable unless they need another base, memory, or do not exist', () => {
    expect([0x00, 0x01, 0x09, 0x0b, 0x1b, 0x1c].map(isReadable)).not.toContain(false)
    expect([0xff, 0x9b, 0x2b, 0x3b, 0x4b, 0x50, 0x05, 0x0d].map(isReadable)).not.toContain(true)
  })
})

function slebBytes(value: number): number[] {
  let rest = BigInt(value)
  const bytes: number[] = []
  for (;;) {
    const low = Number(rest & 0x7fn)
    rest >>= 7n
    if ((rest === 0n && low < 0x40) || (rest === -1n && low >= 0x40)) return [...bytes, low]
    bytes.push(low | 0x80)
  }
}

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bytesSource } from './byte-source.ts'
import { MalformedError } from './cursor.ts'
import { pagedSource } from './paged-source.ts'

const bytes = Uint8Array.from({ length: 100_001 }, (_, i) => (i * 7919) >>> 5)

describe('pagedSource', () => {
  it('gives the bytes that the source gives, wherever pages end', () => {
    const paged = pagedSource(bytesSource(bytes))
    const range = fc.tuple(fc.nat(bytes.length), fc.oneof(fc.nat(16), fc.nat(20_000)))
    fc.assert(
      fc.property(range, ([offset, length]) => {
        const end = Math.min(bytes.length, offset + length)
        expect(Buffer.compare(paged.read(offset, end - offset), bytes.subarray(offset, end))).toBe(0)
      }),
    )
  })

  it('reads a page once, and holds no more than 64', () => {
    let reads = 0
    const source = {
      size: 1e9,
      read: (_: number, length: number) => {
        reads++
        return new Uint8Array(length)
      },
    }
    const paged = pagedSource(source)
    for (let i = 0; i < 100; i++) paged.read(4096 + i, 8)
    expect(reads).toBe(1)
    for (let i = 0; i < 1000; i++) paged.read(i * 4096, 8)
    expect(paged.bytes).toBe(64 * 4096)
    const before = reads
    paged.read(999 * 4096, 8)
    expect(reads).toBe(before)
  })

  it('refuses what lies outside', () => {
    const paged = pagedSource(bytesSource(bytes))
    for (const [
      offset,
      length,
    ] of [[-1, 1], [bytes.length, 1], [0, bytes.length + 1], [Number.NaN, 1]] as const) // biome-ignore format: a table
      expect(() => paged.read(offset, length)).toThrow(MalformedError)
  })
})

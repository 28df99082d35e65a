import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { libcPath, readBytes } from '../symbolize/testing.ts'
import { MalformedError } from './cursor.ts'
import { decodeXz } from './xz.ts'

const MEBIBYTE = 1024 * 1024
const hasXz = spawnSync('xz', ['--version']).status === 0
const pack = (bytes: Uint8Array, ...flags: string[]): Uint8Array =>
  new Uint8Array(execFileSync('xz', ['-c', ...flags], { input: bytes, maxBuffer: 2 ** 28 }))
const isSame = (one: Uint8Array, other: Uint8Array) => Buffer.compare(one, other) === 0

const noise = (length: number) => new Uint8Array(randomBytes(length))
const zeros = new Uint8Array(3 * MEBIBYTE)

describe.skipIf(!hasXz)('decodeXz (needs xz)', () => {
  const libc = readBytes(libcPath()).subarray(150_000, 450_000)
  it.each([
    ['a library', libc, []],
    ['a library, packed hard', libc, ['-9e']],
    ['a library, packed fast', libc, ['-0']],
    ['in blocks', libc, ['--block-size=100000', '-T2']],
    ['with other properties', libc, ['--lzma2=preset=6,lc=0,lp=2,pb=0']],
    ['with the most context', libc, ['--lzma2=preset=6,lc=4,lp=0,pb=4']],
    ['with CRC-32', libc, ['-C', 'crc32']],
    ['with SHA-256', libc, ['-C', 'sha256']],
    ['with no check', libc, ['-C', 'none']],
    ['noise, which is stored', noise(300_000), []],
    ['zeros', zeros, []],
    ['one byte', new Uint8Array([7]), []],
    ['nothing', new Uint8Array(), []],
  ] as const)('gives back %s', (_, bytes, flags) => {
    expect(isSame(decodeXz(pack(bytes, ...flags), 8 * MEBIBYTE), bytes)).toBe(true)
  })

  it('gives back whatever was packed', () => {
    const text = fc.array(fc.constantFrom('_ZN4core', '3fmt', 'E', '\0', 'Write9'), { maxLength: 400 })
    fc.assert(
      fc.property(text, (words) => {
        const bytes = new TextEncoder().encode(words.join(''))
        expect(isSame(decodeXz(pack(bytes), MEBIBYTE), bytes)).toBe(true)
      }),
      { numRuns: 30 },
    )
  })

  it('makes no more than it may: a bomb of zeros is refused', () => {
    expect(() => decodeXz(pack(zeros), MEBIBYTE)).toThrow('LZMA2: more than 1048576 bytes')
  })

  it('refuses other filters', () => {
    expect(() => decodeXz(pack(libc.subarray(0, 1000), '--x86', '--lzma2'), MEBIBYTE)).toThrow(
      /^[.]xz file: filter 4 of 2/,
    )
  })

  it('refuses what ends early, and what is no .xz file', () => {
    const packed = pack(libc.subarray(0, 5000))
    for (let length = 0; length < packed.length - 60; length += 7)
      expect(() => decodeXz(packed.subarray(0, length), MEBIBYTE)).toThrow(MalformedError)
    expect(() => decodeXz(new TextEncoder().encode('BZh91AY&SY______'), MEBIBYTE)).toThrow('not an .xz file')
  })

  it('survives any damage', () => {
    const packed = pack(libc.subarray(0, 20_000))
    const flips = fc.array(fc.tuple(fc.nat(packed.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(flips, (all) => {
        const bytes = packed.slice()
        for (const [at, value] of all) bytes[at] = value
        try {
          expect(decodeXz(bytes, MEBIBYTE).length).toBeLessThanOrEqual(MEBIBYTE)
        } catch (error) {
          if (!(error instanceof MalformedError)) throw error
        }
      }),
      { numRuns: 300 },
    )
  })
})

import { describe, expect, it } from 'vitest'
import type { Segment } from '../elf/elf-file.ts'
import { biasOf } from './bias.ts'

const load = (flags: number, offset: number, address: number, fileSize: number): Segment => ({
  type: 1,
  flags,
  offset,
  address,
  fileSize,
  memorySize: fileSize,
})
const READ = 4
const CODE = 5

describe('the bias of a mapping', () => {
  it('is 0 for a program linked to its place', () => {
    const segments = [load(READ, 0, 0x400000, 0x500), load(CODE, 0x1000, 0x401000, 0x2000)]
    expect(biasOf(segments, { start: 0x401000, end: 0x403000, offset: 0x1000 })).toBe(0)
  })
  it('is where a library was put', () => {
    const segments = [load(READ, 0, 0, 0x500), load(CODE, 0x1000, 0x1000, 0x2000)]
    expect(biasOf(segments, { start: 0x7f00_0000_1000, end: 0x7f00_0000_3000, offset: 0x1000 })).toBe(
      0x7f00_0000_0000,
    )
  })
  it('counts a segment that begins within a page, as lld and gold lay them', () => {
    const segments = [load(READ, 0, 0x200000, 0x6ac), load(CODE, 0x6b0, 0x2016b0, 0x1f0)]
    expect(biasOf(segments, { start: 0x5555_0000_1000, end: 0x5555_0000_2000, offset: 0 })).toBe(
      0x5555_0000_1000 - 0x201000,
    )
  })
  it('is right for the rear part of a segment that was split by a change of rights', () => {
    const segments = [load(CODE, 0x1000, 0x11000, 0x9000)]
    expect(biasOf(segments, { start: 0x7000_4000, end: 0x7000_6000, offset: 0x5000 })).toBe(
      0x7000_4000 - 0x15000,
    )
  })
  it('is negative for a file linked above its place', () => {
    const segments = [load(CODE, 0, 0x8000_0000, 0x1000)]
    expect(biasOf(segments, { start: 0x1000, end: 0x2000, offset: 0 })).toBe(0x1000 - 0x8000_0000)
  })
  it('does not exist for data that is mapped executable, nor without segments', () => {
    expect(biasOf([load(READ, 0, 0, 0x5000)], { start: 0x1000, end: 0x2000, offset: 0 })).toBeUndefined()
    expect(
      biasOf([load(CODE, 0x8000, 0x8000, 0x1000)], { start: 0x1000, end: 0x2000, offset: 0 }),
    ).toBeUndefined()
    expect(biasOf([], { start: 0x1000, end: 0x2000, offset: 0 })).toBeUndefined()
  })
})

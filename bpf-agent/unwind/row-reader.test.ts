import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CHUNK_ROWS } from './kernel-tables.ts'
import { createRowReader } from './row-reader.ts'
import { createMemoryKernel } from './testing.ts'

const SHARD_ROWS = 4 * CHUNK_ROWS
const kernel = (onWrite?: () => void) =>
  createMemoryKernel(
    { vmas: 8, pages: 8, rules: 8, procs: 8, rows: 100 * CHUNK_ROWS, shardRows: SHARD_ROWS },
    onWrite,
  )

describe('rows read back', () => {
  it('are always those that were written last, however many chunks are kept', () => {
    const chunk = fc.integer({ min: 0, max: 99 })
    const step = fc.oneof(
      fc.record({ write: chunk, value: fc.integer({ min: 1, max: 0xffff }) }),
      fc.record({ read: chunk }),
      fc.record({ drop: fc.integer({ min: 0, max: 24 }) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const reader = createRowReader(kernel())
        const truth = new Map<number, number>()
        for (const one of steps) {
          if ('write' in one) {
            reader.kernel.writeChunk(one.write, new Uint32Array(CHUNK_ROWS).fill(one.value))
            truth.set(one.write, one.value)
          } else if ('drop' in one) {
            reader.kernel.dropShard(one.drop)
            for (let i = 0; i < 4; i++) truth.delete(4 * one.drop + i)
          } else if (truth.has(one.read))
            expect(reader.rowAt(one.read * CHUNK_ROWS + 17)).toBe(truth.get(one.read))
        }
      }),
      { numRuns: 40 },
    )
  })

  it('cost one system call per chunk, and none again', () => {
    let reads = 0
    const tables = kernel()
    const reader = createRowReader({
      ...tables,
      readChunk(index, rows) {
        reads++
        tables.readChunk(index, rows)
      },
    })
    reader.kernel.writeChunk(0, new Uint32Array(CHUNK_ROWS))
    for (let i = 0; i < 3 * CHUNK_ROWS; i += 100) reader.rowAt(i)
    for (let i = 0; i < 3 * CHUNK_ROWS; i += 100) reader.rowAt(i)
    expect(reads).toBe(3)
  })

  it('are absent behind the last one', () => {
    expect(createRowReader(kernel()).rowAt(100 * CHUNK_ROWS)).toBe(0xffff_ffff)
  })

  it('have rules by number, the new one after a number was given to another', () => {
    const reader = createRowReader(kernel())
    const bytes = (cfa: number) => Uint8Array.of(1, 2, cfa & 0xff, (cfa >> 8) & 0xff, 0xff, 0xff, 3, 0)
    reader.kernel.writeRule(5, bytes(-16))
    expect(reader.ruleAt(5)).toEqual({ kind: 1, fpKind: 2, cfa: -16, fpOff: -1, aux: 3 })
    reader.kernel.writeRule(5, bytes(24))
    expect(reader.ruleAt(5)?.cfa).toBe(24)
    expect(reader.ruleAt(6)).toBeUndefined()
  })
})

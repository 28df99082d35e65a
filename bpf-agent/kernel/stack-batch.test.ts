import { describe, expect, it } from 'vitest'
import { copyRecord, joinRecords, withUserFrames } from './stack-batch.ts'
import { drawBatch } from './testing.ts'

const drawing = () =>
  drawBatch(`
    7 one   ffffffff81000010 ffffffff82000020 | 1000 2000
    8 two   | 3000
  `)

const framesOf = ({ frameStart, addressHigh, addressLow }: ReturnType<typeof drawing>, i: number) =>
  Array.from({ length: frameStart[i + 1]! - frameStart[i]! }, (_, k) => {
    const at = frameStart[i]! + k
    return ((BigInt(addressHigh[at]!) << 32n) | BigInt(addressLow[at]!)).toString(16)
  })

describe('a record of a batch', () => {
  it('stays what it was when the batch is used again', () => {
    const batch = { ...drawing(), snapshots: Uint8Array.of(0, 0, 1, 2, 3, 0) }
    batch.snapshotStart[1] = 2
    batch.snapshotBytes[1] = 3
    const copy = copyRecord(batch, 1)
    for (const column of [batch.tgid, batch.frameStart, batch.addressLow, batch.comm, batch.snapshots])
      column.fill(99)
    expect([copy.count, copy.tgid[0], framesOf(copy, 0)]).toEqual([1, 8, ['3000']])
    expect(Buffer.from(copy.comm).toString()).toBe(`two${'\0'.repeat(13)}`)
    expect([...copy.snapshots]).toEqual([1, 2, 3])
  })

  it('keeps its kernel frames when it gets other user frames, which never look like something else', () => {
    const more = withUserFrames(drawing(), 0, { frames: [1n, 0xffff_ffff_ffff_ffffn, 3n], stop: 8 })
    expect(framesOf(more, 0)).toEqual(['ffffffff81000010', 'ffffffff82000020', '1', '7fffffffffffffff', '3'])
    expect([more.stop[0], more.kernelFrames[0], more.snapshotBytes[0]]).toEqual([8, 2, 0])
    expect(framesOf(withUserFrames(drawing(), 0, { frames: [], stop: 1 }), 0)).toHaveLength(2)
  })

  it('is joined to others in their order', () => {
    const batch = drawing()
    const joined = joinRecords([copyRecord(batch, 1), copyRecord(batch, 0), copyRecord(batch, 1)])
    expect(joined.count).toBe(3)
    expect([0, 1, 2].map((i) => [joined.tgid[i], framesOf(joined, i).length])).toEqual([
      [8, 1],
      [7, 4],
      [8, 1],
    ])
    expect([...joined.kernelFrames]).toEqual([0, 2, 0])
    expect(joinRecords([]).count).toBe(0)
  })
})

import { describe, expect, it } from 'vitest'
import { createDrain } from './drain.ts'
import type { RawStacks } from './raw-stack.ts'
import { memoryRing, recordBytes, SPEC } from './testing.ts'

const hex = (batch: RawStacks, i: number) =>
  Array.from({ length: batch.frameStart[i + 1]! - batch.frameStart[i]! }, (_, k) => {
    const at = batch.frameStart[i]! + k
    return ((BigInt(batch.addressHigh[at]!) << 32n) | BigInt(batch.addressLow[at]!)).toString(16)
  })

describe('a drain', () => {
  it('reads every field by the layout of the manifest', () => {
    const memory = memoryRing()
    memory.write(
      recordBytes({
        tgid: 4242,
        startTicks: 77,
        stop: 1,
        comm: 'worker',
        cgroup: 0x1_0000_0002n,
        timeNs: 5_000_001_000_000n,
        user: [0x7fff_0000_1234n],
      }),
    )
    const batch = createDrain(SPEC, memory.ring).next()
    expect(batch.count).toBe(1)
    expect([batch.tgid[0], batch.tid[0], batch.startTicks[0], batch.stop[0]]).toEqual([4242, 4242, 77, 1])
    expect([batch.cgroupHigh[0], batch.cgroupLow[0]]).toEqual([1, 2])
    expect(batch.timeMs[0]).toBe(5_000_001)
    expect(Buffer.from(batch.comm.subarray(0, 8)).toString()).toBe('worker\0\0')
    expect(hex(batch, 0)).toEqual(['7fff00001234'])
  })

  it('turns kernel return addresses into the call before them, but not the leaf', () => {
    const memory = memoryRing()
    memory.write(
      recordBytes({
        kernel: [0xffff_ffff_8100_0000n, 0xffff_ffff_8200_0005n, 0xffff_ffff_0000_0000n],
        user: [0x10n],
      }),
    )
    const batch = createDrain(SPEC, memory.ring).next()
    expect(hex(batch, 0)).toEqual(['ffffffff81000000', 'ffffffff82000004', 'fffffffeffffffff', '10'])
    expect(batch.kernelFrames[0]).toBe(3)
  })

  it('gives batches within its bounds and loses no record between them', () => {
    const memory = memoryRing(8192)
    for (let i = 0; i < 7; i++) memory.write(recordBytes({ tgid: i, user: [1n, 2n, 3n] }))
    const drain = createDrain(SPEC, memory.ring, { recordsMax: 4, framesMax: 8, snapshotBytesMax: 0 })
    const sizes: number[] = []
    const tgids: number[] = []
    for (let batch = drain.next(); batch.count > 0; batch = drain.next()) {
      sizes.push(batch.count)
      tgids.push(...batch.tgid.subarray(0, batch.count))
    }
    expect(sizes).toEqual([2, 2, 2, 1])
    expect(tgids).toEqual([0, 1, 2, 3, 4, 5, 6])
  })

  it('reads a record without frames', () => {
    const memory = memoryRing()
    memory.write(recordBytes({}))
    const batch = createDrain(SPEC, memory.ring).next()
    expect([batch.count, batch.frameStart[1]]).toEqual([1, 0])
  })

  it('is empty when the ring is', () => {
    expect(createDrain(SPEC, memoryRing().ring).next().count).toBe(0)
  })

  it('throws when length and counts of a record disagree', () => {
    const memory = memoryRing()
    memory.write(recordBytes({ user: [1n, 2n] }).subarray(0, 72))
    expect(() => createDrain(SPEC, memory.ring).next()).toThrow('agent and BPF object disagree')
  })

  it('throws when one record is larger than a batch can be', () => {
    const memory = memoryRing()
    memory.write(recordBytes({ user: [1n, 2n, 3n] }))
    const drain = createDrain(SPEC, memory.ring, { recordsMax: 4, framesMax: 2, snapshotBytesMax: 0 })
    expect(() => drain.next()).toThrow('too small for one record')
  })

  describe('of records with a snapshot', () => {
    const bounds = { recordsMax: 8, framesMax: 8, snapshotBytesMax: 48 }
    const written = (...records: Parameters<typeof recordBytes>[0][]) => {
      const memory = memoryRing()
      for (const record of records) memory.write(recordBytes(record))
      return createDrain(SPEC, memory.ring, bounds)
    }
    const snapshot = (batch: RawStacks, i: number) =>
      Array.from(
        batch.snapshots.subarray(batch.snapshotStart[i]!, batch.snapshotStart[i]! + batch.snapshotBytes[i]!),
      )

    it('gives its bytes as they are, and the frames before them', () => {
      const batch = written(
        { user: [5n] },
        { kernel: [1n], user: [2n], ext: [0x0807_0605_0403_0201n, 9n], flags: 2 },
      ).next()
      expect(batch.count).toBe(2)
      expect(hex(batch, 1)).toEqual(['1', '2'])
      expect(batch.snapshotBytes[0]).toBe(0)
      expect(snapshot(batch, 1)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 0, 0, 0, 0, 0])
    })

    it('leaves the next one for another batch when there is no room, and loses none', () => {
      const drain = written(...[1n, 2n, 3n, 4n].map((word) => ({ ext: [word, word, word], flags: 2 })))
      const first = drain.next()
      expect([first.count, snapshot(first, 1)[0]]).toEqual([2, 2])
      const second = drain.next()
      expect([second.count, snapshot(second, 0)[0], snapshot(second, 1)[0]]).toEqual([2, 3, 4])
    })

    it('takes words that no flag explains for something else', () => {
      const batch = written({ ext: [1n, 2n], flags: 0 }).next()
      expect([batch.count, batch.snapshotBytes[0]]).toEqual([1, 0])
    })

    it('throws when it says that it is longer or shorter than it is', () => {
      for (const bytes of [72, 88]) {
        const memory = memoryRing()
        const whole = Buffer.alloc(100)
        whole.set(recordBytes({ ext: [1n, 2n], flags: 2 }))
        memory.write(whole.subarray(0, bytes))
        expect(() => createDrain(SPEC, memory.ring).next()).toThrow('agent and BPF object disagree')
      }
    })

    it('throws when it is larger than a batch can be', () => {
      expect(() => written({ ext: Array(7).fill(1n), flags: 2 }).next()).toThrow('too small for one record')
    })
  })
})

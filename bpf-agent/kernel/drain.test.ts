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
    const drain = createDrain(SPEC, memory.ring, { recordsMax: 4, framesMax: 8 })
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
    const drain = createDrain(SPEC, memory.ring, { recordsMax: 4, framesMax: 2 })
    expect(() => drain.next()).toThrow('too small for one record')
  })
})

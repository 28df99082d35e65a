// Which samples of a batch are meant? The others are taken out before they are counted into a window.
import type { RawStacks } from '../kernel/raw-stack.ts'

const COMM_BYTES = 16

/** Keeps the records that `isMeant` says yes to, in their order.
 *  The columns are moved up in place: a batch is valid until the next drain only, and so nothing is allocated.
 *  cost O(records + frames) */
export function keepRecords(batch: RawStacks, isMeant: (record: number) => boolean): RawStacks {
  const { frameStart, addressHigh, addressLow, comm, snapshotStart, snapshotBytes } = batch
  const { tgid, tid, startTicks, cpu, stop, flags, timeMs, cgroupLow, cgroupHigh, kernelFrames } = batch
  const columns = [
    ...[tgid, tid, startTicks, cpu, stop, flags, timeMs, cgroupLow, cgroupHigh, kernelFrames],
    ...[snapshotStart, snapshotBytes], // the snapshots themselves stay where they are
  ]
  let count = 0
  let frames = 0
  for (let i = 0; i < batch.count; i++) {
    if (!isMeant(i)) continue
    const [start, end] = [frameStart[i]!, frameStart[i + 1]!]
    for (const column of columns) column[count] = column[i]!
    comm.copyWithin(count * COMM_BYTES, i * COMM_BYTES, (i + 1) * COMM_BYTES)
    addressHigh.copyWithin(frames, start, end)
    addressLow.copyWithin(frames, start, end)
    frameStart[count] = frames // count ≤ i: what is overwritten has been read
    frames += end - start
    count++
  }
  frameStart[count] = frames
  return { ...batch, count }
}

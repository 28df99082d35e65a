// How do single samples become a batch again? Records that were taken out of one batch are kept as batches of one, for
// as long as whoever walks them needs, and joined to one that nothing reuses.
import type { RawStacks } from './raw-stack.ts'

const COMM_BYTES = 16

/** A record by itself, with its frames and its snapshot.  cost 2 µs, and its bytes */
export function copyRecord(batch: RawStacks, record: number): RawStacks {
  const one = <Column extends { slice(start: number, end: number): Column }>(column: Column) =>
    column.slice(record, record + 1)
  const [start, end] = [batch.frameStart[record]!, batch.frameStart[record + 1]!]
  const snapshot = batch.snapshotStart[record]!
  return {
    count: 1,
    tgid: one(batch.tgid),
    tid: one(batch.tid),
    startTicks: one(batch.startTicks),
    cpu: one(batch.cpu),
    stop: one(batch.stop),
    flags: one(batch.flags),
    timeMs: one(batch.timeMs),
    cgroupLow: one(batch.cgroupLow),
    cgroupHigh: one(batch.cgroupHigh),
    comm: batch.comm.slice(record * COMM_BYTES, (record + 1) * COMM_BYTES),
    frameStart: Uint32Array.of(0, end - start),
    kernelFrames: one(batch.kernelFrames),
    addressHigh: batch.addressHigh.slice(start, end),
    addressLow: batch.addressLow.slice(start, end),
    snapshotStart: Uint32Array.of(0),
    snapshotBytes: one(batch.snapshotBytes),
    snapshots: Uint8Array.from(
      batch.snapshots.subarray(snapshot, snapshot + batch.snapshotBytes[record]!), // slice of a Buffer copies nothing
    ),
  }
}

/** A record by itself, with other user frames and another end, and without its snapshot.
 *  in  frames  leaf first */
export function withUserFrames(
  batch: RawStacks,
  record: number,
  { frames, stop }: { readonly frames: readonly bigint[]; readonly stop: number },
): RawStacks {
  const copy = copyRecord({ ...batch, snapshotBytes: new Uint32Array(record + 1) }, record)
  const kernel = copy.kernelFrames[0]!
  const n = kernel + frames.length
  const addressHigh = new Uint32Array(n)
  const addressLow = new Uint32Array(n)
  addressHigh.set(copy.addressHigh.subarray(0, kernel))
  addressLow.set(copy.addressLow.subarray(0, kernel))
  frames.forEach((frame, i) => {
    addressHigh[kernel + i] = Number(frame >> 32n) & 0x7fff_ffff // no address of a user is above that; others' words are
    addressLow[kernel + i] = Number(frame & 0xffff_ffffn)
  })
  return { ...copy, stop: Uint8Array.of(stop), frameStart: Uint32Array.of(0, n), addressHigh, addressLow }
}

/** Batches of one as one batch, in their order. Their snapshots are left behind.  cost O(records + frames) */
export function joinRecords(ones: readonly RawStacks[]): RawStacks {
  const count = ones.length
  const frameStart = new Uint32Array(count + 1)
  ones.forEach((one, i) => {
    frameStart[i + 1] = frameStart[i]! + one.frameStart[1]!
  })
  const frames = frameStart[count]!
  const addressHigh = new Uint32Array(frames)
  const addressLow = new Uint32Array(frames)
  const comm = new Uint8Array(count * COMM_BYTES)
  ones.forEach((one, i) => {
    addressHigh.set(one.addressHigh, frameStart[i]!)
    addressLow.set(one.addressLow, frameStart[i]!)
    comm.set(one.comm, i * COMM_BYTES)
  })
  return {
    count,
    tgid: Uint32Array.from(ones, ({ tgid }) => tgid[0]!),
    tid: Uint32Array.from(ones, ({ tid }) => tid[0]!),
    startTicks: Uint32Array.from(ones, ({ startTicks }) => startTicks[0]!),
    cpu: Uint16Array.from(ones, ({ cpu }) => cpu[0]!),
    stop: Uint8Array.from(ones, ({ stop }) => stop[0]!),
    flags: Uint16Array.from(ones, ({ flags }) => flags[0]!),
    timeMs: Float64Array.from(ones, ({ timeMs }) => timeMs[0]!),
    cgroupLow: Uint32Array.from(ones, ({ cgroupLow }) => cgroupLow[0]!),
    cgroupHigh: Uint32Array.from(ones, ({ cgroupHigh }) => cgroupHigh[0]!),
    comm,
    frameStart,
    kernelFrames: Uint16Array.from(ones, ({ kernelFrames }) => kernelFrames[0]!),
    addressHigh,
    addressLow,
    snapshotStart: new Uint32Array(count),
    snapshotBytes: new Uint32Array(count),
    snapshots: new Uint8Array(),
  }
}

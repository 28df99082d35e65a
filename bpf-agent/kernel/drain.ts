// What did the sampler write? Records of the ring become columns of RawStacks, one bounded batch at a time. All offsets
// come from the object's BTF; a record whose length and counts disagree is a broken relation of ours, and throws.
import { constantOf, type ObjectSpec, offsetOf, sizeOf } from './object-spec.ts'
import type { RawStacks } from './raw-stack.ts'
import type { Ring } from './ring.ts'

export interface BatchBounds {
  readonly recordsMax: number
  readonly framesMax: number
  /** Of all registers and copied stacks together. */
  readonly snapshotBytesMax: number
}
/** 4,096 records of 16 frames on average: 0.8 MB of columns, and 1 MB of copied stacks, reused for every batch. Memory
 *  that no record has needed is not there. */
export const BATCH_BOUNDS: BatchBounds = {
  recordsMax: 4096,
  framesMax: 65_536,
  snapshotBytesMax: 1024 * 1024,
}

export interface Drain {
  /** The next batch; `count` is 0 when the ring is empty. Valid until the next call.
   *  cost 1 to 2 µs per record of 30 frames */
  next(): RawStacks
}

const COMM_BYTES = 16
const WORD = 8

/** Makes the reader of one ring of records. */
export function createDrain(spec: ObjectSpec, ring: Ring, bounds: BatchBounds = BATCH_BOUNDS): Drain {
  const { recordsMax, framesMax, snapshotBytesMax } = bounds
  const at = (field: string) => offsetOf(spec, 'record', field)
  const headBytes = sizeOf(spec, 'record')
  const [tgidAt, tidAt, startAt, timeAt, cgroupAt] = [
    at('tgid') / 4,
    at('tid') / 4,
    at('start_ticks') / 4,
    at('time_ns') / 4,
    at('cgroup_id') / 4,
  ]
  const [cpuAt, flagsAt, kernelAt, userAt, extAt] = [
    at('cpu') / 2,
    at('flags') / 2,
    at('n_kernel') / 2,
    at('n_user') / 2,
    at('n_ext') / 2,
  ]
  const stopAt = at('stop')
  const commAt = at('comm')
  const isSnapshot = constantOf(spec, 'record_flag', 'FRAMES_SNAPSHOT')
  const u32 = new Uint32Array(ring.data)
  const u16 = new Uint16Array(ring.data)
  const u8 = new Uint8Array(ring.data)

  const tgid = new Uint32Array(recordsMax)
  const tid = new Uint32Array(recordsMax)
  const startTicks = new Uint32Array(recordsMax)
  const cpu = new Uint16Array(recordsMax)
  const stop = new Uint8Array(recordsMax)
  const flags = new Uint16Array(recordsMax)
  const timeMs = new Float64Array(recordsMax)
  const cgroupLow = new Uint32Array(recordsMax)
  const cgroupHigh = new Uint32Array(recordsMax)
  const comm = new Uint8Array(recordsMax * COMM_BYTES)
  const frameStart = new Uint32Array(recordsMax + 1)
  const kernelFrames = new Uint16Array(recordsMax)
  const addressHigh = new Uint32Array(framesMax)
  const addressLow = new Uint32Array(framesMax)
  const snapshotStart = new Uint32Array(recordsMax)
  const snapshotBytes = new Uint32Array(recordsMax)
  const snapshots = new Uint8Array(snapshotBytesMax)
  let snapshotsEnd = 0

  /** Copies one record to row i.  out  false when its frames or its stack do not fit any more */
  function read(byte: number, i: number): boolean {
    const half = byte / 2
    const word = byte / 4
    const kernel = u16[half + kernelAt]!
    const frames = kernel + u16[half + userAt]!
    const extBytes = WORD * u16[half + extAt]!
    if (ring.length !== headBytes + WORD * frames + extBytes)
      throw new Error(
        `a record of ${ring.length} bytes says that it has ${frames} frames: agent and BPF object disagree`,
      )
    const start = frameStart[i]!
    if (
      start + frames > framesMax ||
      !readSnapshot(byte + headBytes + WORD * frames, u16[half + flagsAt] === isSnapshot ? extBytes : 0, i)
    )
      return false
    tgid[i] = u32[word + tgidAt]!
    tid[i] = u32[word + tidAt]!
    startTicks[i] = u32[word + startAt]!
    cpu[i] = u16[half + cpuAt]!
    stop[i] = u8[byte + stopAt]!
    flags[i] = u16[half + flagsAt]!
    timeMs[i] = (u32[word + timeAt + 1]! * 2 ** 32 + u32[word + timeAt]!) / 1e6
    cgroupLow[i] = u32[word + cgroupAt]!
    cgroupHigh[i] = u32[word + cgroupAt + 1]!
    for (let k = 0; k < COMM_BYTES; k++) comm[i * COMM_BYTES + k] = u8[byte + commAt + k]!
    kernelFrames[i] = kernel
    frameStart[i + 1] = start + frames
    let source = word + headBytes / 4
    for (let k = 0; k < frames; k++) {
      let low = u32[source++]!
      let high = u32[source++]!
      // Kernel callers come as return addresses; the call is before that. User frames come ready.
      if (k > 0 && k < kernel) {
        if (low === 0) high--
        low--
      }
      addressLow[start + k] = low
      addressHigh[start + k] = high
    }
    return true
  }

  /** in   at, bytes  the words behind the frames
   *  out  false when they do not fit any more */
  function readSnapshot(at: number, bytes: number, i: number): boolean {
    if (snapshotsEnd + bytes > snapshotBytesMax) return false
    snapshotStart[i] = snapshotsEnd
    snapshotBytes[i] = bytes
    if (bytes > 0) snapshots.set(u8.subarray(at, at + bytes), snapshotsEnd)
    snapshotsEnd += bytes
    return true
  }

  return {
    next() {
      let count = 0
      snapshotsEnd = 0
      while (count < recordsMax) {
        const byte = ring.next()
        if (byte < 0) break
        if (!read(byte, count)) {
          if (count === 0)
            throw new Error(
              `a batch of ${framesMax} frames and ${snapshotBytesMax} bytes is too small for one record`,
            )
          ring.unread()
          break
        }
        count++
      }
      ring.release()
      return {
        ...{ count, tgid, tid, startTicks, cpu, stop, flags, timeMs, cgroupLow, cgroupHigh, comm },
        ...{ frameStart, kernelFrames, addressHigh, addressLow, snapshotStart, snapshotBytes, snapshots },
      }
    },
  }
}

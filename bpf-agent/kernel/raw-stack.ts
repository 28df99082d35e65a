// What leaves the ring buffer? Raw records as columns: one batch of a drain, reused by the next one.
// Addresses stay two u32 halves: kernel addresses exceed 2^53, and bigint costs too much per frame.

/** One batch. Records 0 … count - 1; the columns may be longer. The batch is valid until the next drain. */
export interface RawStacks {
  readonly count: number
  readonly tgid: Uint32Array
  readonly tid: Uint32Array
  /** Start of the process in 10 ms ticks since boot: (tgid, startTicks) is a process, also after its PID was reused. */
  readonly startTicks: Uint32Array
  readonly cpu: Uint16Array
  /** enum stop_reason of bpf/abi.h. */
  readonly stop: Uint8Array
  readonly flags: Uint16Array
  /** CLOCK_MONOTONIC, ms. */
  readonly timeMs: Float64Array
  readonly cgroupLow: Uint32Array
  readonly cgroupHigh: Uint32Array
  /** 16 bytes each, NUL-padded. */
  readonly comm: Uint8Array
  /** Frames of record i: rows frameStart[i] … frameStart[i + 1] - 1 of the address columns; kernel frames first, leaf
   *  first, then user frames, leaf first. */
  readonly frameStart: Uint32Array
  readonly kernelFrames: Uint16Array
  /** As the lookup wants them: exact for the leaf, return address - 1 for callers. */
  readonly addressHigh: Uint32Array
  readonly addressLow: Uint32Array
  /** What user space can walk, of records whose process the kernel did not know: words of 8 bytes, the registers as
   *  ptrace(2) orders them, then the stack from `sp` (rounded down to 8) up. Bytes snapshotStart[i] … snapshotStart[i] +
   *  snapshotBytes[i] - 1 of `snapshots`; 0 bytes: nothing. */
  readonly snapshotStart: Uint32Array
  readonly snapshotBytes: Uint32Array
  readonly snapshots: Uint8Array
}

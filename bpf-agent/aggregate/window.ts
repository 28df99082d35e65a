// Which stacks were seen in these ten seconds, and how often? Equal raw stacks become one row with a count.
// Refuses to grow: when a bound is reached, `add` says at which record it stopped, the caller closes the window early
// and goes on with the next one, so nothing is dropped here. Knows no names and no clock.
import type { RawStacks } from '../kernel/raw-stack.ts'

/** What was sampled in one window: one row per distinct (process, generation, comm, cgroup, stop, frames). Columns of `count` rows,
 *  owned by whoever holds the window. */
export interface Window {
  /** Wall clock at the start, ms since 1970. */
  readonly timeMs: number
  readonly durationMs: number
  /** Distinct stacks. */
  readonly count: number
  /** Σ samples[i]. */
  readonly samplesTotal: number
  readonly tgid: Uint32Array
  /** Start of the process in 10 ms ticks since boot: (tgid, startTicks) is a process. */
  readonly startTicks: Uint32Array
  /** What the process was when the samples were taken: the number that `generationAt` gave. */
  readonly generation: Uint32Array
  /** Name of the thread, at most 15 bytes: UTF-8 or replaced, control characters as "?". */
  readonly comm: readonly string[]
  readonly cgroupLow: Uint32Array
  readonly cgroupHigh: Uint32Array
  /** How the stack ended: fp_zero, depth, bad_fp, read_fault, pc_zero, kthread, compat32, no_regs (enum stop_reason of
   *  bpf/abi.h, lower case without STOP_). */
  readonly stop: readonly string[]
  /** How often the stack was seen, in samples. */
  readonly samples: Uint32Array
  /** Frames of stack i: rows frameStart[i] … frameStart[i + 1] - 1 of the address columns; kernel frames first, leaf
   *  first, then user frames, leaf first. count + 1 rows. */
  readonly frameStart: Uint32Array
  readonly kernelFrames: Uint16Array
  /** As the lookup wants them: exact for the leaf, return address - 1 for callers. */
  readonly addressHigh: Uint32Array
  readonly addressLow: Uint32Array
}

export interface WindowBounds {
  readonly stacksMax: number
  readonly framesMax: number
}
/** 128 busy cores × 19 Hz × 10 s are 24,320 samples; 2 M frames are 16 MiB. */
export const WINDOW_BOUNDS: WindowBounds = { stacksMax: 32_768, framesMax: 2 * 1024 * 1024 }

/** Counts equal stacks between two calls of `take`. */
export interface Aggregator {
  /** Counts the records `from` … of a batch.
   *  out  the first record not counted: batch.count, or less when the window is full. A window that is empty takes any
   *       record, so closing and calling again always advances.
   *  cost about 1 µs per record, no garbage but for new stacks */
  add(batch: RawStacks, from?: number): number
  /** Distinct stacks so far. */
  readonly count: number
  /** Samples so far. */
  readonly samplesTotal: number
  /** The window so far, as a copy; the aggregator is empty afterwards. */
  take(span: { readonly timeMs: number; readonly durationMs: number }): Window
}

/** Numbers what a process was at a moment of CLOCK_MONOTONIC: the same address may be another function's at another time. */
export type GenerationAt = (tgid: number, startTicks: number, timeMs: number) => number

const COMM_BYTES = 16
const EMPTY = -1

/** Makes an empty aggregator.
 *  in   stopNames     name of each value of the column `stop`; a value beyond them prints as stop_N
 *       generationAt  asked once per record
 *  cost 2 MB at the default bounds, frames grow with use */
export function createAggregator(
  stopNames: readonly string[],
  generationAt: GenerationAt,
  { stacksMax, framesMax }: WindowBounds = WINDOW_BOUNDS,
): Aggregator {
  // Open addressing over at most half-full slots; a slot holds a row.
  const slots = new Int32Array(2 ** Math.ceil(Math.log2(stacksMax * 2))).fill(EMPTY)
  const slotMask = slots.length - 1
  const hash = new Int32Array(stacksMax)
  const tgid = new Uint32Array(stacksMax)
  const startTicks = new Uint32Array(stacksMax)
  const generation = new Uint32Array(stacksMax)
  const cgroupLow = new Uint32Array(stacksMax)
  const cgroupHigh = new Uint32Array(stacksMax)
  const comm = new Uint8Array(stacksMax * COMM_BYTES)
  const stop = new Uint8Array(stacksMax)
  const samples = new Uint32Array(stacksMax)
  const kernelFrames = new Uint16Array(stacksMax)
  const frameStart = new Uint32Array(stacksMax + 1)
  let addressHigh = new Uint32Array(4096)
  let addressLow = new Uint32Array(4096)
  let count = 0
  let samplesTotal = 0

  function add(batch: RawStacks, from = 0): number {
    for (let record = from; record < batch.count; record++) {
      const number = generationAt(batch.tgid[record]!, batch.startTicks[record]!, batch.timeMs[record]!)
      const key = hashRecord(batch, record) ^ Math.imul(number, 0x9e3779b1)
      let slot = key & slotMask
      while (
        slots[slot] !== EMPTY &&
        (generation[slots[slot]!] !== number || !isEqual(slots[slot]!, key, batch, record))
      )
        slot = (slot + 1) & slotMask
      if (slots[slot] === EMPTY) {
        const frames = batch.frameStart[record + 1]! - batch.frameStart[record]!
        const isFull = count === stacksMax || frameStart[count]! + frames > framesMax
        if (isFull && count > 0) return record
        generation[count] = number
        slots[slot] = append(key, batch, record, frames)
      }
      const row = slots[slot]!
      samples[row] = samples[row]! + 1
      samplesTotal++
    }
    return batch.count
  }

  function isEqual(row: number, key: number, batch: RawStacks, record: number): boolean {
    if (
      hash[row] !== key ||
      tgid[row] !== batch.tgid[record] ||
      startTicks[row] !== batch.startTicks[record] ||
      stop[row] !== batch.stop[record] ||
      kernelFrames[row] !== batch.kernelFrames[record] ||
      cgroupLow[row] !== batch.cgroupLow[record] ||
      cgroupHigh[row] !== batch.cgroupHigh[record]
    )
      return false
    for (let i = 0; i < COMM_BYTES; i++)
      if (comm[row * COMM_BYTES + i] !== batch.comm[record * COMM_BYTES + i]) return false
    const ours = frameStart[row]!
    const theirs = batch.frameStart[record]!
    const frames = frameStart[row + 1]! - ours
    if (frames !== batch.frameStart[record + 1]! - theirs) return false
    for (let i = 0; i < frames; i++)
      if (
        addressLow[ours + i] !== batch.addressLow[theirs + i] ||
        addressHigh[ours + i] !== batch.addressHigh[theirs + i]
      )
        return false
    return true
  }

  function append(key: number, batch: RawStacks, record: number, frames: number): number {
    const row = count++
    const start = frameStart[row]!
    if (start + frames > addressLow.length) {
      const length = Math.max(start + frames, addressLow.length * 2)
      addressLow = grown(addressLow, length)
      addressHigh = grown(addressHigh, length)
    }
    const source = batch.frameStart[record]!
    for (let i = 0; i < frames; i++) {
      addressLow[start + i] = batch.addressLow[source + i]!
      addressHigh[start + i] = batch.addressHigh[source + i]!
    }
    for (let i = 0; i < COMM_BYTES; i++) comm[row * COMM_BYTES + i] = batch.comm[record * COMM_BYTES + i]!
    frameStart[row + 1] = start + frames
    hash[row] = key
    tgid[row] = batch.tgid[record]!
    startTicks[row] = batch.startTicks[record]!
    cgroupLow[row] = batch.cgroupLow[record]!
    cgroupHigh[row] = batch.cgroupHigh[record]!
    stop[row] = batch.stop[record]!
    kernelFrames[row] = batch.kernelFrames[record]!
    samples[row] = 0
    return row
  }

  function take({ timeMs, durationMs }: { readonly timeMs: number; readonly durationMs: number }): Window {
    const frames = frameStart[count]!
    const window: Window = {
      timeMs,
      durationMs,
      count,
      samplesTotal,
      tgid: tgid.slice(0, count),
      startTicks: startTicks.slice(0, count),
      generation: generation.slice(0, count),
      comm: Array.from({ length: count }, (_, row) => printComm(comm, row * COMM_BYTES)),
      cgroupLow: cgroupLow.slice(0, count),
      cgroupHigh: cgroupHigh.slice(0, count),
      stop: Array.from({ length: count }, (_, row) => stopNames[stop[row]!] ?? `stop_${stop[row]}`),
      samples: samples.slice(0, count),
      frameStart: frameStart.slice(0, count + 1),
      kernelFrames: kernelFrames.slice(0, count),
      addressHigh: addressHigh.slice(0, frames),
      addressLow: addressLow.slice(0, frames),
    }
    slots.fill(EMPTY)
    count = 0
    samplesTotal = 0
    return window
  }

  return {
    add,
    take,
    get count() {
      return count
    },
    get samplesTotal() {
      return samplesTotal
    },
  }
}

/** FNV-like over words, avalanched at the end: Math.imul keeps it in integer registers. */
function hashRecord(batch: RawStacks, record: number): number {
  let key = Math.imul(batch.tgid[record]! ^ 0x811c9dc5, 0x01000193)
  key = Math.imul(key ^ batch.startTicks[record]!, 0x01000193)
  key = Math.imul(key ^ batch.cgroupLow[record]!, 0x01000193)
  key = Math.imul(key ^ ((batch.stop[record]! << 16) | batch.kernelFrames[record]!), 0x01000193)
  for (let i = record * COMM_BYTES; i < (record + 1) * COMM_BYTES; i++)
    key = Math.imul(key ^ batch.comm[i]!, 0x01000193)
  const end = batch.frameStart[record + 1]!
  for (let i = batch.frameStart[record]!; i < end; i++) {
    key = Math.imul(key ^ batch.addressLow[i]!, 0x85ebca6b)
    key = Math.imul((key << 13) ^ (key >>> 19) ^ batch.addressHigh[i]!, 0xc2b2ae35)
  }
  key ^= key >>> 16
  key = Math.imul(key, 0x85ebca6b)
  return key ^ (key >>> 13)
}

const utf8 = new TextDecoder()

/** The name of a thread as people may see it: any process can call itself anything. */
function printComm(bytes: Uint8Array, start: number): string {
  let end = start
  while (end < start + COMM_BYTES && bytes[end] !== 0) end++
  return utf8.decode(bytes.subarray(start, end)).replace(/[\u0000-\u001f\u007f-\u009f]/g, '?')
}

function grown(column: Uint32Array<ArrayBuffer>, length: number): Uint32Array<ArrayBuffer> {
  const copy = new Uint32Array(length)
  copy.set(column)
  return copy
}

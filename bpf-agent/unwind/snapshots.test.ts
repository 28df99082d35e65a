// A world of one file: functions of 0x1000 bytes each at 0x10000, mapped at 0x400000; `drawTable` says by which CFA.
import { describe, expect, it } from 'vitest'
import { SEGMENT_EXECUTABLE, SEGMENT_LOAD } from '../elf/elf-file.ts'
import type { Mappings } from '../host/mappings.ts'
import type { RawStacks } from '../kernel/raw-stack.ts'
import { joinRecords } from '../kernel/stack-batch.ts'
import { drawBatch } from '../kernel/testing.ts'
import type { TableFile } from './files.ts'
import { createRowReader } from './row-reader.ts'
import { createRowStore } from './row-store.ts'
import type { MappedThen } from './snapshot-tables.ts'
import { createSnapshots, outcomesOf } from './snapshots.ts'
import { createMemoryKernel, drawMappings, drawTable } from './testing.ts'
import { REGISTERS } from './user-registers.ts'

const STOPS = ['root', 'unknown', 'no_mapping', 'read_fault', 'copy_ended', 'fp_zero', 'depth', 'bad_fp']
const CODE = 0x40_0000
const SP = 0x7000
const { words: REGISTER_WORDS, pc: PC, sp: SP_AT, fp: FP } = REGISTERS.x64

interface Drawn {
  readonly pc?: number
  readonly sp?: number
  readonly fp?: number
  /** From sp up. */
  readonly stack?: readonly number[]
}

/** A batch of one process: samples with a snapshot where something is drawn. */
function batchOf(drawn: readonly (Drawn | undefined)[], tgid = 7): RawStacks {
  const batch = drawBatch(drawn.map((_, i) => `${tgid} t${i} ffffffff81000000 | 401000`).join('\n'))
  const snapshots = drawn.map((one) => {
    if (one === undefined) return new BigUint64Array()
    const words = new BigUint64Array(REGISTER_WORDS + (one.stack?.length ?? 0))
    words[PC] = BigInt(one.pc ?? CODE + 0x10)
    words[SP_AT] = BigInt(one.sp ?? SP)
    words[FP] = BigInt(one.fp ?? 0)
    words.set((one.stack ?? []).map(BigInt), REGISTER_WORDS)
    return words
  })
  let at = 0
  snapshots.forEach((words, i) => {
    batch.snapshotStart[i] = at
    batch.snapshotBytes[i] = words.byteLength
    at += words.byteLength
  })
  batch.stop.fill(STOPS.indexOf('unknown'))
  return { ...batch, snapshots: Buffer.concat(snapshots.map((words) => new Uint8Array(words.buffer))) }
}

function world({ heldBytesMax = 1 << 20 } = {}) {
  const kernel = createMemoryKernel({
    vmas: 8,
    pages: 8,
    rules: 64,
    procs: 8,
    rows: 65_536,
    shardRows: 65_536,
  })
  const reader = createRowReader(kernel)
  const store = createRowStore(reader.kernel, 65_536)
  // Functions 0, 1, 2: frames of 16 and 8 bytes, then a gap.
  const placed = store.place(drawTable('0x10000: 16 8 .'))
  if (typeof placed === 'string') throw new Error(placed)
  const segments = [
    ...[{ type: SEGMENT_LOAD, flags: SEGMENT_EXECUTABLE, offset: 0, address: 0x1_0000 }].map((segment) => ({
      ...segment,
      ...{ fileSize: 0x3000, memorySize: 0x3000 },
    })),
  ]
  const file: { -readonly [Key in keyof TableFile]: TableFile[Key] } = {
    ...{ identity: 'a', segments, state: 'ready', placed, isHomeless: false },
  }
  const mappings = drawMappings([[CODE, 3, 'a']])
  const state = {
    ms: 0,
    mapped: mapped(mappings) as MappedThen | 'unknown' | 'gone',
    file,
    asked: [] as [number, number | undefined][],
    isReachable: true,
  }
  const snapshots = createSnapshots({
    mappedThen: () => state.mapped,
    files: {
      fileOf: (tgid, _, __, origin) => {
        state.asked.push([tgid, origin?.parentTgid])
        return state.isReachable ? state.file : 'unreachable'
      },
      touch: () => {},
    },
    ...{ reader, stopNames: STOPS, arch: 'x64', framesMax: 512, stackBytesMax: 64, heldBytesMax },
    nowMs: () => state.ms,
  })
  return { snapshots, state }
}

const mapped = (mappings: Mappings): MappedThen => ({
  ...{ tgid: 7, mappings },
  origin: { parentTgid: 3, sinceMs: 5 },
})

/** Functions by number, leaf first, and the stop; the kernel's frame and the process are checked by the way. */
function seen(batch: RawStacks): string[] {
  return Array.from({ length: batch.count }, (_, i) => {
    const [start, end] = [batch.frameStart[i]!, batch.frameStart[i + 1]!]
    expect([batch.addressHigh[start], batch.kernelFrames[i], batch.tgid[i]]).toEqual([0xffff_ffff, 1, 7])
    const frames = [...batch.addressLow.subarray(start + 1, end)].map((low) =>
      Math.floor((low - CODE) / 0x1000),
    )
    return [...frames, STOPS[batch.stop[i]!]].join(' ')
  })
}

const at = (i: number) => CODE + 0x1000 * i + 0x11 // a return address
const WHOLE: Drawn = { stack: [0, at(1), at(2), 0] } // 0 called by 1, called by 2: a gap, and no frame pointer

describe('copied stacks', () => {
  it('are walked at once when all is known, and leave the others where they are', () => {
    const { snapshots, state } = world()
    const batch = batchOf([WHOLE, undefined, WHOLE])
    expect([0, 1, 2].map((i) => snapshots.take(batch, i))).toEqual([true, false, true])
    expect(seen(snapshots.walked())).toEqual(['0 1 2 fp_zero', '0 1 2 fp_zero'])
    expect(snapshots.walked().count).toBe(0)
    expect(snapshots.facts()).toEqual({ walked: 2, gaveUp: new Map(), heldBytes: 0 })
    expect(snapshots.restopped).toEqual(
      new Map([
        ['unknown', -2],
        ['fp_zero', 2],
      ]),
    )
    expect(state.asked).toEqual([[7, 3]]) // once for all samples of a batch
  })

  it('wait for mappings, and go on as they came when none come in two seconds', () => {
    const { snapshots, state } = world()
    state.mapped = 'unknown'
    const batch = batchOf([WHOLE])
    expect(snapshots.take(batch, 0)).toBe(true)
    batch.snapshots.fill(0xff) // the batch is used again
    batch.addressLow.fill(0)
    snapshots.resolve(false)
    expect([snapshots.walked().count, snapshots.held]).toEqual([0, 1])
    const later = world()
    later.state.mapped = 'unknown'
    later.snapshots.take(batchOf([WHOLE]), 0)
    later.state.ms = 2000
    later.snapshots.resolve(false)
    expect(seen(later.snapshots.walked())).toEqual(['1 unknown'])
    expect(later.snapshots.facts()).toEqual({
      walked: 0,
      gaveUp: new Map([['no_mappings', 1]]),
      heldBytes: 0,
    })
    state.mapped = mapped(drawMappings([[CODE, 3, 'a']]))
    snapshots.resolve(false)
    expect(seen(snapshots.walked())).toEqual(['0 1 2 fp_zero'])
  })

  it('wait for a table, but not behind the end of a window', () => {
    const { snapshots, state } = world()
    state.file.state = 'waiting'
    for (const i of [0, 1]) expect(snapshots.take(batchOf([WHOLE, WHOLE]), i)).toBe(true)
    snapshots.resolve(false)
    expect(snapshots.walked().count).toBe(0)
    state.file.state = 'ready'
    snapshots.resolve(false)
    expect(seen(snapshots.walked())).toEqual(['0 1 2 fp_zero', '0 1 2 fp_zero'])
    state.file.state = 'waiting'
    snapshots.take(batchOf([WHOLE]), 0)
    state.ms = 4999
    snapshots.resolve(false)
    expect(snapshots.held).toBe(1)
    snapshots.resolve(true)
    expect(seen(snapshots.walked())).toEqual(['0 1 2 fp_zero']) // by the rows that are there
    expect(outcomesOf(snapshots, { snapshotsLeftOut: 4 })).toEqual(
      new Map([
        ['walked', 2],
        ['waited', 1],
        ['ring_full', 4],
      ]),
    )
  })

  it('whose process was never known are not held', () => {
    const { snapshots, state } = world()
    state.mapped = 'gone'
    expect(snapshots.take(batchOf([WHOLE]), 0)).toBe(false)
    expect(snapshots.facts().gaveUp).toEqual(new Map([['no_mappings', 1]]))
  })

  it('are tried once more when an address lies in no mapping: an event may be on its way', () => {
    const { snapshots, state } = world()
    state.mapped = mapped(drawMappings([[CODE, 1, 'a']]))
    expect(snapshots.take(batchOf([WHOLE]), 0)).toBe(true)
    expect(snapshots.walked().count).toBe(0)
    state.mapped = mapped(drawMappings([[CODE, 3, 'a']]))
    snapshots.resolve(false)
    expect(seen(snapshots.walked())).toEqual(['0 1 2 fp_zero'])
    const wild = world()
    expect(wild.snapshots.take(batchOf([{ pc: 0x10 }]), 0)).toBe(true)
    wild.snapshots.resolve(false)
    expect(STOPS[wild.snapshots.walked().stop[0]!]).toBe('no_mapping')
  })

  it('take no more memory than they may', () => {
    const { snapshots, state } = world({ heldBytesMax: 2000 })
    state.mapped = 'unknown'
    const batch = batchOf(Array.from({ length: 5 }, () => WHOLE))
    expect([0, 1, 2, 3, 4].map((i) => snapshots.take(batch, i))).toEqual([true, true, false, false, false])
    expect(snapshots.facts().heldBytes).toBeLessThanOrEqual(2000)
    expect(snapshots.facts().gaveUp).toEqual(new Map([['no_room', 3]]))
    snapshots.resolve(true)
    expect([snapshots.walked().count, snapshots.facts().heldBytes]).toEqual([2, 0])
  })

  it('are walked by frame pointers where a file cannot be reached: as the kernel did', () => {
    const { snapshots, state } = world()
    state.isReachable = false
    snapshots.take(batchOf([WHOLE]), 0)
    expect(seen(snapshots.walked())).toEqual(['0 fp_zero'])
  })

  it('end where the copy ends; a longer one would only help where it was cut', () => {
    const { snapshots } = world()
    const endless = (words: number): Drawn => ({ stack: Array.from({ length: words }, () => at(1)) })
    const batch = batchOf([endless(8), endless(7)])
    for (const i of [0, 1]) snapshots.take(batch, i)
    expect(seen(snapshots.walked())).toEqual([
      `0${' 1'.repeat(7)} copy_ended`,
      `0${' 1'.repeat(6)} read_fault`,
    ])
  })

  it.each([
    ['no stack at all', {}, '0 read_fault'],
    ['a stack pointer at the end of the world', { sp: Number.MAX_SAFE_INTEGER, stack: [1, 2, 3] }, undefined],
    ['a stack pointer below what was copied', { sp: 8, stack: [at(1), at(1)] }, '0 1 read_fault'],
    [
      'a frame pointer that points to itself',
      { pc: at(2), fp: SP + 8, stack: [0, SP + 8, at(2), 0] },
      '2 2 bad_fp',
    ],
    ['a frame pointer behind the copy', { pc: at(2), fp: SP + 4096, stack: [0] }, '2 read_fault'],
    ['a stack pointer that is not even', { sp: SP + 3, stack: [0, at(1), at(2), 0, 0] }, undefined],
  ] as const)('with %s end', (_, drawn, expected) => {
    const { snapshots } = world()
    snapshots.take(batchOf([drawn]), 0)
    snapshots.resolve(true)
    const walked = seen(snapshots.walked())
    expect(walked).toHaveLength(1)
    if (expected !== undefined) expect(walked).toEqual([expected])
  })

  it('shorter than their registers are none', () => {
    const { snapshots } = world()
    const batch = batchOf([WHOLE])
    batch.snapshotBytes[0] = 8 * REGISTER_WORDS - 1
    expect(snapshots.take(batch, 0)).toBe(false)
    expect(joinRecords([]).count).toBe(0)
  })
})

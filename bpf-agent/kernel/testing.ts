// What do bytes from the kernel look like, without a kernel? A manifest with layouts unlike the real ones, so that a test
// fails where an offset is written down twice, and a ring in plain memory. For tests only.
import { type ObjectSpec, offsetOf, sizeOf } from './object-spec.ts'
import type { RawStacks } from './raw-stack.ts'
import { createRing, type Ring } from './ring.ts'

const fields = (rows: readonly (readonly [name: string, offset: number, size: number, count?: number])[]) =>
  Object.fromEntries(rows.map(([name, offset, size, count = 1]) => [name, { offset, size, count }]))

/** Fields in another order than bpf/abi.h has them. */
export const SPEC: ObjectSpec = {
  arch: 'x64',
  abi: 'abi',
  sha256: 'sha256',
  loaderBytes: 8,
  dataBytes: 8,
  maps: [
    ...['config', 'cgroups', 'procs', 'vmas', 'pages', 'rules', 'rows', 'pythons'],
    ...['snapshots', 'counters', 'samples', 'events'],
  ].map((name) => ({
    name,
    type: 2,
    entries: 1,
    flags: 0,
    keyBytes: 4,
    valueBytes: 8,
  })),
  programs: ['on_tick', 'on_fork', 'on_exec', 'on_exit'],
  structs: {
    record: {
      size: 64,
      fields: fields([
        ['time_ns', 0, 8],
        ['cgroup_id', 8, 8],
        ['comm', 16, 16, 16],
        ['tgid', 32, 4],
        ['tid', 36, 4],
        ['start_ticks', 40, 4],
        ['n_user', 44, 2],
        ['n_kernel', 46, 2],
        ['n_ext', 48, 2],
        ['flags', 50, 2],
        ['cpu', 52, 2],
        ['stop', 54, 1],
      ]),
    },
    event: {
      size: 40,
      fields: fields([
        ['time_ns', 0, 8],
        ['cgroup_id', 8, 8],
        ['start_ticks', 16, 4],
        ['kind', 20, 4],
        ['tgid', 24, 4],
        ['other', 28, 4],
      ]),
    },
    counters: {
      size: 112,
      fields: fields([
        ['own_ns', 0, 8],
        ['ticks', 8, 8],
        ['idle', 16, 8],
        ['records', 24, 8],
        ['dropped', 32, 16, 2],
        ['stopped', 48, 16, 2],
        ['events', 64, 8],
        ['events_lost', 72, 8],
        ['steps', 80, 16, 2],
        ['snapshots_left_out', 96, 8],
        ['snapshots', 104, 8],
      ]),
    },
    config: {
      size: 16,
      fields: fields([
        ['has_tables', 0, 4],
        ['user_frames_max', 4, 4],
        ['snapshot_bytes', 8, 4],
      ]),
    },
    proc: {
      size: 16,
      fields: fields([
        ['start_ticks', 0, 4],
        ['n_vma', 4, 4],
        ['first_vma', 8, 4],
        ['runtime', 12, 2],
        ['flags', 14, 2],
      ]),
    },
    vma: {
      size: 32,
      fields: fields([
        ['bias', 0, 8],
        ['start', 8, 8],
        ['n_pages', 16, 4],
        ['first_page', 20, 4],
        ['page_base', 24, 4],
        ['len_pages', 28, 4],
      ]),
    },
    range: {
      size: 8,
      fields: fields([
        ['n', 0, 4],
        ['first', 4, 4],
      ]),
    },
    rule: {
      size: 8,
      fields: fields([
        ['aux', 0, 2],
        ['fp_off', 2, 2],
        ['cfa', 4, 2],
        ['fp_kind', 6, 1],
        ['kind', 7, 1],
      ]),
    },
    python: {
      size: 80,
      fields: fields([
        ['interpreters', 0, 8],
        ['loop_start', 8, 8],
        ['loop_end', 16, 8],
        ['cold_start', 24, 8],
        ['cold_end', 32, 8],
        ['thread_frame', 40, 4],
        ['thread_id', 44, 4],
        ['thread_next', 48, 4],
        ['interpreter_threads', 52, 4],
        ['interpreter_next', 56, 4],
        ['code_instructions', 60, 2],
        ['kind', 62, 1],
        ['is_indirect', 63, 1],
        ['frame_bytes', 64, 1],
        ['frame_code', 65, 1],
        ['frame_back', 66, 1],
        ['frame_instruction', 67, 1],
        ['frame_entry', 68, 1],
        ['unit_shift', 69, 1],
        ['loop_begins', 70, 1],
      ]),
    },
  },
  enums: {
    stop_reason: ['STOP_FP_ZERO', 'STOP_BAD_FP'],
    drop_reason: ['DROP_NONE', 'DROP_RING_FULL'],
    event_kind: ['EVENT_FORK', 'EVENT_EXEC', 'EVENT_EXIT'],
    cgroup_verdict: ['CGROUP_TAKE', 'CGROUP_SKIP'],
    record_flag: ['FRAMES_PLAIN', 'FRAMES_BUILD_ID', 'FRAMES_SNAPSHOT'],
    step_kind: ['STEP_ROW', 'STEP_FP_GAP'],
    rule_kind: ['RULE_SP', 'RULE_FP'],
    fp_kind: ['FP_SAME', 'FP_AT_CFA'],
    proc_flag: ['PROC_TAKE', 'PROC_SKIP'],
    python_kind: ['PYTHON_FRAME_OBJECTS', 'PYTHON_C_FRAMES', 'PYTHON_ENTRY_FRAMES'],
  },
}

export interface RecordSpec {
  readonly tgid?: number
  readonly startTicks?: number
  readonly stop?: number
  readonly comm?: string
  readonly cgroup?: bigint
  readonly timeNs?: bigint
  /** Leaf first. */
  readonly kernel?: readonly bigint[]
  readonly user?: readonly bigint[]
  /** The words behind the frames: registers, then the stack. */
  readonly ext?: readonly bigint[]
  readonly flags?: number
}

/** A record's bytes as the sampler would write them. */
export function recordBytes(record: RecordSpec): Uint8Array {
  const { kernel = [], user = [], ext = [] } = record
  const head = sizeOf(SPEC, 'record')
  const bytes = Buffer.alloc(head + 8 * (kernel.length + user.length + ext.length))
  const at = (field: string) => offsetOf(SPEC, 'record', field)
  bytes.writeUInt32LE(record.tgid ?? 1, at('tgid'))
  bytes.writeUInt32LE(record.tgid ?? 1, at('tid'))
  bytes.writeUInt32LE(record.startTicks ?? 100, at('start_ticks'))
  bytes.writeUInt8(record.stop ?? 0, at('stop'))
  bytes.writeUInt16LE(kernel.length, at('n_kernel'))
  bytes.writeUInt16LE(user.length, at('n_user'))
  bytes.writeUInt16LE(ext.length, at('n_ext'))
  bytes.writeUInt16LE(record.flags ?? 0, at('flags'))
  bytes.writeBigUInt64LE(record.timeNs ?? 0n, at('time_ns'))
  bytes.writeBigUInt64LE(record.cgroup ?? 1n, at('cgroup_id'))
  bytes.write(record.comm ?? 'test', at('comm'), 16, 'utf8')
  ;[...kernel, ...user, ...ext].forEach((word, i) => {
    bytes.writeBigUInt64LE(word, head + 8 * i)
  })
  return bytes
}

export const BUSY = 0x8000_0000
export const DISCARD = 0x4000_0000

/** A ring in plain memory, with the kernel's side of it: `write` does what bpf_ringbuf_output does, and keeps the
 *  doubled data equal. */
export function memoryRing(size = 4096, start = 0n) {
  const data = new ArrayBuffer(2 * size)
  const bytes = new Uint8Array(data)
  const consumer = new BigInt64Array([start])
  const producer = new BigInt64Array([start])
  const ring: Ring = createRing({ consumer, producer, data, bytes: size })
  const poke = (position: bigint, content: Uint8Array) =>
    content.forEach((byte, i) => {
      const at = (Number(position % BigInt(size)) + i) % size
      bytes[at] = byte
      bytes[at + size] = byte
    })
  return {
    ring,
    consumed: () => consumer[0]!,
    /** out  false when it does not fit, as the kernel would say */
    write(content: Uint8Array, bits = 0): boolean {
      const step = (content.length + 15) & ~7
      if (Number(producer[0]! - consumer[0]!) + step > size) return false
      const header = Buffer.alloc(8)
      header.writeUInt32LE((content.length | bits) >>> 0)
      poke(producer[0]!, header)
      poke(producer[0]! + 8n, content)
      producer[0] = producer[0]! + BigInt(step)
      return true
    },
    /** Overwrites the header at a position, as the kernel does when a record is ready. */
    setHeader(position: bigint, length: number): void {
      const header = Buffer.alloc(4)
      header.writeUInt32LE(length >>> 0)
      poke(position, header)
    },
  }
}

/** A batch written as one line per record: `tgid comm kernelLeaf … | userLeaf …`, addresses in hex; with `*` before it
 *  when it brings a snapshot (of eight zeros). */
export function drawBatch(text: string): RawStacks {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  const rows = lines.map((line) => {
    const [head = '', user = ''] = line.split('|')
    const [tgid, comm = '', ...kernel] = head.trim().split(/\s+/)
    const hex = (words: readonly string[]) =>
      words.filter((word) => word !== '').map((word) => BigInt(`0x${word}`))
    const inKernel = hex(kernel)
    return {
      tgid: Number(tgid?.replace('*', '')),
      snapshotBytes: line.startsWith('*') ? 8 : 0,
      comm,
      kernel: inKernel,
      frames: [...inKernel, ...hex(user.trim().split(/\s+/))],
    }
  })
  const frames = rows.flatMap((row) => row.frames)
  const comm = new Uint8Array(rows.length * 16)
  rows.forEach((row, i) => {
    comm.set(Buffer.from(row.comm).subarray(0, 16), i * 16)
  })
  const frameStart = new Uint32Array(rows.length + 1)
  rows.forEach((row, i) => {
    frameStart[i + 1] = frameStart[i]! + row.frames.length
  })
  return {
    count: rows.length,
    tgid: Uint32Array.from(rows, (row) => row.tgid),
    tid: Uint32Array.from(rows, (row) => row.tgid),
    startTicks: new Uint32Array(rows.length).fill(100),
    cpu: new Uint16Array(rows.length),
    stop: new Uint8Array(rows.length),
    flags: new Uint16Array(rows.length),
    timeMs: new Float64Array(rows.length),
    cgroupLow: new Uint32Array(rows.length).fill(1),
    cgroupHigh: new Uint32Array(rows.length),
    comm,
    frameStart,
    kernelFrames: Uint16Array.from(rows, (row) => row.kernel.length),
    addressHigh: Uint32Array.from(frames, (address) => Number(address >> 32n)),
    addressLow: Uint32Array.from(frames, (address) => Number(address & 0xffff_ffffn)),
    snapshotStart: new Uint32Array(rows.length),
    snapshotBytes: Uint32Array.from(rows, (row) => row.snapshotBytes),
    snapshots: new Uint8Array(8),
  }
}

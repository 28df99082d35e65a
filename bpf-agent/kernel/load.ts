// How does the sampler get into the kernel? The light skeleton's own loader program runs there: it makes the maps,
// resolves field offsets against the kernel's BTF, loads the programs and hands back their descriptors. No ELF, no libbpf.
// When the kernel refuses, it says why, in its own last lines and with a cure. Nothing is pinned: closing all descriptors
// removes everything.
import { readFileSync } from 'node:fs'
import { explainLoadFailure } from './explain.ts'
import type { ObjectSpec } from './object-spec.ts'
import { addressOf, BPF, bpf, closeFd, SyscallError, withoutSignals } from './syscalls.ts'

const BPF_MAP_TYPE_ARRAY = 2
const BPF_PROG_TYPE_SYSCALL = 31
const BPF_F_SLEEPABLE = 16
const INSTRUCTION_BYTES = 8
const LOG_BYTES = 1024 * 1024
const CONTEXT_HEAD_BYTES = 24 // u32 size, flags, log_level, log_size; u64 log_buf
const CONTEXT_MAP_BYTES = 16 // s32 fd; u32 max_entries; u64 initial_value
const CONTEXT_PROGRAM_BYTES = 4

/** The agent cannot sample on this machine; the message says why and what would help. */
export class CannotSample extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'CannotSample'
  }
}

export interface LoadedObject {
  mapFd(name: string): number
  programFd(name: string): number
  close(): void
}

/** Loads maps and programs.
 *  in   blob     loader program, then its data (ARCH.bin)
 *       entries  sizes of maps that differ from the object's
 *  throws  CannotSample.   cost 30 to 60 ms, verifier included */
export function loadObject(
  spec: ObjectSpec,
  blob: Buffer,
  entries: ReadonlyMap<string, number> = new Map(),
): LoadedObject {
  if (blob.length !== spec.loaderBytes + spec.dataBytes)
    throw new CannotSample(
      `the BPF object has ${blob.length} bytes, its manifest says ${spec.loaderBytes + spec.dataBytes}; rebuild it: npm run build bpf`,
    )
  const context = contextOf(spec, entries)
  try {
    // The verifier gives up with EAGAIN when a signal is pending: a child that ends now is enough.
    withoutSignals(() => runLoader(spec, blob, context))
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error
    throw new CannotSample(explainLoadFailure(error, verifierLog(spec, blob, entries), machineFacts()), error)
  }
  return loadedFrom(spec, context)
}

function contextOf(spec: ObjectSpec, entries: ReadonlyMap<string, number>): Buffer {
  const context = Buffer.alloc(
    CONTEXT_HEAD_BYTES + spec.maps.length * CONTEXT_MAP_BYTES + spec.programs.length * CONTEXT_PROGRAM_BYTES,
  )
  context.writeUInt32LE(context.length, 0)
  spec.maps.forEach((map, i) => {
    context.writeUInt32LE(
      entries.get(map.name) ?? map.entries,
      CONTEXT_HEAD_BYTES + i * CONTEXT_MAP_BYTES + 4,
    )
  })
  return context
}

function loadedFrom(spec: ObjectSpec, context: Buffer): LoadedObject {
  const programsAt = CONTEXT_HEAD_BYTES + spec.maps.length * CONTEXT_MAP_BYTES
  const fds = new Map<string, number>()
  spec.maps.forEach((map, i) => {
    fds.set(`map ${map.name}`, context.readInt32LE(CONTEXT_HEAD_BYTES + i * CONTEXT_MAP_BYTES))
  })
  spec.programs.forEach((name, i) => {
    fds.set(`program ${name}`, context.readInt32LE(programsAt + i * CONTEXT_PROGRAM_BYTES))
  })
  const fdOf = (key: string): number => {
    const fd = fds.get(key)
    if (fd === undefined || fd <= 0) throw new Error(`the BPF object has no ${key}`)
    return fd
  }
  return {
    mapFd: (name) => fdOf(`map ${name}`),
    programFd: (name) => fdOf(`program ${name}`),
    close() {
      for (const fd of fds.values()) if (fd > 0) closeFd(fd)
      fds.clear()
    },
  }
}

/** The four calls of every light skeleton. */
function runLoader(spec: ObjectSpec, blob: Buffer, context: Buffer): void {
  const loader = blob.subarray(0, spec.loaderBytes)
  const data = blob.subarray(spec.loaderBytes)
  let mapFd = -1
  let programFd = -1
  try {
    const create = Buffer.alloc(128)
    create.writeUInt32LE(BPF_MAP_TYPE_ARRAY, 0)
    create.writeUInt32LE(4, 4)
    create.writeUInt32LE(data.length, 8)
    create.writeUInt32LE(1, 12)
    create.write('__loader.map', 28, 'latin1')
    mapFd = bpf(BPF.MAP_CREATE, create, 'making the first BPF map')

    const key = Buffer.alloc(8)
    const update = Buffer.alloc(128)
    update.writeUInt32LE(mapFd, 0)
    update.writeBigUInt64LE(addressOf(key), 8)
    update.writeBigUInt64LE(addressOf(data), 16)
    bpf(BPF.MAP_UPDATE_ELEM, update, 'filling the first BPF map')

    const license = Buffer.from('Dual BSD/GPL\0')
    const fdArray = Buffer.alloc(8)
    fdArray.writeInt32LE(mapFd, 0)
    const load = Buffer.alloc(152)
    load.writeUInt32LE(BPF_PROG_TYPE_SYSCALL, 0)
    load.writeUInt32LE(loader.length / INSTRUCTION_BYTES, 4)
    load.writeBigUInt64LE(addressOf(loader), 8)
    load.writeBigUInt64LE(addressOf(license), 16)
    load.writeUInt32LE(BPF_F_SLEEPABLE, 44)
    load.write('__loader.prog', 48, 'latin1')
    load.writeBigUInt64LE(addressOf(fdArray), 120)
    programFd = bpf(BPF.PROG_LOAD, load, 'loading the BPF loader')

    const run = Buffer.alloc(128)
    run.writeUInt32LE(programFd, 0)
    run.writeUInt32LE(context.length, 40)
    run.writeBigUInt64LE(addressOf(context), 48)
    bpf(BPF.PROG_TEST_RUN, run, 'running the BPF loader')
    const result = run.readInt32LE(4)
    if (result < 0) throw new SyscallError('loading the sampler', -result)
  } finally {
    if (programFd >= 0) closeFd(programFd)
    if (mapFd >= 0) closeFd(mapFd)
  }
}

/** Loads once more with a log buffer.  out  what the verifier said, "" if it was not asked */
function verifierLog(spec: ObjectSpec, blob: Buffer, entries: ReadonlyMap<string, number>): string {
  const log = Buffer.alloc(LOG_BYTES)
  const context = contextOf(spec, entries)
  context.writeUInt32LE(1, 8)
  context.writeUInt32LE(log.length, 12)
  context.writeBigUInt64LE(addressOf(log), 16)
  try {
    withoutSignals(() => runLoader(spec, blob, context))
    loadedFrom(spec, context).close() // it worked this time; the first error stands
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error
  }
  const end = log.indexOf(0)
  return log.subarray(0, end < 0 ? log.length : end).toString('latin1')
}

/** What a loaded program cost the verifier, in instructions it followed: a kernel gives up at a million, and an older one
 *  may need more than this one. */
export function verifiedInstructions(programFd: number): number {
  const info = Buffer.alloc(232) // struct bpf_prog_info of 5.16 and newer
  const attributes = Buffer.alloc(16)
  attributes.writeUInt32LE(programFd, 0)
  attributes.writeUInt32LE(info.length, 4)
  attributes.writeBigUInt64LE(addressOf(info), 8)
  bpf(BPF.OBJ_GET_INFO_BY_FD, attributes, 'asking for a BPF program')
  return info.readUInt32LE(216)
}

/** What the kernel says of itself, for the explanation. */
function machineFacts() {
  const read = (file: string): string | undefined => {
    try {
      return readFileSync(file, 'latin1')
    } catch {
      return undefined // not there, or not for us: both mean "unknown"
    }
  }
  const capabilities = /^CapEff:\s*([0-9a-f]+)$/m.exec(read('/proc/self/status') ?? '')?.[1]
  return {
    release: (read('/proc/sys/kernel/osrelease') ?? 'unknown').trim(),
    hasBtf: read('/sys/kernel/btf/vmlinux') !== undefined,
    capabilities: BigInt(`0x${capabilities ?? '0'}`),
    lockdown: /\[(\w+)\]/.exec(read('/sys/kernel/security/lockdown') ?? '')?.[1] ?? 'none',
  }
}

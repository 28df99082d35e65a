// What is the kernel side, seen from the loop? One thing that ticks, tells of processes, gives raw stacks and counts.
// Here load, perf events, rings and counters become that one thing; another thing of this shape can take its place.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type KernelCounters, sumCounters } from './counters.ts'
import { parseCpuList } from './cpus.ts'
import { createDrain } from './drain.ts'
import { createEventReader, type ProcessEvent } from './events.ts'
import { CannotSample, type LoadedObject, loadObject } from './load.ts'
import { lookUpElem, updateElem } from './maps.ts'
import {
  constantOf,
  mapOf,
  namesOf,
  type ObjectSpec,
  offsetOf,
  parseObjectSpec,
  sizeOf,
} from './object-spec.ts'
import { attachTick, createTicker, type Ticker } from './perf-events.ts'
import type { RawStacks } from './raw-stack.ts'
import { mapRing } from './ring.ts'
import { BPF, bpf, closeFd, SyscallError } from './syscalls.ts'

export interface Sampler {
  /** Name of each value of RawStacks.stop. */
  readonly stopNames: readonly string[]
  /** Begins to tick on every online CPU. Before this, events come already, samples do not. */
  start(): void
  /** Processes that began, changed or ended since the last call. Read them before the samples. */
  events(): readonly ProcessEvent[]
  /** The next batch; count 0: the ring is empty. */
  next(): RawStacks
  /** How full the fuller ring is, 0 to 1. */
  fill(): number
  counters(): KernelCounters
  readonly cpus: number
  /** Σ over CPUs of the time they ticked, at a moment of CLOCK_MONOTONIC. */
  cpuMs(monotonicMs: number): number
  /** Looks which CPUs came and went. */
  followCpus(): void
  /** Stops ticking; what is in the rings can still be read. */
  stop(): void
  /** Gives everything back to the kernel; nothing may be called afterwards. */
  close(): void
}

export interface SamplerOptions {
  readonly frequencyHz: number
  /** Deepest user stack, in frames. */
  readonly userFramesMax: number
  /** Whether somebody publishes processes and their unwind tables. Without, every stack is walked by frame pointers;
   *  with, a process that is not published ends with the stop reason `unknown`. */
  readonly hasTables?: boolean
  /** Of the user's stack that a sample of an unknown process takes with it, at most; 0: nothing. By default all that
   *  there is room for, where somebody publishes processes. */
  readonly snapshotBytes?: number
  /** Inodes of cgroup v2 directories whose samples are filtered. */
  readonly excludedCgroups: readonly bigint[]
  /** Folder of ARCH.bin and ARCH.json. */
  readonly objectFolder: string
  /** CLOCK_MONOTONIC. */
  readonly monotonicMs: () => number
}

/** Where a copy of a stack is cut: SNAPSHOT_STACK_MAX of bpf/abi.h. */
export const SNAPSHOT_BYTES_MAX = 32_768

/** A sampler in this kernel. */
export interface KernelSampler extends Sampler {
  /** For whoever publishes unwind tables: the object's layouts, and the descriptors of its maps until `close`. */
  readonly spec: ObjectSpec
  mapFd(name: string): number
}

/** Loads the sampler and makes it ready to start.
 *  throws  CannotSample, with the cure */
export function createSampler(options: SamplerOptions): KernelSampler {
  const { spec, blob } = readObject(options.objectFolder)
  const ringBytes = ringBytesFor(options.frequencyHz, onlineCpus().length)
  const object = loadObject(
    spec,
    blob,
    new Map([
      ['samples', ringBytes],
      ['snapshots', Math.max(...onlineCpus()) + 1], // 42 KB each; a CPU that comes later sends none
    ]),
  )
  const toClose: (() => void)[] = [() => object.close()]
  const close = () => {
    for (const step of toClose.splice(0).reverse()) step()
  }
  try {
    return assemble(options, { spec, object, ringBytes, toClose, close })
  } catch (error) {
    close()
    if (error instanceof SyscallError) throw new CannotSample(`cannot sample: ${error.message}`, error)
    throw error
  }
}

interface Parts {
  readonly spec: ObjectSpec
  readonly object: LoadedObject
  readonly ringBytes: number
  readonly toClose: (() => void)[]
  readonly close: () => void
}

function assemble(
  options: SamplerOptions,
  { spec, object, ringBytes, toClose, close }: Parts,
): KernelSampler {
  writeConfig(spec, object, options)
  for (const id of options.excludedCgroups) excludeCgroup(spec, object, id)
  const samples = mapRing(object.mapFd('samples'), ringBytes)
  toClose.push(() => samples.unmap())
  const events = mapRing(object.mapFd('events'), mapOf(spec, 'events').entries)
  toClose.push(() => events.unmap())
  for (const name of ['on_fork', 'on_exec', 'on_exit']) {
    const fd = attachTracepoint(object.programFd(name), name)
    toClose.push(() => closeFd(fd))
  }
  const ticker: Ticker = createTicker(
    attachTick(object.programFd('on_tick'), options.frequencyHz),
    options.monotonicMs,
  )
  toClose.push(() => ticker.close())
  const drain = createDrain(spec, samples.ring)
  const readEvents = createEventReader(spec, events.ring)
  const counterBytes = Buffer.alloc(possibleCpus() * ((sizeOf(spec, 'counters') + 7) & ~7))
  const follow = () => {
    try {
      ticker.follow(onlineCpus())
    } catch (error) {
      throw new CannotSample(
        `cannot sample any CPU: ${(error as Error).message}; flametrail doctor says what is missing`,
        error,
      )
    }
  }
  return {
    spec,
    mapFd: (name) => object.mapFd(name),
    stopNames: namesOf(spec, 'stop_reason'),
    start: follow,
    events: readEvents,
    next: () => drain.next(),
    fill: () => Math.max(samples.ring.fill(), events.ring.fill()),
    counters() {
      lookUpElem(object.mapFd('counters'), Buffer.alloc(8), counterBytes)
      return sumCounters(spec, counterBytes)
    },
    get cpus() {
      return ticker.cpus
    },
    cpuMs: (monotonicMs) => ticker.cpuMs(monotonicMs),
    followCpus: follow,
    stop: () => ticker.close(),
    close,
  }
}

/** A power of two within 1 and 32 MiB that holds four seconds of mean records: a stall of two must not lose any. */
export function ringBytesFor(frequencyHz: number, cpus: number): number {
  const bytes = frequencyHz * cpus * 512 * 4
  return 2 ** Math.min(25, Math.max(20, Math.ceil(Math.log2(bytes))))
}

function readObject(folder: string): { spec: ObjectSpec; blob: Buffer } {
  const file = join(folder, process.arch)
  let text: string
  let blob: Buffer
  try {
    text = readFileSync(`${file}.json`, 'utf8')
    blob = readFileSync(`${file}.bin`)
  } catch (error) {
    throw new CannotSample(
      `no BPF object for ${process.arch}: ${(error as Error).message}; build it: npm run build bpf`,
      error,
    )
  }
  const spec = parseObjectSpec(text)
  if (!spec.ok) throw new CannotSample(spec.error.message)
  return { spec: spec.value, blob }
}

const onlineCpus = () => parseCpuList(readFileSync('/sys/devices/system/cpu/online', 'latin1'))
/** Per-CPU maps have a value for every CPU that could ever come. */
const possibleCpus = () =>
  parseCpuList(readFileSync('/sys/devices/system/cpu/possible', 'latin1')).at(-1)! + 1

function writeConfig(spec: ObjectSpec, object: LoadedObject, options: SamplerOptions): void {
  const value = Buffer.alloc(sizeOf(spec, 'config'))
  value.writeUInt32LE(options.userFramesMax, offsetOf(spec, 'config', 'user_frames_max'))
  value.writeUInt32LE(options.hasTables === true ? 1 : 0, offsetOf(spec, 'config', 'has_tables'))
  const snapshotBytes = options.snapshotBytes ?? (options.hasTables === true ? SNAPSHOT_BYTES_MAX : 0)
  value.writeUInt32LE(snapshotBytes, offsetOf(spec, 'config', 'snapshot_bytes'))
  updateElem(object.mapFd('config'), Buffer.alloc(8), value)
}

function excludeCgroup(spec: ObjectSpec, object: LoadedObject, id: bigint): void {
  const key = Buffer.alloc(8)
  key.writeBigUInt64LE(id)
  const verdict = Buffer.alloc(8)
  verdict.writeUInt32LE(constantOf(spec, 'cgroup_verdict', 'CGROUP_SKIP'))
  updateElem(object.mapFd('cgroups'), key, verdict)
}

/** Attaches a tp_btf program; it carries the tracepoint's BTF id, so no name and no tracefs are needed. */
function attachTracepoint(programFd: number, name: string): number {
  const attributes = Buffer.alloc(16)
  attributes.writeUInt32LE(programFd, 8)
  return bpf(BPF.RAW_TRACEPOINT_OPEN, attributes, `attaching ${name}`)
}

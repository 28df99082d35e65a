// How does TypeScript speak to the kernel? Through eight functions of the C library, called by koffi, whose only importer
// this file is. It knows numbers of system calls and nothing of what they are used for.
import { closeSync } from 'node:fs'
import { getSystemErrorMap } from 'node:util'
import { address, errno, load, view } from 'koffi'

/** System calls that the C library has no function for. */
const X64 = {
  ...{ bpf: 321, perfEventOpen: 298, eventfd: 290, fcntl: 72 },
  ...{ prctl: 157, capset: 126, prlimit64: 302 },
}
type CallNumbers = Readonly<typeof X64>
const CALLS: Readonly<Record<string, CallNumbers>> = {
  x64: X64,
  arm64: {
    ...{ bpf: 280, perfEventOpen: 241, eventfd: 19, fcntl: 25 },
    ...{ prctl: 167, capset: 91, prlimit64: 261 },
  },
}

/** Commands of bpf(2) that we use: enum bpf_cmd. */
export const BPF = {
  MAP_CREATE: 0,
  MAP_LOOKUP_ELEM: 1,
  MAP_UPDATE_ELEM: 2,
  MAP_DELETE_ELEM: 3,
  PROG_LOAD: 5,
  PROG_TEST_RUN: 10,
  OBJ_GET_INFO_BY_FD: 15,
  RAW_TRACEPOINT_OPEN: 17,
  LINK_CREATE: 28,
} as const

let errors: ReturnType<typeof getSystemErrorMap> | undefined

/** A system call that failed. `code` is the errno, `name` its word ("EPERM"). */
export class SyscallError extends Error {
  readonly call: string
  readonly code: number
  readonly word: string
  constructor(call: string, code: number) {
    errors ??= getSystemErrorMap() // made anew by each call: 0.2 ms
    const [word, text] = errors.get(-code) ?? [`errno ${code}`, 'unknown error']
    super(`${call}: ${word}, ${text}`)
    this.name = 'SyscallError'
    this.call = call
    this.code = code
    this.word = word
  }
}

interface Functions {
  readonly numbers: CallNumbers
  readonly syscall: (number: number, ...words: (number | bigint)[]) => number | bigint
  readonly mmap: (
    at: null,
    length: number,
    rights: number,
    flags: number,
    fd: number,
    offset: number,
  ) => unknown
  readonly munmap: (memory: unknown, length: number) => number
  readonly ioctl: (fd: number, request: number, value: number) => number
  readonly sysconf: (name: number) => number
  readonly poll: {
    async(
      request: Buffer,
      count: number,
      boundMs: number,
      done: (error: Error | null, ready: number) => void,
    ): void
  }
  readonly setSignalMask: (how: number, set: Buffer, before: Buffer | null) => number
  readonly execv: (path: string, words: readonly (string | null)[]) => number
}
let loaded: Functions | undefined

/** The functions, found on first use: importing this file must not fail on a machine that will never sample. */
function functions(): Functions {
  if (loaded !== undefined) return loaded
  const numbers = CALLS[process.arch]
  if (process.platform !== 'linux' || numbers === undefined)
    throw new Error(
      `the agent samples Linux on x64 and arm64; this is ${process.platform} on ${process.arch}`,
    )
  const library = load(null) // the C library we already run on, whichever it is
  loaded = {
    numbers,
    syscall: library.func('long syscall(long, int64, int64, int64, int64, int64)'),
    mmap: library.func('void *mmap(void *, size_t, int, int, int, long)'),
    munmap: library.func('int munmap(void *, size_t)'),
    ioctl: library.func('int ioctl(int, unsigned long, unsigned long)'),
    sysconf: library.func('long sysconf(int)'),
    poll: library.func('int poll(void *, unsigned long, int)'),
    setSignalMask: library.func('int pthread_sigmask(int, void *, _Out_ void *)'),
    execv: library.func('int execv(const char *, const char **)'),
  }
  return loaded
}

/** Where a buffer's bytes stand in memory. The buffer must stay referenced until the call that uses it returns. */
export const addressOf = (buffer: Buffer): bigint => address(buffer)

/** bpf(2).  in  attributes: zero-padded union bpf_attr.  out  what the call returned.  throws  SyscallError */
export function bpf(command: number, attributes: Buffer, name: string): number {
  const result = callBpf(command, attributes)
  if (result < 0) throw new SyscallError(name, errno())
  return result
}

const ENOENT = 2

/** bpf(2) on an element of a map, of which most are often not there: an exception would cost a hundred times the call.
 *  out  false: it is not there.  throws  SyscallError */
export function bpfIfThere(command: number, attributes: Buffer, name: string): boolean {
  if (callBpf(command, attributes) >= 0) return true
  const code = errno()
  if (code !== ENOENT) throw new SyscallError(name, code)
  return false
}

function callBpf(command: number, attributes: Buffer): number {
  const { syscall, numbers } = functions()
  return Number(syscall(numbers.bpf, command, address(attributes), attributes.length, 0, 0))
}

const PERF_FLAG_FD_CLOEXEC = 8

/** perf_event_open(2) for all processes of one CPU.  out  file descriptor.  throws  SyscallError */
export function perfEventOpen(attributes: Buffer, cpu: number): number {
  const { syscall, numbers } = functions()
  const fd = Number(syscall(numbers.perfEventOpen, address(attributes), -1, cpu, -1, PERF_FLAG_FD_CLOEXEC))
  if (fd < 0) throw new SyscallError('perf_event_open', errno())
  return fd
}

export function ioctl(fd: number, request: number, value: number, name: string): void {
  if (functions().ioctl(fd, request, value) < 0) throw new SyscallError(name, errno())
}

export interface Mapped {
  readonly memory: ArrayBuffer
  /** Afterwards nothing may touch `memory`. */
  unmap(): void
}

/** mmap(2) of a file descriptor, shared.  throws  SyscallError */
export function mapShared(fd: number, length: number, offset: number, isWritable: boolean): Mapped {
  const { mmap, munmap } = functions()
  const PROT_READ = 1
  const PROT_WRITE = 2
  const MAP_SHARED = 1
  const pointer = mmap(null, length, PROT_READ | (isWritable ? PROT_WRITE : 0), MAP_SHARED, fd, offset)
  if (address(pointer) === 0xffff_ffff_ffff_ffffn || address(pointer) === -1n)
    throw new SyscallError('mmap', errno())
  return {
    memory: view(pointer, length),
    unmap() {
      munmap(pointer, length)
    },
  }
}

/** Runs something while no signal reaches this thread; what comes meanwhile is delivered after. */
export function withoutSignals<T>(run: () => T): T {
  const { setSignalMask } = functions()
  const SIG_BLOCK = 0
  const SIG_SETMASK = 2
  const SIGSET_BYTES = 128 // sigset_t of glibc and musl
  const before = Buffer.alloc(SIGSET_BYTES)
  setSignalMask(SIG_BLOCK, Buffer.alloc(SIGSET_BYTES, 0xff), before)
  try {
    return run()
  } finally {
    setSignalMask(SIG_SETMASK, before, null)
  }
}

/** poll(2) of some descriptors, on a thread of libuv's pool.
 *  out  whether there is something to read; false when the time is over, or the wait was cut short */
export function pollReadable(fds: readonly number[], boundMs: number): Promise<boolean> {
  const POLLIN = 1
  const POLLFD_BYTES = 8 // s32 fd; s16 events, revents
  const request = Buffer.alloc(fds.length * POLLFD_BYTES)
  fds.forEach((fd, i) => {
    request.writeInt32LE(fd, i * POLLFD_BYTES)
    request.writeInt16LE(POLLIN, i * POLLFD_BYTES + 4)
  })
  return new Promise((resolve, reject) => {
    functions().poll.async(request, fds.length, boundMs, (error) => {
      if (error) reject(error)
      // A signal leaves the answers empty.
      else resolve(fds.some((_, i) => (request.readInt16LE(i * POLLFD_BYTES + 6) & POLLIN) !== 0))
    })
  })
}

export function closeFd(fd: number): void {
  closeSync(fd)
}

/** Bytes of a page: 4,096, or 16 or 64 KiB on some arm64 kernels. */
export function pageBytes(): number {
  const _SC_PAGESIZE = 30 // the same in glibc and musl
  return Number(functions().sysconf(_SC_PAGESIZE))
}

const EFD_CLOEXEC = 0o2000000

/** A descriptor that can be read once 8 bytes of a number were written to it: what ends a `pollReadable` early.
 *  throws  SyscallError */
export function eventFd(): number {
  const { syscall, numbers } = functions()
  const fd = Number(syscall(numbers.eventfd, 0, EFD_CLOEXEC, 0, 0, 0))
  if (fd < 0) throw new SyscallError('eventfd', errno())
  return fd
}

const F_SETFD = 2

/** execv(3): this process becomes another program, with the same PID and environment.
 *  in  words  the first is the program's own name
 *      kept   descriptors that it keeps.  throws  SyscallError; does not return otherwise */
export function become(path: string, words: readonly string[], kept: readonly number[] = [0, 1, 2]): never {
  const { syscall, numbers, execv } = functions()
  // Node closes its own three on exec, too.
  for (const fd of kept) syscall(numbers.fcntl, fd, F_SETFD, 0, 0, 0)
  execv(path, [...words, null])
  throw new SyscallError('execv', errno())
}

/** prctl(2) of the calling thread; whom it starts inherits what is inherited.  throws  SyscallError */
export function prctl(option: number, first: number, second: number, name: string): void {
  const { syscall, numbers } = functions()
  if (Number(syscall(numbers.prctl, option, first, second, 0, 0)) < 0) throw new SyscallError(name, errno())
}

const CAPABILITY_VERSION_3 = 0x20080522

/** Gives up all capabilities of the calling thread, for good.  throws  SyscallError */
export function dropCapabilities(): void {
  const { syscall, numbers } = functions()
  const header = Buffer.alloc(8) // u32 version, s32 thread: 0 is this one
  header.writeUInt32LE(CAPABILITY_VERSION_3, 0)
  const none = Buffer.alloc(24) // u32 effective, permitted, inheritable, of two words each
  if (Number(syscall(numbers.capset, address(header), address(none), 0, 0, 0)) < 0)
    throw new SyscallError('capset', errno())
}

/** Sets a limit of this process, soft and hard.  in  resource  RLIMIT_*.  throws  SyscallError */
export function limitResource(resource: number, value: number, name: string): void {
  const { syscall, numbers } = functions()
  const limit = Buffer.alloc(16)
  limit.writeBigUInt64LE(BigInt(value), 0)
  limit.writeBigUInt64LE(BigInt(value), 8)
  if (Number(syscall(numbers.prlimit64, 0, resource, address(limit), 0, 0)) < 0)
    throw new SyscallError(name, errno())
}

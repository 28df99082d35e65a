// How does user space read and write BPF maps? An element by a system call; a whole array, if it was made for it, as
// memory. Knows no map by name and no value's shape; what to write is the caller's business.
import type { MapSpec } from './object-spec.ts'
import { addressOf, BPF, bpf, bpfIfThere, type Mapped, mapShared, pageBytes } from './syscalls.ts'

/** Writes one element, new or not.  in  key and value as long as the map's.  throws  SyscallError; E2BIG: the map is full
 *  cost  about 1 µs, 5 for a value of 16 KB */
export function updateElem(mapFd: number, key: Buffer, value: Buffer): void {
  bpf(BPF.MAP_UPDATE_ELEM, elementOf(mapFd, key, value), 'writing a BPF map')
}

/** Removes one element.  out  false: it was not there.  throws  SyscallError */
export function deleteElem(mapFd: number, key: Buffer): boolean {
  return bpfIfThere(BPF.MAP_DELETE_ELEM, elementOf(mapFd, key), 'deleting from a BPF map')
}

/** Reads one element into `value`; of a per-CPU map the values of all possible CPUs, each padded to 8 bytes.
 *  out  false: it is not there.  throws  SyscallError */
export function lookUpElem(mapFd: number, key: Buffer, value: Buffer): boolean {
  return bpfIfThere(BPF.MAP_LOOKUP_ELEM, elementOf(mapFd, key, value), 'reading a BPF map')
}

function elementOf(mapFd: number, key: Buffer, value?: Buffer): Buffer {
  const attributes = Buffer.alloc(32)
  attributes.writeUInt32LE(mapFd, 0)
  attributes.writeBigUInt64LE(addressOf(key), 8)
  if (value !== undefined) attributes.writeBigUInt64LE(addressOf(value), 16)
  return attributes
}

/** Makes a map like a declaration of the object, such as the `inner` of a map of maps: the kernel takes only maps whose
 *  type, sizes and flags are the template's.
 *  in   name  at most 15 characters of A-Z a-z 0-9 _ .
 *  out  its descriptor; a map lives while a descriptor or a map of maps holds it.  throws  SyscallError */
export function createMap(
  spec: Pick<MapSpec, 'type' | 'entries' | 'flags' | 'keyBytes' | 'valueBytes'>,
  name: string,
): number {
  const attributes = Buffer.alloc(72)
  attributes.writeUInt32LE(spec.type, 0)
  attributes.writeUInt32LE(spec.keyBytes, 4)
  attributes.writeUInt32LE(spec.valueBytes, 8)
  attributes.writeUInt32LE(spec.entries, 12)
  attributes.writeUInt32LE(spec.flags, 16)
  attributes.write(name.slice(0, 15), 28, 'latin1')
  return bpf(BPF.MAP_CREATE, attributes, `making the BPF map ${name}`)
}

const mappings = new WeakMap<Buffer, Mapped>()

/** The elements of an array map that was made with BPF_F_MMAPABLE, as memory: element i at i × its value's size, rounded
 *  up to 8. Writes reach the kernel at once, in program order on x64; single aligned words are never seen in halves.
 *  in   bytes  entries × value size
 *  out  valid until `unmapArray`, which comes before the map's descriptor is closed.  throws  SyscallError */
export function mmapArray(mapFd: number, bytes: number): Buffer {
  const page = pageBytes()
  const mapped = mapShared(mapFd, Math.ceil(bytes / page) * page, 0, true)
  const buffer = Buffer.from(mapped.memory, 0, bytes)
  mappings.set(buffer, mapped)
  return buffer
}

/** Ends what `mmapArray` began. Afterwards nothing may touch the buffer.  A second call does nothing. */
export function unmapArray(buffer: Buffer): void {
  mappings.get(buffer)?.unmap()
  mappings.delete(buffer)
}

// How do bytes come out of a BPF ring buffer? Positions in two pages of their own, data mapped twice in a row so that a
// record never wraps. Knows no record's shape. See kernel/bpf/ringbuf.c: a header of 8 bytes (length with a busy and a
// discard bit, offset), the record, padding to 8.
import { type Mapped, mapShared, pageBytes } from './syscalls.ts'

const BUSY = 0x8000_0000
const DISCARD = 0x4000_0000
const HEADER_BYTES = 8

/** The three parts of a ring's memory. */
export interface RingMemory {
  /** One u64 each: how far we have read, how far the kernel has written. */
  readonly consumer: BigInt64Array
  readonly producer: BigInt64Array
  /** The data twice: 2 × `bytes` long. */
  readonly data: ArrayBufferLike
  /** A power of two. */
  readonly bytes: number
}

export interface Ring {
  /** The doubled data, for whoever reads records. */
  readonly data: ArrayBufferLike
  /** Moves to the next record.
   *  out  byte offset of the record in `data`, or -1 when there is none yet. The record stays ours until `release`. */
  next(): number
  /** Length of the record that `next` found, in bytes. */
  readonly length: number
  /** Steps back before the record that `next` found: it will come again. */
  unread(): void
  /** Gives all records read so far back to the kernel. */
  release(): void
  /** Written and not yet read, as a share of the ring: 0 to 1. */
  fill(): number
}

/** Reads a ring from its memory. Positions are compared within one turn of the ring, so they may be as large as they
 *  like; no bigint per record. */
export function createRing({ consumer, producer, data, bytes }: RingMemory): Ring {
  const headers = new Int32Array(data)
  const mask = bytes - 1
  let released = Atomics.load(consumer, 0)
  let read = 0 // bytes read since `released`
  let step = 0 // bytes of the record found last
  let length = 0

  function available(): number {
    return Number(Atomics.load(producer, 0) - released)
  }
  let written = available()

  return {
    data,
    get length() {
      return length
    },
    next() {
      for (;;) {
        if (read >= written) {
          written = available()
          if (read >= written) return -1
        }
        const at = (Number(BigInt.asUintN(32, released)) + read) & mask
        const header = Atomics.load(headers, at / 4) >>> 0
        if ((header & BUSY) !== 0) return -1
        length = header & ~(BUSY | DISCARD)
        if (length > bytes - HEADER_BYTES)
          throw new Error(
            `a ring of ${bytes} bytes holds a record of ${length}: its memory is not what it should be`,
          )
        step = (length + HEADER_BYTES + 7) & ~7
        read += step
        if ((header & DISCARD) === 0) return at + HEADER_BYTES
      }
    },
    unread() {
      read -= step
      step = 0
    },
    release() {
      released += BigInt(read)
      written -= read
      read = 0
      Atomics.store(consumer, 0, released)
    },
    fill() {
      return (available() - read) / bytes
    },
  }
}

/** Maps the memory of a ring map. `unmap` before the map's descriptor is closed. */
export function mapRing(fd: number, bytes: number): { readonly ring: Ring; unmap(): void } {
  const page = pageBytes()
  const mapped: Mapped[] = []
  const map = (length: number, offset: number, isWritable: boolean) => {
    const part = mapShared(fd, length, offset, isWritable)
    mapped.push(part)
    return part.memory
  }
  const consumer = new BigInt64Array(map(page, 0, true), 0, 1)
  const producer = new BigInt64Array(map(page, page, false), 0, 1)
  const data = map(2 * bytes, 2 * page, false)
  return {
    ring: createRing({ consumer, producer, data, bytes }),
    unmap() {
      for (const part of mapped) part.unmap()
    },
  }
}

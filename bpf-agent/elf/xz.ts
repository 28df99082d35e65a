// What lies in an .xz file? One stream of blocks, each compressed by LZMA2: what `xz` writes.
// Refuses other filters than LZMA2, and more output than allowed. Leaves checksums unread: who damages a binary can
// write a fitting checksum too, and what comes out is parsed as hostile bytes anyway.
// Source of the facts: the .xz file format.
import { Cursor, MalformedError } from './cursor.ts'
import { decodeLzma2 } from './lzma2.ts'

const MAGIC = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]
const HEADER_BYTES = 12
/** Bytes of the check behind a block, by its kind: none, CRC-32, CRC-64, SHA-256 and what is reserved. */
const CHECK_BYTES = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64]
const FILTER_LZMA2 = 0x21
const BLOCKS_MAX = 1024

/** Decompresses an .xz stream.
 *  in   bytesMax  of output
 *  cost some 60 ns per byte of output; memory twice the output. Throws MalformedError */
export function decodeXz(input: Uint8Array, bytesMax: number): Uint8Array {
  if (MAGIC.some((byte, i) => input[i] !== byte))
    throw new MalformedError('not an .xz file: it does not start like one')
  if (input.length < HEADER_BYTES)
    throw new MalformedError(`.xz file of ${input.length} bytes, its header has 12`)
  const checkBytes = CHECK_BYTES[input[7]! & 0xf]!
  const blocks: Uint8Array[] = []
  let left = bytesMax
  let at = HEADER_BYTES
  while (input[at] !== 0) {
    if (blocks.length >= BLOCKS_MAX) throw new MalformedError(`.xz file of more than ${BLOCKS_MAX} blocks`)
    const start = at + readBlockHeader(input, at)
    const { bytes, end } = decodeLzma2(input, start, left)
    blocks.push(bytes)
    left -= bytes.length
    at = end + ((start - end) & 3) + checkBytes // blocks are padded to four bytes
  }
  return joined(blocks)
}

/** Checks that a block is of LZMA2 alone.  out  bytes of its header */
function readBlockHeader(input: Uint8Array, at: number): number {
  const size = ((input[at] ?? 0) + 1) * 4
  if (at + size > input.length) throw new MalformedError('.xz file: it ends inside the header of a block')
  const cursor = new Cursor(input.subarray(at, at + size), { name: '.xz block', isLittleEndian: true }).skip(
    1,
  )
  const flags = cursor.u8()
  if (flags & 0x40) cursor.uleb() // compressed size
  if (flags & 0x80) cursor.uleb() // size
  const filter = cursor.uleb()
  if ((flags & 3) !== 0 || filter !== FILTER_LZMA2)
    throw new MalformedError(
      `.xz file: filter ${filter} of ${(flags & 3) + 1}, only LZMA2 (${FILTER_LZMA2}) is read`,
    )
  return size
}

function joined(blocks: readonly Uint8Array[]): Uint8Array {
  const [only] = blocks
  if (only !== undefined && blocks.length === 1) return only
  const bytes = new Uint8Array(blocks.reduce((sum, block) => sum + block.length, 0))
  let at = 0
  for (const block of blocks) {
    bytes.set(block, at)
    at += block.length
  }
  return bytes
}

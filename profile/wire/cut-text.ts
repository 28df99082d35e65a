// How does a name of a megabyte stay a name? Head and tail are kept, and between them stands how much is missing, with a
// hash of the whole, so that different names stay different.

const MARK_BYTES = 64 // room for "…[12345678 bytes cut, 0123456789abcdef]…"
// BOM is a character like any other here: names come back as they went.
const DECODER = new TextDecoder('utf-8', { ignoreBOM: true })

/** Decodes UTF-8 bytes [start, stop); more than `bytesMax` are cut in the middle. Broken sequences become U+FFFD.
 *  out  about `bytesMax` bytes at most (64 where it is smaller), and whether it was cut.  cost O(bytes) */
export function cutText(
  bytes: Uint8Array,
  { start, stop, bytesMax }: { readonly start: number; readonly stop: number; readonly bytesMax: number },
): { readonly text: string; readonly isCut: boolean } {
  if (stop - start <= bytesMax) return { text: DECODER.decode(bytes.subarray(start, stop)), isCut: false }
  const room = Math.max(0, bytesMax - MARK_BYTES)
  const headStop = characterStart(bytes, start + Math.ceil(room / 2), start)
  const tailStart = characterStart(bytes, stop - Math.floor(room / 2), start)
  const head = DECODER.decode(bytes.subarray(start, headStop))
  const tail = DECODER.decode(bytes.subarray(tailStart, stop))
  const hash = hashBytes(bytes.subarray(start, stop))
  return { text: `${head}…[${tailStart - headStop} bytes cut, ${hash}]…${tail}`, isCut: true }
}

/** The first byte of the character that holds byte `at`. */
function characterStart(bytes: Uint8Array, at: number, least: number): number {
  let start = at
  while (start > least && start > at - 4 && start < bytes.length && (bytes[start]! & 0xc0) === 0x80) start--
  return start
}

/** 64 bits as hex: FNV-1a twice with different starts; enough to tell names apart, not to keep a secret. */
function hashBytes(bytes: Uint8Array): string {
  let one = 0x811c9dc5
  let other = 0x9747b28c
  for (let i = 0; i < bytes.length; i++) {
    one = Math.imul(one ^ bytes[i]!, 0x01000193)
    other = Math.imul(other ^ bytes[i]!, 0x5bd1e995) ^ (other >>> 15)
  }
  return [one, other].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('')
}

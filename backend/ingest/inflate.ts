// What did the client send, uncompressed? A body is read as a stream and never held beyond its bounds: bytes on the wire,
// bytes inflated, and their ratio after the first MiB. One encoding, never stacked, nothing behind its end.
import { createGunzip, createInflate } from 'node:zlib'
import { ServiceError } from '../errors.ts'

export interface InflateLimits {
  readonly bodyBytes: number
  readonly decompressedBytes: number
  readonly compressionRatio: number
}

/** What to answer with a 415 about an encoding: the header `Accept-Encoding`. */
export const ENCODINGS_ACCEPTED = 'gzip, deflate'
const RATIO_FROM_BYTES = 1024 * 1024 // small bodies may be very repetitive, and harm nobody

/** Reads a whole body and inflates it.
 *  in   chunks    the body as it arrives; reading stops at the first refusal
 *       encoding  the header Content-Encoding, undefined if absent
 *       length    the header Content-Length, undefined if absent
 *       grow      told how many bytes more are held now; may throw to refuse
 *  out  the inflated bytes
 *  errors  too_large with the key of the bound; unsupported for an encoding; invalid for broken or trailing bytes
 *  cost zlib works in the thread pool; up to three times the body while the buffer doubles */
export async function inflateBody(request: {
  readonly chunks: AsyncIterable<Uint8Array>
  readonly encoding: string | undefined
  readonly length: number | undefined
  readonly limits: InflateLimits
  readonly grow?: (bytes: number) => void
}): Promise<Uint8Array> {
  const { chunks, limits, grow = () => {} } = request
  const encoding = parseEncoding(request.encoding)
  if (request.length !== undefined) checkSize('bodyBytes', 'body', request.length, limits)
  const sent = { bytes: 0 }
  const counted = countBytes(chunks, sent, limits)
  return encoding === 'identity'
    ? joinPlain(counted, limits, grow)
    : inflate(encoding, counted, sent, limits, grow)
}

type Encoding = 'identity' | 'gzip' | 'deflate'

function parseEncoding(header: string | undefined): Encoding {
  const words = (header ?? '').split(',').map((word) => word.trim().toLowerCase())
  const [word = '', ...others] = words
  if (others.length > 0)
    throw unsupported(`Content-Encoding "${header!.slice(0, 100)}" stacks encodings; send one`)
  if (word === '' || word === 'identity') return 'identity'
  if (word === 'gzip' || word === 'x-gzip') return 'gzip'
  if (word === 'deflate') return 'deflate'
  throw unsupported(
    `Content-Encoding "${word.slice(0, 100)}" is not supported; send gzip, deflate or identity`,
  )
}

const unsupported = (message: string) => new ServiceError('unsupported', message)

async function* countBytes(
  chunks: AsyncIterable<Uint8Array>,
  sent: { bytes: number },
  limits: InflateLimits,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    sent.bytes += chunk.length
    checkSize('bodyBytes', 'body', sent.bytes, limits)
    yield chunk
  }
}

async function joinPlain(
  chunks: AsyncIterable<Uint8Array>,
  limits: InflateLimits,
  grow: (bytes: number) => void,
): Promise<Uint8Array> {
  const body = growingBytes()
  for await (const chunk of chunks) {
    checkSize('decompressedBytes', 'body', body.length() + chunk.length, limits)
    grow(chunk.length)
    body.append(chunk)
  }
  return body.finish()
}

async function inflate(
  encoding: 'gzip' | 'deflate',
  chunks: AsyncIterable<Uint8Array>,
  sent: { readonly bytes: number },
  limits: InflateLimits,
  grow: (bytes: number) => void,
): Promise<Uint8Array> {
  const stream =
    encoding === 'gzip' ? createGunzip({ chunkSize: 65_536 }) : createInflate({ chunkSize: 65_536 })
  // A stream that fails or ends early never calls back a write: `wake` lets the feeder see it.
  let wake = () => {}
  stream.on('close', () => wake())
  const inflated = growingBytes()
  const drained = (async () => {
    for await (const piece of stream as AsyncIterable<Uint8Array>) {
      const bytes = inflated.length() + piece.length
      checkSize('decompressedBytes', 'inflated body', bytes, limits)
      checkRatio(bytes, sent.bytes, limits)
      grow(piece.length)
      inflated.append(piece)
    }
  })()
  // Whatever ends first ends the other: a refusal of the output stops the reading, a broken input the inflating.
  const fed = (async () => {
    try {
      for await (const chunk of chunks) {
        if (stream.destroyed || stream.readableEnded) break
        await new Promise<void>((resolve) => {
          wake = resolve
          stream.write(chunk, () => resolve())
        })
      }
      if (!stream.destroyed) stream.end()
    } catch (error) {
      stream.destroy()
      throw error
    }
  })()
  const [feeding, draining] = await Promise.allSettled([fed, drained])
  stream.destroy()
  // The feeder's own error comes first: its destroying of the stream is what the other then complains of.
  if (feeding.status === 'rejected') throw feeding.reason
  if (draining.status === 'rejected') throw zlibError(draining.reason, encoding)
  if (stream.bytesWritten < sent.bytes)
    throw new ServiceError(
      'invalid',
      `the ${encoding} body has bytes behind its end at ${stream.bytesWritten}; send one complete stream`,
    )
  const body = inflated.finish()
  if (body[0] === 0x1f && body[1] === 0x8b)
    throw unsupported('the body is gzip inside of its encoding; compress it once')
  return body
}

/** Bytes in one buffer that doubles: a list of pieces would let bodies sent byte by byte cost 100 times their size. */
function growingBytes() {
  let buffer = new Uint8Array(65_536)
  let length = 0
  return {
    length: () => length,
    append(piece: Uint8Array) {
      if (length + piece.length > buffer.length) {
        const larger = new Uint8Array(Math.max(buffer.length * 2, length + piece.length))
        larger.set(buffer.subarray(0, length))
        buffer = larger
      }
      buffer.set(piece, length)
      length += piece.length
    },
    finish: () => buffer.subarray(0, length),
  }
}

function zlibError(error: unknown, encoding: string): unknown {
  const code = (error as { code?: unknown }).code
  if (error instanceof ServiceError || typeof code !== 'string' || !code.startsWith('Z_')) return error
  return new ServiceError('invalid', `the body is no whole ${encoding} stream: ${(error as Error).message}`, {
    cause: error,
  })
}

function checkSize(
  key: 'bodyBytes' | 'decompressedBytes',
  what: string,
  got: number,
  limits: InflateLimits,
): void {
  const limit = limits[key]
  if (got <= limit) return
  throw new ServiceError(
    'too_large',
    `${what} has ${got.toLocaleString('en-US')} bytes or more; the limit is ${limit.toLocaleString('en-US')}. Send smaller batches or raise limits.${key}.`,
    { key: `limits.${key}`, limit, got },
  )
}

function checkRatio(bytes: number, sentBytes: number, limits: InflateLimits): void {
  const limit = limits.compressionRatio
  if (bytes <= RATIO_FROM_BYTES || bytes <= sentBytes * limit) return
  throw new ServiceError(
    'too_large',
    `body inflates to over ${Math.floor(bytes / sentBytes)} times its ${sentBytes} bytes; the limit is ${limit}. Send it less compressed or raise limits.compressionRatio.`,
    { key: 'limits.compressionRatio', limit, got: Math.floor(bytes / sentBytes) },
  )
}

import * as zlib from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ServiceError } from '../errors.ts'
import { type InflateLimits, inflateBody } from './inflate.ts'

const LIMITS: InflateLimits = { bodyBytes: 4_000_000, decompressedBytes: 8_000_000, compressionRatio: 200 }
const MiB = 1024 * 1024

const text = (words: string) => new TextEncoder().encode(words)
const joined = (...parts: Uint8Array[]) => Uint8Array.from(parts.flatMap((part) => [...part]))
const gzipSync = (body: Uint8Array) => new Uint8Array(zlib.gzipSync(body))
const deflateSync = (body: Uint8Array) => new Uint8Array(zlib.deflateSync(body))
const deflateRawSync = (body: Uint8Array) => new Uint8Array(zlib.deflateRawSync(body))
const brotliCompressSync = (body: Uint8Array) => new Uint8Array(zlib.brotliCompressSync(body))

async function* pieces(body: Uint8Array, size: number) {
  for (let at = 0; at < body.length; at += size) yield body.subarray(at, at + size)
}
const read = (body: Uint8Array, encoding?: string, options: { size?: number; limits?: InflateLimits } = {}) =>
  inflateBody({
    chunks: pieces(body, options.size ?? 65_536),
    encoding,
    length: undefined,
    limits: options.limits ?? LIMITS,
  })
const refusal = async (promise: Promise<unknown>) => {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof ServiceError)) throw new Error(`expected a refusal, got ${error}`)
  return { code: error.code, message: error.message, key: error.detail.key }
}

describe('inflateBody', () => {
  it('gives back what was compressed, however it arrives', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 5_000 }),
        fc.constantFrom('gzip', 'deflate', 'identity', undefined, 'GZIP ', 'x-gzip'),
        fc.integer({ min: 1, max: 700 }),
        async (body, encoding, size) => {
          const word = encoding?.trim().toLowerCase()
          fc.pre(body[0] !== 0x1f)
          const sent =
            word === 'gzip' || word === 'x-gzip'
              ? gzipSync(body)
              : word === 'deflate'
                ? deflateSync(body)
                : body
          expect([...(await read(sent, encoding, { size }))]).toEqual([...body])
        },
      ),
      { numRuns: 60 },
    )
  })

  it('reads an empty body', async () => {
    expect(await read(new Uint8Array(), undefined)).toHaveLength(0)
    expect(await read(gzipSync(text('')), 'gzip')).toHaveLength(0)
  })

  it('reads members of gzip one after the other, as the format has it', async () => {
    const two = joined(gzipSync(text('one ')), gzipSync(text('two')))
    expect(Buffer.from(await read(two, 'gzip')).toString()).toBe('one two')
  })

  it('stops a gzip bomb by its ratio, long before its end', async () => {
    let fed = 0
    const bomb = gzipSync(new Uint8Array(64 * MiB))
    const chunks = (async function* () {
      for await (const piece of pieces(bomb, 1_024)) {
        fed += piece.length
        yield piece
      }
    })()
    const got = await refusal(inflateBody({ chunks, encoding: 'gzip', length: undefined, limits: LIMITS }))
    expect(got).toMatchObject({ code: 'too_large', key: 'limits.compressionRatio' })
    expect(fed).toBeLessThan(bomb.length / 4)
  })

  it('stops at the inflated size where the ratio is harmless', async () => {
    const limits = { ...LIMITS, decompressedBytes: 300_000 }
    const noise = Uint8Array.from(Array.from({ length: 400_000 }, (_, i) => (i * i * 31) % 251))
    const got = await refusal(read(gzipSync(noise), 'gzip', { limits }))
    expect(got).toMatchObject({ code: 'too_large', key: 'limits.decompressedBytes' })
    expect(got.message).toContain(
      'the limit is 300,000. Send smaller batches or raise limits.decompressedBytes.',
    )
  })

  it('stops while reading, and before reading if the length is announced', async () => {
    const limits = { ...LIMITS, bodyBytes: 10_000 }
    expect(await refusal(read(new Uint8Array(10_001), undefined, { limits }))).toMatchObject({
      code: 'too_large',
      key: 'limits.bodyBytes',
    })
    const never: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => {
        throw new Error('was read')
      },
    }
    const announced = inflateBody({ chunks: never, encoding: 'gzip', length: 10_001, limits })
    expect(await refusal(announced)).toMatchObject({ code: 'too_large', key: 'limits.bodyBytes' })
  })

  it.each(['gzip, gzip', 'gzip,identity', 'br', 'zstd', 'compress', 'gzip;q=1', '*'])(
    'refuses Content-Encoding %s',
    async (encoding) => {
      expect(await refusal(read(gzipSync(text('x')), encoding))).toMatchObject({ code: 'unsupported' })
    },
  )

  it('refuses gzip inside gzip', async () => {
    expect(await refusal(read(gzipSync(gzipSync(text('x'))), 'gzip'))).toEqual({
      code: 'unsupported',
      message: 'the body is gzip inside of its encoding; compress it once',
      key: undefined,
    })
  })

  it.each([
    ['half a stream', gzipSync(text('some text that is long enough')).subarray(0, 20), 'gzip'],
    ['an empty stream', new Uint8Array(0), 'gzip'],
    ['plain text', text('plain text'), 'gzip'],
    ['brotli', brotliCompressSync(text('text')), 'gzip'],
    ['raw deflate', deflateRawSync(text('text')), 'deflate'],
    ['text behind the end', joined(gzipSync(text('a')), text('behind')), 'gzip'],
    ['zeros behind the end', joined(gzipSync(text('a')), new Uint8Array(100_000)), 'gzip'],
    ['bytes behind the end of deflate', joined(deflateSync(text('a')), text('b')), 'deflate'],
  ])('refuses %s', async (_, body, encoding) => {
    for (const size of [7, 65_536]) {
      expect(await refusal(read(body, encoding, { size }))).toMatchObject({ code: 'invalid' })
    }
  })

  it('passes on a connection that breaks', async () => {
    const broken = (async function* () {
      yield gzipSync(text('x')).subarray(0, 5)
      throw new Error('aborted')
    })()
    const body = inflateBody({ chunks: broken, encoding: 'gzip', length: undefined, limits: LIMITS })
    await expect(body).rejects.toThrow('aborted')
  })

  it('reports what it holds, and stops when told to', async () => {
    let held = 0
    const grow = (bytes: number) => {
      held += bytes
      if (held > 1_000) throw new ServiceError('queue_full', 'too much at once')
    }
    const chunks = pieces(gzipSync(new Uint8Array(900_000)), 65_536)
    expect(
      await refusal(inflateBody({ chunks, encoding: 'gzip', length: undefined, limits: LIMITS, grow })),
    ).toMatchObject({ code: 'queue_full' })
  })
})

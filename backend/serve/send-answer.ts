// How does an answer leave? With the headers that every answer carries, compressed if it is large and asked for, and, if
// the client is still sending a body nobody will read, so that it hears the answer before the connection closes.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Answer } from './route.ts'

const compress = promisify(gzip)
const GZIP_FROM_BYTES = 1_024 // below it, the header and the call cost more than they save
const LINGER_MS = 1_000 // time to hear a refusal while still sending
const LINGER_BYTES = 256 * 1024 * 1024 // what a fast client sends in that second

/** Sends headers and body; resolves when all is handed to the socket, or the client is gone. Never rejects for a client
 *  that went away. */
export async function sendAnswer(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  answer: Answer,
  common: Readonly<Record<string, string>>,
): Promise<void> {
  let body = typeof answer.body === 'string' ? new TextEncoder().encode(answer.body) : answer.body
  const headers: Record<string, string> = { ...common, ...answer.headers }
  if (body.length >= GZIP_FROM_BYTES && isCompressible(headers) && acceptsGzip(incoming)) {
    const packed = await compress(body, { level: 5 })
    body = new Uint8Array(packed.buffer, packed.byteOffset, packed.length)
    headers['content-encoding'] = 'gzip'
  }
  if (isCompressible(headers) || headers['content-encoding'] !== undefined) headers.vary ??= 'Accept-Encoding'
  if (answer.status !== 304) headers['content-length'] = String(body.length) // of a 304 it would be the file's
  if (outgoing.destroyed) return
  const isUnread = !incoming.complete && hasBody(incoming)
  if (isUnread) headers.connection = 'close'
  outgoing.writeHead(answer.status, headers)
  if (!isUnread) {
    outgoing.end(body)
    return
  }
  // The answer is whole for the client by its length; ending now would reset the connection under it.
  outgoing.write(body)
  await linger(incoming)
  outgoing.end()
}

const hasBody = ({ headers }: IncomingMessage) =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0

/** Throws away what the client still sends, for a moment and within a bound. */
function linger(incoming: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    let bytes = 0
    const done = () => {
      clearTimeout(timer)
      resolve()
    }
    const timer = setTimeout(done, LINGER_MS)
    incoming.on('data', (chunk: Uint8Array) => {
      bytes += chunk.length
      if (bytes > LINGER_BYTES) done()
    })
    for (const event of ['end', 'close', 'error']) incoming.on(event, done)
    incoming.resume()
  })
}

const isCompressible = (headers: Readonly<Record<string, string>>) =>
  headers['content-encoding'] === undefined &&
  /^(text\/|application\/(json|javascript|x-protobuf)|image\/svg)/.test(headers['content-type'] ?? '')

/** Does the client take gzip? By Accept-Encoding, where q=0 means no. */
export function acceptsGzip(incoming: IncomingMessage): boolean {
  const words = String(incoming.headers['accept-encoding'] ?? '')
    .toLowerCase()
    .split(',')
  return words.some((word) => {
    const [name, ...options] = word.split(';').map((part) => part.trim())
    return (name === 'gzip' || name === '*') && !options.some((option) => /^q=0(\.0*)?$/.test(option))
  })
}

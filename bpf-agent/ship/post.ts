// One request, one answer: the only place that opens a connection to the backend. node:http rather than fetch, because
// fetch forbids the `Date` header, by which a backend sees that our clock is off.
import {
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { Answer } from './answer.ts'
import type { Endpoint } from './endpoint.ts'

export interface HttpAnswer extends Answer {
  readonly retryAfter: string | undefined
}

export interface Poster {
  /** Posts a gzip body.
   *  out  the answer, its body cut at 64 KiB; an Error, never thrown, if there is none within the time */
  post(body: Uint8Array, timeoutMs: number): Promise<HttpAnswer | Error>
  /** Ends what is under way. */
  close(): void
}

const ANSWER_BYTES_MAX = 64 * 1024
const IDLE_MS = 60_000 // keeps the connection between two windows; below the 75 s after which a backend closes it

/** Keeps one connection to the endpoint. Certificates are always verified, redirects never followed. */
export function createPoster({ url, authorization }: Endpoint): Poster {
  const isTls = url.protocol === 'https:'
  const pool = { keepAlive: true, maxSockets: 1, timeout: IDLE_MS }
  const agent = isTls ? new HttpsAgent({ ...pool, rejectUnauthorized: true }) : new HttpAgent(pool)
  const open = (options: RequestOptions) => (isTls ? httpsRequest(url, options) : httpRequest(url, options))

  function headersOf(body: Uint8Array): Record<string, string | number> {
    return {
      'Content-Type': 'application/x-protobuf',
      'Content-Encoding': 'gzip',
      'Content-Length': body.length,
      Date: new Date().toUTCString(),
      ...(authorization === undefined ? {} : { Authorization: authorization }),
    }
  }

  function post(body: Uint8Array, timeoutMs: number): Promise<HttpAnswer | Error> {
    return new Promise((resolve) => {
      const request = open({ method: 'POST', agent, headers: headersOf(body) })
      // One clock over connect, request and answer: a peer that sends a byte now and then must not hold the line.
      const timer = setTimeout(
        () => request.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)),
        timeoutMs,
      )
      const settle = (result: HttpAnswer | Error) => {
        clearTimeout(timer)
        resolve(result)
      }
      request.on('error', settle)
      request.on('response', (response) => {
        response.on('error', settle)
        readAnswer(response, settle)
      })
      request.end(body)
    })
  }

  return { post, close: () => agent.destroy() }
}

function readAnswer(response: IncomingMessage, settle: (result: HttpAnswer | Error) => void): void {
  const chunks: Uint8Array[] = []
  let bytes = 0
  response.on('data', (chunk: Uint8Array) => {
    const room = ANSWER_BYTES_MAX - bytes
    chunks.push(new Uint8Array(chunk.subarray(0, room)))
    bytes += Math.min(chunk.length, room)
  })
  response.on('close', () => settle(new Error('the connection closed in the middle of the answer')))
  response.on('end', () =>
    settle({
      status: response.statusCode ?? 0,
      type: (response.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase(),
      retryAfter: response.headers['retry-after'],
      body: joined(chunks, bytes),
    }),
  )
}

function joined(chunks: readonly Uint8Array[], bytes: number): Uint8Array {
  const body = new Uint8Array(bytes)
  let at = 0
  for (const chunk of chunks) {
    body.set(chunk, at)
    at += chunk.length
  }
  return body
}

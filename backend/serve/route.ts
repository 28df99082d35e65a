// What is a route, and what does it give back? The shapes that every protocol file share, and the reading of what they hold.
import type { IncomingMessage } from 'node:http'
import { ServiceError } from '../errors.ts'
import type { Caller, RouteScope } from './auth.ts'

export interface Route {
  readonly method: 'GET' | 'POST'
  /** "/api/v1/labels/{name}/values": a name in braces is one segment; "/*" at the end is the rest. */
  readonly path: string
  readonly scope: RouteScope
  answer(ask: Ask): Promise<Answer> | Answer
  /** How this protocol says no; absent: the JSON of the query API. */
  encodeError?(error: ServiceError, ask: Ask): Answer
  /** True: answers while the store is still opening or closing already. */
  readonly isEarly?: boolean
}

export interface Ask {
  readonly incoming: IncomingMessage
  /** Path as sent, not decoded, without the query. */
  readonly path: string
  readonly params: URLSearchParams
  /** Decoded values of the names in braces. */
  readonly names: ReadonlyMap<string, string>
  readonly caller: Caller
  readonly address: string
  readonly receivedMs: number
}

export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string | Uint8Array
}

export const jsonAnswer = (value: unknown, status = 200): Answer => ({
  status,
  headers: { 'content-type': 'application/json; charset=utf-8' },
  body: JSON.stringify(value),
})

export const textAnswer = (text: string, status = 200): Answer => ({
  status,
  headers: { 'content-type': 'text/plain; charset=utf-8' },
  body: text,
})

/** The body as it arrives. Stopping half way leaves the connection alone, so that a refusal can still be sent.
 *  errors  canceled if the client goes away before its end */
export async function* bodyChunks(incoming: IncomingMessage): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of incoming.iterator({ destroyOnReturn: false })) yield chunk
  } catch (error) {
    if (!incoming.destroyed) throw error
    throw new ServiceError('canceled', 'the client went away before the end of its body', { cause: error })
  }
}

/** The announced length of the body, undefined if there is none. */
export function bodyLength(incoming: IncomingMessage): number | undefined {
  const header = incoming.headers['content-length']
  return header === undefined ? undefined : Number(header)
}

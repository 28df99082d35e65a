// What does the backend answer? createApp builds every protocol's routes over its parts and gives back one handler for
// requests. It never listens, keeps no timer and reads no clock but the one it is given.
//   request ─► route by path, method ─► gate (token, or loopback rules) ─► phase ─► route's answer ─► sendAnswer
import type { IncomingMessage, ServerResponse } from 'node:http'
import { SERVER_HEADER } from '#profile/wire/query-api'
import { ServiceError } from '../errors.ts'
import type { PushService } from '../ingest/receive.ts'
import type { Limits } from '../limits.ts'
import type { QueryService } from '../query/query-service.ts'
import type { Gate } from './auth.ts'
import { createLedger, type Ledger } from './ledger.ts'
import { loginPage, loginRoutes } from './login.ts'
import { opsRoutes, type Phase } from './ops.ts'
import { createRoom, otlpRoutes } from './otlp.ts'
import { createQueryMeter, queryRoutes } from './query-http.ts'
import { type Answer, type Ask, jsonAnswer, type Route } from './route.ts'
import { sendAnswer } from './send-answer.ts'
import { viewerRoutes } from './viewer-files.ts'

export interface AppParts {
  readonly service: PushService & QueryService
  readonly limits: Limits
  readonly gate: Gate
  readonly version: string
  /** Of the built viewer; need not exist yet. */
  readonly viewerDirectory: string
  readonly phase: () => Phase
  /** Epoch ms. */
  readonly clock: () => number
  /** 0 to 1: spreads the moments at which refused senders come back. */
  readonly random: () => number
  readonly isInsecure: boolean
  readonly loopLagS: () => number
  /** One line each: what failed inside, with its cause. */
  readonly log: (line: string) => void
}

export interface App {
  readonly handle: (incoming: IncomingMessage, outgoing: ServerResponse) => void
  /** Every route there is, for tests and documents. */
  readonly routes: readonly Route[]
  readonly ledger: Ledger
}

export function createApp(parts: AppParts): App {
  const { service, limits, gate, version, phase, clock } = parts
  const ledger = createLedger()
  const room = createRoom(limits, parts.random)
  const meter = createQueryMeter()
  const routes: readonly Route[] = [
    ...opsRoutes({ ...parts, ledger, room, meter }),
    ...otlpRoutes({ service, ledger, limits, room }),
    ...queryRoutes({ service, ledger, limits, version, startedMs: clock(), meter }),
    ...loginRoutes(gate),
    ...viewerRoutes(parts.viewerDirectory),
  ]
  const find = createRouter(routes)

  const answer = async (incoming: IncomingMessage, mark: (isKnown: boolean) => void): Promise<Answer> => {
    const [path = '/', query = ''] = splitTarget(incoming.url ?? '/')
    const found = find(incoming.method ?? 'GET', path)
    const ask: Ask = {
      incoming,
      path,
      params: new URLSearchParams(query),
      names: found.names,
      caller: { id: 'open' },
      address: incoming.socket.remoteAddress ?? '',
      receivedMs: clock(),
    }
    try {
      const knock = { headers: incoming.headers, address: ask.address, nowMs: ask.receivedMs }
      // What is not there is as closed as what is: a stranger learns no paths.
      const scope = found.route?.scope ?? 'any'
      const caller = gate.admit(knock, scope)
      mark(!gate.usesTokens || (scope !== 'none' && scope !== 'login'))
      if (found.route === undefined) return noRoute(incoming.method ?? '', path, found.methods)
      refuseUnlessReady(found.route, phase())
      return await found.route.answer({ ...ask, caller })
    } catch (thrown) {
      const error = ServiceError.from(thrown)
      if (error.code === 'internal')
        parts.log(`${incoming.method} ${path.slice(0, 200)}: ${causeText(error)}`)
      const wantsPage = error.code === 'unauthenticated' && isPage(incoming, path)
      const refusal = wantsPage
        ? loginPage(error, ask)
        : (found.route?.encodeError?.(error, ask) ?? jsonAnswer(error.toAnswer(), error.httpStatus))
      return { ...refusal, headers: { ...refusal.headers, ...refusalHeaders(error) } }
    }
  }

  const handle = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    // Only those who were let in learn the version; others learn that this is a Flametrail backend.
    let isKnown = false
    const reply = await answer(incoming, (known) => {
      isKnown = known
    })
    const common = { ...COMMON_HEADERS, [SERVER_HEADER]: isKnown ? version : 'flametrail' }
    await sendAnswer(
      incoming,
      outgoing,
      reply,
      phase() === 'stopping' ? { ...common, connection: 'close' } : common,
    )
  }
  return {
    routes,
    ledger,
    handle: (incoming, outgoing) => {
      handle(incoming, outgoing).catch((error: unknown) => {
        // A client that left while we answered is nobody's fault; the rest is a bug of ours.
        if (!incoming.socket.destroyed) parts.log(`answering failed: ${causeText(error)}`)
        outgoing.destroy()
      })
    },
  }
}

const COMMON_HEADERS = {
  'x-content-type-options': 'nosniff',
  // Not no-referrer: with it browsers name the origin of our own sign-in form "null".
  'referrer-policy': 'same-origin',
  'cache-control': 'no-store',
}

function refuseUnlessReady(route: Route, phase: Phase): void {
  if (phase === 'ready' || route.isEarly === true) return
  throw new ServiceError(
    phase,
    phase === 'starting'
      ? 'the backend is opening its store; ask again in a moment'
      : 'the backend is stopping',
    { retryAfterS: phase === 'starting' ? 1 : 5 },
  )
}

const RETRY_AFTER_S = 5 // where the refusal does not know better

function refusalHeaders(error: ServiceError): Record<string, string> {
  const headers: Record<string, string> = {}
  if (error.isRetryable) headers['retry-after'] = String(error.detail.retryAfterS ?? RETRY_AFTER_S)
  if (error.code === 'unauthenticated') headers['www-authenticate'] = 'Bearer realm="flametrail"'
  return headers
}

/** A browser that opens a page, not a program that calls the API. */
const isPage = (incoming: IncomingMessage, path: string) =>
  incoming.method === 'GET' &&
  !path.startsWith('/api/') &&
  /\btext\/html\b/.test(incoming.headers.accept ?? '')

function noRoute(method: string, path: string, methods: readonly string[]): Answer {
  if (methods.length === 0)
    throw new ServiceError(
      'not_found',
      `nothing is served at ${path.slice(0, 200)}; the API is at /api/v1, the viewer at /`,
    )
  // 405 has no code of its own: nobody retries it, and no client of ours can cause it.
  const error = new ServiceError(
    'invalid',
    `${path.slice(0, 200)} takes ${methods.join(' and ')}, got ${method.slice(0, 20)}`,
  )
  const answer = jsonAnswer(error.toAnswer(), 405)
  return { ...answer, headers: { ...answer.headers, allow: methods.join(', ') } }
}

function causeText(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
}

/** Path and query of a request target; of an absolute one (a proxy's) the path. */
function splitTarget(target: string): readonly [path: string, query: string] {
  const relative = /^https?:\/\/[^/]*/i.test(target)
    ? target.replace(/^https?:\/\/[^/]*/i, '') || '/'
    : target
  const mark = relative.indexOf('?')
  return mark < 0 ? [relative, ''] : [relative.slice(0, mark), relative.slice(mark + 1)]
}

interface Found {
  readonly route: Route | undefined
  readonly names: ReadonlyMap<string, string>
  /** Methods that the path knows, if it is known at all. */
  readonly methods: readonly string[]
}

/** Finds routes by plain comparison of segments; no pattern is ever made from input. */
function createRouter(routes: readonly Route[]): (method: string, path: string) => Found {
  const table = routes.map((route) => ({ route, segments: route.path.split('/').slice(1) }))
  return (method, path) => {
    const segments = path.split('/').slice(1)
    const methods = new Set<string>()
    for (const row of table) {
      const names = match(row.segments, segments)
      // The files of the viewer take what no protocol knows, but never a path of the API.
      if (
        names === undefined ||
        (row.route.path === '/*' && (methods.size > 0 || segments[0] === 'api' || segments[0] === 'v1'))
      )
        continue
      methods.add(row.route.method)
      if (row.route.method === method || (method === 'HEAD' && row.route.method === 'GET'))
        return { route: row.route, names, methods: [] }
    }
    return { route: undefined, names: new Map(), methods: [...methods] }
  }
}

function match(
  pattern: readonly string[],
  segments: readonly string[],
): ReadonlyMap<string, string> | undefined {
  if (pattern.at(-1) === '*') return new Map()
  if (pattern.length !== segments.length) return undefined
  const names = new Map<string, string>()
  for (const [i, part] of pattern.entries()) {
    const segment = segments[i]!
    if (part.startsWith('{')) {
      const name = decodeSegment(segment)
      if (name === undefined) return undefined
      names.set(part.slice(1, -1), name)
    } else if (part !== segment) return undefined
  }
  return names
}

function decodeSegment(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment)
  } catch (error) {
    if (error instanceof URIError) return undefined
    throw error
  }
}

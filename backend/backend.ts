// How does the backend live? It takes its port first, so that nothing is touched if that is taken, opens the store, says
// ready, and at the end finishes what it has begun. Everything it needs from the world is passed in.
//   listen (503 starting) ─► open store ─► ready ─► close: no new connections ─► requests end ─► store commits and closes
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SERVER_HEADER } from '#profile/wire/query-api'
import { ServiceError } from './errors.ts'
import type { PushService } from './ingest/receive.ts'
import type { Limits } from './limits.ts'
import type { QueryService } from './query/query-service.ts'
import { type App, createApp } from './serve/app.ts'
import { createGate, isLoopbackName } from './serve/auth.ts'
import type { Phase } from './serve/ops.ts'
import { openTokenBook } from './serve/tokens.ts'
import type { Service } from './service.ts'
import { type BackendSettings, parseListen } from './settings.ts'

export interface BackendParts {
  readonly openService: (options: {
    readonly dataDirectory: string
    readonly limits: Limits
    readonly retention: { readonly ageMs: number; readonly bytes: number }
  }) => Promise<Service>
  readonly version: string
  /** Where the viewer lies if the settings do not say. */
  readonly viewerDirectory: string
  readonly log: (line: string) => void
  readonly clock?: () => number
  readonly random?: () => number
}

export interface RunningBackend {
  /** http://host:port, the port as the system gave it. */
  readonly url: string
  readonly app: App
  /** Finishes requests, commits, closes: within ten seconds, whatever clients do. */
  close(): Promise<void>
}

/** The operator's words do not go together: exit 2. */
export class WrongSettings extends Error {
  override readonly name = 'WrongSettings'
}

const DRAIN_MS = 7_000 // of the ten seconds that a supervisor grants; the rest is for the store
const LAG_STEP_MS = 500

/** Starts a backend and resolves when it is ready.
 *  throws WrongSettings, TokenFileError, an Error in one sentence if the port is taken, and what opening the store throws */
export async function startBackend(settings: BackendSettings, parts: BackendParts): Promise<RunningBackend> {
  const { limits } = settings
  const { clock = Date.now, random = Math.random, log, version } = parts
  const address = listenAddress(settings)
  const isLoopback = isLoopbackName(address.host)
  const book = settings['token-file'] === '' ? undefined : openTokenBook(settings['token-file'], log)
  const isInsecure = !isLoopback && book === undefined
  if (isInsecure && !settings['insecure-no-auth'])
    throw new WrongSettings(
      `--listen ${settings.listen} is open to the network, and there are no tokens: anyone could read and write; ` +
        'make one with `flametrail token create --scope write --token-file FILE` and start with --token-file FILE, or say --insecure-no-auth',
    )
  let phase: Phase = 'starting'
  let service: Service | undefined
  const lag = watchLoop()
  const app = createApp({
    service: whenOpen(() => service),
    limits,
    gate: createGate({
      book,
      hosts: settings['server-hosts'],
      isOpen: isInsecure,
      failuresPerMinute: limits.authFailuresPerMinute,
      audit: log,
    }),
    version,
    viewerDirectory:
      settings['viewer-directory'] === '' ? parts.viewerDirectory : settings['viewer-directory'],
    phase: () => phase,
    clock,
    random,
    isInsecure,
    loopLagS: lag.seconds,
    log,
  })
  const server = createHttpServer(app, limits)
  try {
    await listen(server, address)
    service = await parts.openService({
      dataDirectory: settings['data-directory'],
      limits,
      retention: { ageMs: settings['retention-age'], bytes: settings['retention-size'] },
    })
  } catch (error) {
    lag.stop()
    server.closeAllConnections()
    server.close()
    throw error
  }
  if (isInsecure)
    log(`anyone who reaches ${settings.listen} may read and write everything (--insecure-no-auth)`)
  phase = 'ready'
  const opened = service
  return {
    app,
    url: urlOf(server),
    async close() {
      if (phase === 'stopping') return
      phase = 'stopping'
      await drain(server)
      lag.stop()
      await opened.close()
    },
  }
}

/** Its own function, so that a bad value is refused before anything is opened. */
function listenAddress(settings: BackendSettings) {
  try {
    return parseListen(settings.listen)
  } catch (error) {
    throw new WrongSettings((error as Error).message, { cause: error })
  }
}

/** The service as the app sees it from the first moment; until it is open the app's phase keeps callers away. */
function whenOpen(service: () => Service | undefined): PushService & QueryService {
  const opened = () => {
    const open = service()
    if (open === undefined) throw new ServiceError('starting', 'the backend is opening its store')
    return open
  }
  return {
    receive: async (request) => opened().receive(request),
    series: async (request) => opened().series(request),
    flame: async (request) => opened().flame(request),
    iceberg: async (request) => opened().iceberg(request),
    diff: async (request) => opened().diff(request),
    exportFile: async (request) => opened().exportFile(request),
    top: async (request) => opened().top(request),
    quality: async (request) => opened().quality(request),
    labels: async (request) => opened().labels(request),
    labelValues: async (name, request) => opened().labelValues(name, request),
    profileTypes: async (request) => opened().profileTypes(request),
    storeStatus: async () => opened().storeStatus(),
  }
}

/** A server with the bounds of limits.ts on time and connections; it does not listen yet. */
export function createHttpServer(app: App, limits: Limits): Server {
  const server = createServer(
    {
      connectionsCheckingInterval: Math.min(1_000, limits.headerTimeout),
      maxHeaderSize: 65_536, // a selector of 8 KiB, percent-encoded, and room
    },
    app.handle,
  )
  server.headersTimeout = limits.headerTimeout
  // Node counts this from the first byte of the head to the last of the body.
  server.requestTimeout = limits.headerTimeout + limits.bodyTimeout
  server.keepAliveTimeout = limits.idleTimeout
  server.maxConnections = limits.connections
  server.maxRequestsPerSocket = 0
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy()
      return
    }
    const [status, words] =
      error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? [
            '408 Request Timeout',
            `the request was not whole in time (limits.headerTimeout, limits.bodyTimeout)`,
          ]
        : error.code === 'HPE_HEADER_OVERFLOW'
          ? ['431 Request Header Fields Too Large', 'the head of the request is above 64 KiB']
          : ['400 Bad Request', 'this is no HTTP request']
    const body = JSON.stringify({ error: { code: 'invalid', message: words } })
    socket.end(
      `HTTP/1.1 ${status}\r\nconnection: close\r\n${SERVER_HEADER}: flametrail\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    )
  })
  return server
}

function listen(server: Server, { host, port }: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException) => reject(listenError(error, host, port))
    server.once('error', fail)
    server.listen(port, host, () => {
      server.off('error', fail)
      resolve()
    })
  })
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  const cure = 'choose another with --listen'
  const sentence =
    error.code === 'EADDRINUSE'
      ? `port ${port} on ${host} is taken by another program; ${cure}, such as --listen 127.0.0.1:${port === 65_535 ? 4040 : port + 1}`
      : error.code === 'EACCES'
        ? `port ${port} on ${host} may not be opened by this user; ${cure}`
        : error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN'
          ? `${host} is no address of this machine (${error.code}); ${cure}`
          : `cannot listen on ${host}:${port} (${error.code ?? error.message}); ${cure}`
  return new Error(sentence, { cause: error })
}

function urlOf(server: Server): string {
  const { address, port, family } = server.address() as AddressInfo
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}

/** No new connections; requests under way may end, and after a while must. */
async function drain(server: Server): Promise<void> {
  const timer = setTimeout(() => server.closeAllConnections(), DRAIN_MS)
  try {
    await new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeIdleConnections()
    })
  } finally {
    clearTimeout(timer)
  }
}

/** How late a timer fires, the worst of the last two steps: what blocks the loop shows here. */
function watchLoop(): { readonly seconds: () => number; readonly stop: () => void } {
  let expectedMs = performance.now() + LAG_STEP_MS
  let worst = [0, 0]
  const timer = setInterval(() => {
    const nowMs = performance.now()
    worst = [worst[1]!, Math.max(0, nowMs - expectedMs)]
    expectedMs = nowMs + LAG_STEP_MS
  }, LAG_STEP_MS)
  timer.unref()
  return { seconds: () => Math.max(...worst) / 1_000, stop: () => clearInterval(timer) }
}

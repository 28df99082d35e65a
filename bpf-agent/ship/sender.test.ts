import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createServer as createTcpServer } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { create, toBinary } from '@bufbuild/protobuf'
import { afterEach, describe, expect, it } from 'vitest'
import { ExportProfilesServiceResponseSchema } from '#profile/wire/gen/otlp_profiles_pb'
import { StatusSchema } from '#profile/wire/gen/rpc_status_pb'
import { createSender, type Sender } from './sender.ts'

interface Seen {
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly text: string
  readonly raw: string
}
type Reply = (response: ServerResponse, seen: Seen, index: number) => void

const cleanups: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

const OK: Reply = (response) => {
  response.writeHead(200, { 'Content-Type': 'application/x-protobuf' }).end()
}
const answer =
  (status: number, body: Uint8Array | string = '', headers: Record<string, string> = {}): Reply =>
  (response) => {
    response.writeHead(status, { 'Content-Type': 'application/x-protobuf', ...headers }).end(body)
  }
const status = (message: string) => toBinary(StatusSchema, create(StatusSchema, { code: 3, message }))

/** A real backend for the tests: keeps what came, answers as it is told. */
async function backend(reply: Reply, port = 0) {
  const seen: Seen[] = []
  const server = createServer((request, response) => {
    const chunks: Uint8Array[] = []
    request.on('data', (chunk: Uint8Array) => chunks.push(chunk))
    request.on('end', () => {
      const raw = new Uint8Array(Buffer.concat(chunks))
      const one = {
        path: `${request.method} ${request.url}`,
        headers: request.headers,
        text: gunzipSync(raw).toString(),
        raw: Buffer.from(raw).toString('hex'),
      }
      seen.push(one)
      reply(response, one, seen.length - 1)
    })
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  cleanups.push(stop)
  const address = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${address.port}`, port: address.port, seen, stop }
}

function sender(url: string, options: { token?: string; bufferBytesMax?: number } = {}) {
  const lines: string[] = []
  const made = createSender({
    url,
    token: options.token,
    bufferBytesMax: options.bufferBytesMax ?? 1e6,
    log: (line) => lines.push(line),
  })
  cleanups.push(() => made.close(0))
  return { sender: made, lines }
}

const bytes = (text: string) => new TextEncoder().encode(text)
const dropsOf = (made: Sender) => Object.fromEntries(made.dropped())

async function until(truth: () => boolean): Promise<void> {
  const endMs = performance.now() + 10_000
  while (!truth()) {
    if (performance.now() > endMs) throw new Error(`never came true: ${truth}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** Noise, so that gzip cannot make it small. */
const noise = (length: number, seed: number) => {
  let state = seed
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    return state >>> 24
  })
}

describe('createSender', () => {
  it('posts gzip of OTLP with type, date and token, one after the other, oldest first', async () => {
    let open = 0
    const { url, seen } = await backend((response, one, index) => {
      expect(++open).toBe(1)
      setTimeout(() => {
        open--
        OK(response, one, index)
      }, 10)
    })
    const { sender: made } = sender(url, { token: 'flt_x' })
    for (const text of ['one', 'two', 'three']) made.send(bytes(text), 5)
    expect(made.pending().samples).toBe(15)
    await until(() => made.pending().samples === 0)
    expect(seen.map(({ text }) => text)).toEqual(['one', 'two', 'three'])
    expect(seen[0]!.path).toBe('POST /v1development/profiles')
    expect(seen[0]!.headers).toMatchObject({
      'content-type': 'application/x-protobuf',
      'content-encoding': 'gzip',
      authorization: 'Bearer flt_x',
    })
    expect(Math.abs(Date.parse(seen[0]!.headers.date!) - Date.now())).toBeLessThan(10_000)
    expect(dropsOf(made)).toEqual({})
    expect(made.pending()).toEqual({ bytes: 0, samples: 0 })
  })

  it('keeps profiles while nobody listens, and delivers them when the backend comes', async () => {
    const first = await backend(OK)
    await first.stop()
    const { sender: made, lines } = sender(first.url)
    made.send(bytes('early'), 3)
    await until(() => lines.length > 0)
    expect(lines[0]).toMatch(
      /^cannot reach the backend at http:\/\/127.0.0.1:\d+: .*ECONNREFUSED.*wait in memory/,
    )
    const second = await backend(OK, first.port)
    await until(() => second.seen.length === 1)
    await until(() => made.pending().samples === 0)
    expect(lines.at(-1)).toMatch(/takes profiles again after \d+ s/)
    expect(dropsOf(made)).toEqual({})
  })

  it('repeats the same bytes after 503 and after a connection cut before the answer', async () => {
    const { url, seen } = await backend((response, one, index) => {
      if (index === 0) answer(503, status('the store is full'), { 'Retry-After': '0' })(response, one, index)
      else if (index === 1) response.destroy()
      else OK(response, one, index)
    })
    const { sender: made, lines } = sender(url)
    made.send(bytes('same'), 1)
    await until(() => made.pending().samples === 0)
    expect(seen.length).toBe(3)
    expect(new Set(seen.map(({ raw }) => raw)).size).toBe(1)
    expect(lines[0]).toMatch(/answers 503 Service Unavailable: the store is full; profiles wait/)
  })

  it('counts what will never be taken as refused, and says why once', async () => {
    const { url, seen } = await backend(answer(400, status('profile 0 has 2 periods\u001b[31m')))
    const { sender: made, lines } = sender(url)
    for (let i = 0; i < 3; i++) made.send(bytes(`bad ${i}`), 7)
    await until(() => made.pending().samples === 0)
    expect(seen.length).toBe(3)
    expect(dropsOf(made)).toEqual({ refused: 21 })
    expect(lines).toEqual([`${url} refuses profiles: 400 Bad Request: profile 0 has 2 periods?[31m`])
  })

  it.each([
    [
      401,
      '{"error":{"code":"unauthenticated","message":"token is unknown"}}',
      '401 Unauthorized: token is unknown',
    ],
    [403, '{"message":"scope read cannot write"}', '403 Forbidden: scope read cannot write'],
    [404, '<html>', '404 Not Found'],
    [413, '', '413 Payload Too Large'],
    [302, '', '302 Found: redirects are not followed; give the final address'],
  ])('refuses after %i and shows the words of the backend', async (code, body, words) => {
    const { url } = await backend(
      answer(code, body, { 'Content-Type': 'application/json', Location: 'http://127.0.0.1:1/' }),
    )
    const { sender: made, lines } = sender(url)
    made.send(bytes('x'), 2)
    await until(() => made.pending().samples === 0)
    expect(dropsOf(made)).toEqual({ refused: 2 })
    expect(lines).toEqual([`${url} refuses profiles: ${words}`])
  })

  it('does not believe a web page that answers 200', async () => {
    const { url } = await backend(answer(200, '<html>', { 'Content-Type': 'text/html' }))
    const { sender: made, lines } = sender(url)
    made.send(bytes('x'), 2)
    await until(() => made.pending().samples === 0)
    expect(dropsOf(made)).toEqual({ refused: 2 })
    expect(lines[0]).toMatch(/200 OK as text\/html: this is no receiver of profiles/)
  })

  it('counts the share that a partial success names', async () => {
    const partial = create(ExportProfilesServiceResponseSchema, {
      partialSuccess: { rejectedProfiles: 1n, errorMessage: 'labels' },
    })
    const { url } = await backend(answer(200, toBinary(ExportProfilesServiceResponseSchema, partial)))
    const { sender: made, lines } = sender(url)
    made.send(new Uint8Array(), 9)
    await until(() => made.pending().samples === 0)
    expect(dropsOf(made)).toEqual({ refused: 9 })
    expect(lines).toEqual([`${url} refused 1 of 1 profiles: labels`])
  })

  it('lets other requests pass one that only ever gets 500, and gives that one up', async () => {
    const { url, seen } = await backend((response, one, index) =>
      one.text === 'poison'
        ? answer(500, '', { 'Retry-After': '0' })(response, one, index)
        : OK(response, one, index),
    )
    const { sender: made } = sender(url)
    made.send(bytes('poison'), 4)
    made.send(bytes('fine'), 1)
    await until(() => seen.some(({ text }) => text === 'fine'))
    await until(() => made.pending().samples === 0)
    expect(dropsOf(made)).toEqual({ refused: 4 })
    expect(seen.filter(({ text }) => text === 'poison').length).toBe(5)
  })

  it('holds at most its buffer: the oldest leave, counted, the newest stay', async () => {
    const first = await backend(OK)
    await first.stop()
    const { sender: made } = sender(first.url, { bufferBytesMax: 10_000 })
    for (let i = 0; i < 20; i++) made.send(noise(1000, i), 1)
    await until(() => made.pending().bytes <= 11_100)
    await until(() => made.pending().samples + (dropsOf(made).buffer_full ?? 0) === 20)
    const kept = made.pending().samples
    expect(kept).toBeGreaterThanOrEqual(9)
    expect(kept).toBeLessThanOrEqual(10)
    const second = await backend(OK, first.port)
    await until(() => made.pending().samples === 0)
    expect(second.seen.length + dropsOf(made).buffer_full!).toBe(20)
  })

  it('sends the rest when it closes', async () => {
    const { url, seen } = await backend(OK)
    const { sender: made } = sender(url)
    made.send(bytes('last'), 1)
    await made.close(2000)
    expect(seen.map(({ text }) => text)).toEqual(['last'])
    made.send(bytes('too late'), 2)
    expect(dropsOf(made)).toEqual({ shutdown: 2 })
  })

  it('counts as shutdown what it cannot send in time, to a backend that is away or never answers', async () => {
    const away = await backend(OK)
    await away.stop()
    const one = sender(away.url)
    one.sender.send(bytes('x'), 3)
    await until(() => one.lines.length > 0)
    await one.sender.close(300)
    expect(dropsOf(one.sender)).toEqual({ shutdown: 3 })

    const mute = createTcpServer((socket) => socket.on('error', () => {}))
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
    const two = sender(`http://127.0.0.1:${(mute.address() as AddressInfo).port}`)
    two.sender.send(bytes('x'), 4)
    await two.sender.close(300)
    expect(dropsOf(two.sender)).toEqual({ shutdown: 4 })
    expect(two.sender.pending()).toEqual({ bytes: 0, samples: 0 })
    mute.close()
  })

  it('survives an answer without end', async () => {
    const { url } = await backend((response) => {
      response.writeHead(200, { 'Content-Type': 'application/x-protobuf' })
      const block = new Uint8Array(65_536)
      let blocks = 0
      const more = () => {
        if (blocks++ < 100) response.write(block, more)
        else response.end()
      }
      more()
    })
    const { sender: made } = sender(url)
    made.send(bytes('x'), 1)
    await until(() => made.pending().samples === 0)
    expect(dropsOf(made)).toEqual({})
  })

  it('refuses to start where the token would travel in the clear', () => {
    expect(() => sender('http://far.example', { token: 'flt_secret' })).toThrow(/without TLS/)
  })
})

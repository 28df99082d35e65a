// The built viewer and the query API over the sample program, on one loopback port: what tests of the page open, and what
// one looks at while working on it. Answers are made by the same verbs and the same writers as the backend's.
import { createReadStream, existsSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { parseSelector } from '#profile/labels/selector'
import { diffTrees } from '#profile/tree/diff'
import { invertTree } from '#profile/tree/invert'
import type * as api from '#profile/wire/query-api'
import { parseTime } from '#profile/wire/time'
import { diffToJson, treeToJson } from '#profile/wire/tree-answer'
import { sampleTree } from './sample-program.ts'

export interface SampleServer {
  readonly url: string
  /** Routes asked, with their bodies, in order. */
  readonly asked: readonly { readonly route: string; readonly body: Readonly<Record<string, unknown>> }[]
  /** From now on every query asks for a token, until someone logs in with it. */
  requireToken(token: string): void
  close(): Promise<void>
}

const TYPE = 'process_cpu:cpu:nanoseconds:cpu:nanoseconds'
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
}

/** Serves `directory` (build/viewer) and answers /api/v1.  in  port  0: any free one */
export async function startSampleServer(directory: string, port = 0): Promise<SampleServer> {
  const asked: { route: string; body: Record<string, unknown> }[] = []
  let token = ''
  let isLoggedIn = true
  const server: Server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    if (!pathname.startsWith('/api/v1/')) return sendFile(directory, pathname, response)
    const route = pathname.slice('/api/v1/'.length)
    const body = await readBody(request)
    asked.push({ route, body })
    if (route === 'login') {
      isLoggedIn = body.token === token
      return isLoggedIn
        ? send(response, 200, {})
        : send(response, 401, refusal('unauthenticated', 'this token is unknown or has expired'))
    }
    if (!isLoggedIn)
      return send(response, 401, refusal('unauthenticated', 'a token of the scope read is needed'))
    const answer = answerTo(route, body)
    return send(response, 'error' in answer ? 400 : 200, answer)
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    requireToken: (wanted) => {
      token = wanted
      isLoggedIn = false
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function answerTo(route: string, body: Readonly<Record<string, unknown>>): object {
  const selector = parseSelector(String(body.query ?? '{}'))
  if (!selector.ok) return refusal('invalid', selector.error.message, selector.error.position)
  const meta = metaOf(body)
  if (route === 'status') return statusAnswer()
  if (route === 'profile-types') {
    return {
      kind: 'profile-types',
      types: [{ id: TYPE, alias: 'cpu', unit: 'nanoseconds' }],
    } satisfies api.ProfileTypesAnswer
  }
  if (route === 'labels') {
    return {
      kind: 'labels',
      names: ['comm', 'executable', 'host', 'service_name'],
      series: [6, 5, 2, 3],
    } satisfies api.LabelsAnswer
  }
  if (route.startsWith('labels/')) {
    const isHost = route.includes('/host/')
    const names = isHost ? ['node-1', 'node-2'] : ['billing', 'postgres', 'shop']
    return { kind: 'labels', names, series: names.map((_, i) => i + 1) } satisfies api.LabelsAnswer
  }
  if (route === 'series') return seriesAnswer(body, meta)
  if (route === 'flame') return treeToJson(sampleTree('after'), meta)
  if (route === 'iceberg') return treeToJson(invertTree(sampleTree('after')), meta)
  if (route === 'diff') {
    const trees = { baseline: sampleTree('before'), comparison: sampleTree('after') }
    const sides = body as {
      readonly baseline?: Record<string, unknown>
      readonly comparison?: Record<string, unknown>
    }
    return diffToJson(diffTrees(trees), {
      baseline: metaOf(sides.baseline ?? {}),
      comparison: metaOf(sides.comparison ?? {}),
    })
  }
  return refusal('not_found', `there is no route /api/v1/${route}`)
}

function metaOf(body: Readonly<Record<string, unknown>>): api.AnswerMeta {
  const { fromMs, toMs } = rangeOf(body)
  const tree = sampleTree('after')
  return {
    type: TYPE,
    unit: 'nanoseconds',
    fromMs,
    toMs,
    samples: Math.round(tree.total[0]! / (1e9 / 19)),
    endEarly: 0.12,
    unnamed: 0,
    nodes: { sent: tree.depth.length, folded: 0 },
    sampleProfile: true,
    coverage: { unreadable: [] },
    tookMs: 3,
  }
}

function rangeOf(body: Readonly<Record<string, unknown>>) {
  const nowMs = Date.now()
  const moment = (value: unknown, otherwise: string) => {
    const parsed = parseTime((value as string | undefined) ?? otherwise, nowMs)
    return parsed.ok ? Math.round(parsed.value) : nowMs
  }
  return { fromMs: moment(body.from, 'now-1h'), toMs: moment(body.to, 'now') }
}

/** Three services; the shop needs more in the last third, and reported nothing for a while in the middle. */
function seriesAnswer(body: Readonly<Record<string, unknown>>, meta: api.AnswerMeta): api.SeriesAnswer {
  const stepS = Number(body.step ?? 10)
  const start = Math.ceil(meta.fromMs / (stepS * 1000)) * stepS * 1000
  const count = Math.max(0, Math.min(2_000, Math.floor((meta.toMs - start) / (stepS * 1000))))
  const t = Array.from({ length: count }, (_, i) => start + i * stepS * 1000)
  const wave = (i: number, least: number, height: number) => least + height * (1 + Math.sin(i / 7)) * 0.5
  const services = [
    {
      name: 'shop',
      at: (i: number) =>
        i > count * 0.45 && i < count * 0.5 ? null : wave(i, i > count * 0.66 ? 0.9 : 0.45, 0.12),
    },
    { name: 'postgres', at: (i: number) => wave(i + 3, 0.2, 0.1) },
    { name: 'billing', at: (i: number) => wave(i * 2, 0.05, 0.05) },
  ]
  return {
    kind: 'series',
    meta,
    valueUnit: 'cores',
    stepS,
    labels: services.map(({ name }) => ({ service_name: name })),
    t,
    v: services.map(({ at }) => t.map((_, i) => at(i))),
  }
}

function statusAnswer(): api.StatusAnswer {
  const nowMs = Date.now()
  const store = { files: 3, bytes: 4_000_000, series: 6, services: 3, hosts: 2, quarantined: [] }
  return {
    kind: 'status',
    version: '0.1.0',
    startedMs: nowMs - 600_000,
    nowMs,
    store: {
      ...store,
      oldestMs: nowMs - 600_000,
      newestMs: nowMs - 4_000,
      retention: { ageMs: 1_209_600_000, bytes: 2e10 },
    },
    ingest: { requests: 60, samples: 11_400, duplicates: 0, discarded: {} },
    agents: [],
  }
}

const refusal = (code: api.ErrorCode, message: string, position?: number): api.ErrorAnswer => ({
  error: { code, message, ...(position === undefined ? {} : { position }) },
})

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'x-flametrail-version': '0.1.0' })
  response.end(JSON.stringify(body))
}

function sendFile(directory: string, pathname: string, response: ServerResponse): void {
  const file = path.join(directory, pathname === '/' ? 'index.html' : path.normalize(pathname))
  if (!file.startsWith(directory) || !existsSync(file)) return void response.writeHead(404).end()
  response.writeHead(200, {
    'content-type': CONTENT_TYPES[path.extname(file)] ?? 'application/octet-stream',
    'cache-control': pathname.startsWith('/assets/') ? 'max-age=3600, immutable' : 'no-cache',
  })
  createReadStream(file).pipe(response)
}

async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>)
}

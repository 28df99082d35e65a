// Which file of the viewer is this? Files below one directory, by their plain name: letters, digits and a few signs, no
// dots at the front, nothing encoded, no link that leads out. Names that carry a hash never change and are cached so.
import { readFile, realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import { ServiceError } from '../errors.ts'
import type { Answer, Ask, Route } from './route.ts'
import { acceptsGzip } from './send-answer.ts'

const TYPES: ReadonlyMap<string, string> = new Map([
  ['.html', 'text/html; charset=utf-8'],
  ['.js', 'text/javascript; charset=utf-8'],
  ['.mjs', 'text/javascript; charset=utf-8'],
  ['.css', 'text/css; charset=utf-8'],
  ['.json', 'application/json; charset=utf-8'],
  ['.map', 'application/json; charset=utf-8'],
  ['.txt', 'text/plain; charset=utf-8'],
  ['.md', 'text/plain; charset=utf-8'],
  ['.svg', 'image/svg+xml'],
  ['.png', 'image/png'],
  ['.ico', 'image/x-icon'],
  ['.woff', 'font/woff'],
  ['.woff2', 'font/woff2'],
  ['.wasm', 'application/wasm'],
])
const SEGMENT = /^[A-Za-z0-9_@+~-][A-Za-z0-9_@+~.-]*$/
const HASHED = /[.-][0-9a-f]{8,}\.[a-z0-9]+$/
const FILE_BYTES_MAX = 64 * 1024 * 1024

/** in  directory  of the built viewer; it may come into being while we run */
export function viewerRoutes(directory: string): readonly Route[] {
  const route = (routePath: string): Route => ({
    method: 'GET',
    path: routePath,
    scope: 'read',
    isEarly: true,
    answer: (ask) => serveFile(directory, ask),
  })
  return [route('/'), route('/*')]
}

async function serveFile(directory: string, ask: Ask): Promise<Answer> {
  const name = ask.path === '/' ? 'index.html' : fileName(ask.path)
  const type = TYPES.get(path.extname(name).toLowerCase())
  const file = type === undefined ? undefined : await readBelow(directory, name)
  if (file === undefined || type === undefined) {
    if (ask.path === '/') return NOT_BUILT
    throw new ServiceError(
      'not_found',
      `nothing is served at ${ask.path.slice(0, 200)}; the API is at /api/v1, the viewer at /`,
    )
  }
  const headers: Record<string, string> = {
    'content-type': type,
    etag: file.etag,
    'cache-control': HASHED.test(name) ? 'private, max-age=31536000, immutable' : 'no-cache',
    'content-security-policy': "frame-ancestors 'self'; object-src 'none'; base-uri 'self'",
  }
  if (ask.incoming.headers['if-none-match'] === file.etag) return { status: 304, headers, body: '' }
  if (acceptsGzip(ask.incoming)) {
    const packed = await readBelow(directory, `${name}.gz`)
    // One older than the file it stands for would be yesterday's page.
    if (packed !== undefined && packed.changedMs >= file.changedMs)
      return { status: 200, headers: { ...headers, 'content-encoding': 'gzip' }, body: await packed.read() }
  }
  return { status: 200, headers, body: await file.read() }
}

/** errors  invalid: anything but plain segments; encoded dots and slashes never reach the file system */
function fileName(urlPath: string): string {
  const segments = urlPath.slice(1).split('/')
  for (const segment of segments)
    if (!SEGMENT.test(segment))
      throw new ServiceError(
        'invalid',
        `path ${urlPath.slice(0, 200)} holds "${segment.slice(0, 50)}"; names have letters, digits and _ @ + ~ . -, and begin with no dot`,
      )
  return segments.join('/')
}

interface FoundFile {
  readonly etag: string
  readonly changedMs: number
  read(): Promise<Uint8Array>
}

/** A regular file below the directory, undefined if there is none; links are followed only inside. */
async function readBelow(directory: string, name: string): Promise<FoundFile | undefined> {
  try {
    const root = await realpath(directory)
    const real = await realpath(path.join(root, name))
    if (!real.startsWith(root + path.sep)) return undefined
    const stats = await stat(real)
    if (!stats.isFile() || stats.size > FILE_BYTES_MAX) return undefined
    return {
      etag: `"${stats.size.toString(36)}-${Math.floor(stats.mtimeMs).toString(36)}"`,
      changedMs: stats.mtimeMs,
      read: async () => new Uint8Array(await readFile(real)),
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES' || code === 'ELOOP') return undefined
    throw error
  }
}

const NOT_BUILT: Answer = {
  status: 503,
  headers: { 'content-type': 'text/html; charset=utf-8', 'retry-after': '3', 'cache-control': 'no-store' },
  body: `<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="3"><title>Flametrail</title>
<p>The viewer is not built yet. <code>npm start</code> builds it beside the running stream, <code>npm run build</code> by hand; this page looks again every three seconds. Profiles are taken in and the API answers at <code>/api/v1</code>.</p></html>
`,
}

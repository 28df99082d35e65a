// Wrong inputs, as a user meets them: one line that names the value and the cure, the right exit code or status, no stack
// trace, nothing stored.
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ErrorAnswer, StatusAnswer } from '#profile/wire/query-api'
import { keepPicture, openBrowser } from './browser.ts'
import {
  eventually,
  finish,
  flametrail,
  freePort,
  program,
  root,
  type Stream,
  start,
  startStream,
  stop,
} from './stream.ts'

const MIB = 1024 ** 2
let stream: Stream
beforeAll(async () => {
  stream = await startStream()
})
afterAll(async () => {
  await stream[Symbol.asyncDispose]()
})

const backend = (...words: string[]) => finish([process.execPath, program('backend'), ...words])
const emptyDirectory = () => mkdtempSync(path.join(tmpdir(), 'flametrail-refusal-'))

/** One line, no stack trace, all of the words. */
function expectSentence(stderr: string, ...words: (string | RegExp)[]): void {
  const lines = stderr.trim().split('\n')
  expect(lines, stderr).toHaveLength(1)
  for (const word of words) expect(lines[0]).toMatch(word)
}

describe('the backend refuses to start', () => {
  it('on a port that is taken', async () => {
    const { code, stderr } = await backend(
      '--listen',
      `127.0.0.1:${stream.port}`,
      '--data-directory',
      emptyDirectory(),
    )
    expect(code).toBe(1)
    expectSentence(stderr, String(stream.port), '--listen')
  })
  it('a second time on one data directory', async () => {
    const { code, stderr } = await backend(
      '--listen',
      `127.0.0.1:${await freePort()}`,
      '--data-directory',
      stream.directory,
    )
    expect(code).toBe(1)
    expectSentence(stderr, stream.directory, /--data-directory/)
  })
  it('in a directory that belongs to something else', async () => {
    const directory = emptyDirectory()
    writeFileSync(path.join(directory, 'family-photos.txt'), 'not a store')
    const { code, stderr } = await backend(
      '--listen',
      `127.0.0.1:${await freePort()}`,
      '--data-directory',
      directory,
    )
    expect(code).toBe(1)
    expectSentence(stderr, directory, /--data-directory/)
  })
  it.each([
    ['was written before 0.1', 'owner.duckdb', 'anything', /before 0\.1/],
    ['says it is of a later format', 'format', 'flametrail store 999\n', /newer|format/],
    ['has lost what it is', 'format', 'garbage '.repeat(2_000), /format/],
  ])('in a directory that %s', async (_, file, content, words) => {
    const directory = emptyDirectory()
    writeFileSync(path.join(directory, file), content)
    const { code, stderr } = await backend(
      '--listen',
      `127.0.0.1:${await freePort()}`,
      '--data-directory',
      directory,
    )
    expect(code).toBe(1)
    expectSentence(stderr, directory, words)
  })
  it('in a place that is a file', async () => {
    const file = path.join(emptyDirectory(), 'file')
    writeFileSync(file, '')
    const { code, stderr } = await backend(
      '--listen',
      `127.0.0.1:${await freePort()}`,
      '--data-directory',
      file,
    )
    expect(code).toBe(1)
    expectSentence(stderr, file)
  })
  it('off loopback without tokens', async () => {
    const { code, stderr } = await backend(
      '--listen',
      `0.0.0.0:${await freePort()}`,
      '--data-directory',
      emptyDirectory(),
    )
    expect(code).toBe(2)
    expectSentence(stderr, 'token create', '--insecure-no-auth')
  })
  it('with a flag it does not know, and names the nearest', async () => {
    const { code, stderr } = await backend('--lisen', '127.0.0.1:1')
    expect(code).toBe(2)
    expectSentence(stderr, '--lisen', '--listen')
  })
  it('with a duration that is none', async () => {
    const { code, stderr } = await backend('--retention-age', 'forever')
    expect(code).toBe(2)
    expectSentence(stderr, '--retention-age', 'forever')
  })
})

describe('the agent', () => {
  it('keeps sampling while there is no backend, says so once, and delivers when one comes', async () => {
    const port = await freePort()
    const agent = start([
      process.execPath,
      program('agent'),
      '--backend',
      `http://127.0.0.1:${port}`,
      '--metrics-listen',
      '',
      '--frequency',
      '97',
    ])
    await eventually('a word about the backend', 20_000, () =>
      agent.stderr().includes(String(port)) && /ECONNREFUSED|no backend|away|answers/.test(agent.stderr())
        ? true
        : undefined,
    )
    expect(agent.child.exitCode).toBeNull()
    expect(agent.stderr()).not.toMatch(/\n\s+at /)
    const late = start([
      process.execPath,
      program('backend'),
      '--listen',
      `127.0.0.1:${port}`,
      '--data-directory',
      emptyDirectory(),
    ])
    try {
      const status = await eventually('samples at the late backend', 30_000, async () => {
        const answer = (await (await fetch(`http://127.0.0.1:${port}/api/v1/status`)).json()) as StatusAnswer
        return answer.ingest.samples > 0 ? answer : undefined
      })
      expect(status.agents[0]?.dropped.buffer_full ?? 0).toBe(0)
    } finally {
      expect(await stop(agent)).toBe(0)
      expect(await stop(late)).toBe(0)
    }
  })
  it.each([
    [
      ['--frequency', '5000'],
      ['--frequency', '5000', '499'],
    ],
    [
      ['--window', 'soon'],
      ['--window', 'soon'],
    ],
    [
      ['--frequncy', '19'],
      ['--frequncy', '--frequency'],
    ],
    [['--backend', 'localhost'], ['localhost']],
  ])('refuses %j', async (words, sentence) => {
    const { code, stderr } = await finish([process.execPath, program('agent'), ...words])
    expect(code).toBe(2)
    expectSentence(stderr, ...sentence)
  })
  it('without the right to load BPF says which capability is missing', async () => {
    const { code, stderr } = await finish([
      'setpriv',
      '--bounding-set=-all',
      '--inh-caps=-all',
      process.execPath,
      program('agent'),
      '--metrics-listen',
      '',
    ])
    expect(code).toBe(1)
    expectSentence(stderr, /BPF/)
  })
})

describe('the server refuses, and stores nothing of', () => {
  const push = async (body: Uint8Array, headers: Record<string, string> = {}) => {
    const response = await fetch(`${stream.url}/v1development/profiles`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf', ...headers },
      body: body as Uint8Array<ArrayBuffer>,
    })
    return { status: response.status, text: await response.text() }
  }
  const fixture = readFileSync(path.join(root, 'tests/fixtures/otlp/ebpf-profiler-busy19-01.pb.gz'))

  it.each([
    [
      'a truncated gzip stream',
      fixture.subarray(0, fixture.length >> 1),
      { 'content-encoding': 'gzip' },
      400,
      /gzip/,
    ],
    ['bytes that are no protobuf', new Uint8Array(5_000).fill(0xff), {}, 400, /.+/],
    [
      'a body of another kind',
      new TextEncoder().encode('hello'),
      { 'content-type': 'text/plain' },
      415,
      /text\/plain/,
    ],
    ['an encoding it does not know', fixture, { 'content-encoding': 'br' }, 415, /br/],
    ['two encodings at once', fixture, { 'content-encoding': 'gzip, gzip' }, 415, /gzip/],
    [
      'a gzip bomb',
      gzipSync(Buffer.alloc(300 * MIB)),
      { 'content-encoding': 'gzip' },
      413,
      /limits\.(compressionRatio|decompressedBytes)/,
    ],
    ['an oversized body', Buffer.alloc(65 * MIB, 1), {}, 413, /limits\.bodyBytes/],
  ] as const)('%s', async (_, body, headers, status, words) => {
    const answer = await push(body, headers)
    expect(answer.status, answer.text).toBe(status)
    expect(answer.text).toMatch(words)
    expect(answer.text).not.toMatch(/\n\s+at /)
    expect((await stream.status()).ingest.samples).toBe(0)
  })

  it('a selector with an error, at its position', async () => {
    const { code, stdout, stderr } = await flametrail(
      'query',
      'flame',
      '{service_name="api}',
      '--backend',
      stream.url,
    )
    expect(code).toBe(1)
    expect(stdout).toBe('')
    expectSentence(stderr, /at 14/)
    const response = await fetch(
      `${stream.url}/api/v1/flame?query=${encodeURIComponent('{service_name="api}')}`,
    )
    expect(response.status).toBe(400)
    expect(((await response.json()) as ErrorAnswer).error.position).toBe(14)
  })
})

describe('tokens', () => {
  let guarded: Stream & { readonly tokens: { readonly read: string; readonly write: string } }
  beforeAll(async () => {
    const file = path.join(emptyDirectory(), 'tokens')
    const make = async (scope: string) => {
      const { code, stdout, stderr } = await flametrail(
        'token',
        'create',
        '--scope',
        scope,
        '--token-file',
        file,
      )
      expect(code, stderr).toBe(0)
      expect(stdout).toMatch(/^flt_\S+\n$/)
      return stdout.trim()
    }
    const tokens = { read: await make('read'), write: await make('write') }
    expect(readFileSync(file, 'utf8')).not.toContain(tokens.read.split('_').at(-1))
    const plain = await startStream()
    await stop(plain.backend)
    plain.backend = start([
      process.execPath,
      program('backend'),
      '--listen',
      `127.0.0.1:${plain.port}`,
      '--data-directory',
      plain.directory,
      '--token-file',
      file,
    ])
    await eventually('ready', 20_000, async () =>
      (await fetch(`${plain.url}/readyz`)).ok ? true : undefined,
    )
    guarded = Object.assign(plain, { tokens })
  })
  afterAll(async () => {
    await guarded[Symbol.asyncDispose]()
  })
  const ask = (route: string, token: string | undefined, method = 'GET') =>
    fetch(`${guarded.url}${route}`, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(method === 'POST' ? { 'content-type': 'application/x-protobuf' } : {}),
      },
    })

  it('missing and wrong ones are told apart from nothing: 401 both', async () => {
    const missing = await ask('/api/v1/status', undefined)
    const wrong = await ask('/api/v1/status', `${guarded.tokens.read.slice(0, -4)}AAAA`)
    expect([missing.status, wrong.status]).toEqual([401, 401])
    expect(await wrong.text()).toMatch(/token/)
  })
  it('a read token reads and does not write', async () => {
    expect((await ask('/api/v1/status', guarded.tokens.read)).status).toBe(200)
    const refused = await ask('/v1development/profiles', guarded.tokens.read, 'POST')
    expect(refused.status).toBe(403)
    expect(await refused.text()).toMatch(/write/)
  })
  it('a read token opens the viewer in a browser, a wrong one does not', async () => {
    await using browser = await openBrowser(guarded.url)
    const { page, complaints } = browser
    const signIn = async (token: string) => {
      await page.getByLabel('Token').fill(token)
      await page.getByRole('button', { name: 'Sign in' }).click()
    }
    await page.goto(guarded.url)
    await keepPicture(page, 'sign-in')
    await signIn(`${guarded.tokens.read.slice(0, -4)}AAAA`)
    await page.getByRole('alert').filter({ hasText: 'token' }).waitFor()
    await signIn(guarded.tokens.read)
    await page.getByTestId('flametrail-status').waitFor()
    expect(await page.title()).toMatch(/Flametrail/)
    expect(complaints).toEqual([])
  })
  it('a write token writes and does not read', async () => {
    expect((await ask('/v1development/profiles', guarded.tokens.write, 'POST')).status).toBe(200)
    const refused = await ask('/api/v1/status', guarded.tokens.write)
    expect(refused.status).toBe(403)
    expect(await refused.text()).toMatch(/read/)
  })
})

describe('the command line', () => {
  let stranger: Server
  let strangerUrl: string
  beforeAll(async () => {
    stranger = createServer((_, response) => response.end('{"hello": "I am not Flametrail"}'))
    await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve))
    strangerUrl = `http://127.0.0.1:${(stranger.address() as { port: number }).port}`
  })
  afterAll(() => new Promise((resolve) => stranger.close(resolve)))

  it('tells a stranger from a backend', async () => {
    const { code, stderr } = await flametrail('query', 'status', '--backend', strangerUrl)
    expect(code).toBe(1)
    expectSentence(stderr, strangerUrl, /no Flametrail backend/)
  })
  it('names a backend that is not there, and how to start one', async () => {
    const url = `http://127.0.0.1:${await freePort()}`
    const { code, stderr } = await flametrail('query', 'top', '--backend', url)
    expect(code).toBe(1)
    expectSentence(stderr, url, 'ECONNREFUSED', 'flametrail up')
  })
  it.each([
    [
      ['query', 'flames'],
      ['flames', 'iceberg'],
    ],
    [['profile'], ['profile', 'query']],
    [
      ['query', 'top', '--limt', '3'],
      ['--limt', '--limit'],
    ],
    [
      ['query', 'top', '--limit', 'many'],
      ['--limit', 'many'],
    ],
    [
      ['token', 'create', '--scope', 'everything'],
      ['everything', 'read'],
    ],
    [
      ['query', 'series', '--step', 'often'],
      ['--step', 'often'],
    ],
  ])('refuses %j as wrong usage', async (words, sentence) => {
    const { code, stdout, stderr } = await flametrail(...words)
    expect(code).toBe(2)
    expect(stdout).toBe('')
    expectSentence(stderr, ...sentence)
  })
  it('keeps an unreadable token file out of the conversation', async () => {
    const directory = path.join(emptyDirectory(), 'directory')
    mkdirSync(directory)
    const { code, stderr } = await flametrail('query', 'top', '--token-file', directory)
    expect(code).toBe(1)
    expectSentence(stderr, directory, 'token create')
  })
})

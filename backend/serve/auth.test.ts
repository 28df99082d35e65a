import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ServiceError } from '../errors.ts'
import { createGate, type Gate, isLoopbackName, type RouteScope } from './auth.ts'
import { createToken, openTokenBook } from './tokens.ts'

const file = path.join(mkdtempSync(path.join(tmpdir(), 'flametrail-auth-')), 'tokens')
const reader = createToken({ file, scopes: ['read'] })
const writer = createToken({ file, scopes: ['write'] })
const NOW_MS = Date.now()

const guarded = () =>
  createGate({
    book: openTokenBook(file, () => {}),
    hosts: [],
    isOpen: false,
    failuresPerMinute: 10,
    audit: () => {},
  })
const loopback = (...hosts: string[]) =>
  createGate({ book: undefined, hosts, isOpen: false, failuresPerMinute: 10, audit: () => {} })

/** "ok", or the code of the refusal. */
function knock(
  gate: Gate,
  headers: Record<string, string>,
  scope: RouteScope = 'read',
  nowMs = NOW_MS,
  address = '10.0.0.1',
) {
  try {
    gate.admit({ headers, address, nowMs }, scope)
    return 'ok'
  } catch (error) {
    if (error instanceof ServiceError) return error.code
    throw error
  }
}
const sentence = (gate: Gate, headers: Record<string, string>, scope: RouteScope = 'read') => {
  try {
    gate.admit({ headers, address: '10.0.0.2', nowMs: NOW_MS }, scope)
    return ''
  } catch (error) {
    return (error as Error).message
  }
}
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const basic = (token: string) => ({ authorization: `Basic ${Buffer.from(`me:${token}`).toString('base64')}` })

describe('a gate with tokens', () => {
  it('lets a token through as bearer, as password and as cookie', () => {
    const gate = guarded()
    expect(knock(gate, bearer(reader.token))).toBe('ok')
    expect(knock(gate, { authorization: `bearer   ${reader.token}` })).toBe('ok')
    expect(knock(gate, basic(reader.token))).toBe('ok')
    expect(knock(gate, { cookie: `a=b; flametrail_token=${reader.token}` })).toBe('ok')
  })

  it('names the scope that is missing', () => {
    expect(knock(guarded(), bearer(writer.token), 'read')).toBe('forbidden')
    expect(knock(guarded(), bearer(reader.token), 'write')).toBe('forbidden')
    expect(knock(guarded(), bearer(reader.token), 'metrics')).toBe('forbidden')
    expect(sentence(guarded(), bearer(reader.token), 'admin')).toBe(
      `token ${reader.id} has scope read; this route wants scope admin`,
    )
  })

  it.each([
    ['nothing', {}],
    ['a scheme without a value', { authorization: 'Bearer' }],
    ['a scheme with blanks', { authorization: 'Bearer   ' }],
    ['an empty password', { authorization: `Basic ${Buffer.from('me:').toString('base64')}` }],
    ['an empty cookie', { cookie: 'flametrail_token=' }],
  ])('counts %s as no token, which is no failure', (_, headers) => {
    const gate = guarded()
    expect(knock(gate, headers as Record<string, string>)).toBe('unauthenticated')
    expect(gate.failures()).toBe(0)
  })

  it('says the same of unknown and malformed tokens, and never repeats them', () => {
    const secret = `flt_aaaaaaaaaaaa_${'s'.repeat(43)}`
    const words = [secret, 'x', 'flt_', `${reader.token}x`].map((token) => sentence(guarded(), bearer(token)))
    expect(new Set(words).size).toBe(1)
    expect(words[0]).not.toContain('sss')
  })

  it('answers the eleventh wrong token of a minute with 429, that address only, and never a right one', () => {
    const gate = guarded()
    const wrong = bearer(`flt_aaaaaaaaaaaa_${'s'.repeat(43)}`)
    for (let i = 0; i < 10; i++) expect(knock(gate, wrong)).toBe('unauthenticated')
    expect(knock(gate, wrong)).toBe('rate_limited')
    expect(knock(gate, wrong, 'read', NOW_MS, '10.0.0.9')).toBe('unauthenticated')
    expect(knock(gate, bearer(reader.token))).toBe('ok')
    expect(knock(gate, wrong, 'read', NOW_MS + 60_001)).toBe('unauthenticated')
    expect(gate.failures()).toBe(13)
  })

  it('takes a cookie from its own pages only', () => {
    const cookie = { cookie: `flametrail_token=${reader.token}`, host: 'x:4040' }
    expect(knock(guarded(), { ...cookie, 'sec-fetch-site': 'cross-site' })).toBe('forbidden')
    expect(knock(guarded(), { ...cookie, origin: 'http://evil.example' })).toBe('forbidden')
    expect(knock(guarded(), { ...cookie, origin: 'http://x:4040', 'sec-fetch-site': 'same-origin' })).toBe(
      'ok',
    )
  })

  it('leaves health open', () => {
    expect(knock(guarded(), {}, 'none')).toBe('ok')
  })
})

describe('a gate on loopback without tokens', () => {
  it.each([
    ['localhost', 'ok'],
    ['LOCALHOST:4040', 'ok'],
    ['127.0.0.1:4040', 'ok'],
    ['127.8.9.1', 'ok'],
    ['[::1]:4040', 'ok'],
    ['profiles.example.net', 'ok'],
    ['profiles.example.net:443', 'ok'],
    ['', 'forbidden'],
    ['evil.example', 'forbidden'],
    ['localhost.evil.example', 'forbidden'],
    ['127.0.0.1.evil.example', 'forbidden'],
    ['127.0.0.1@evil.example', 'forbidden'],
    ['[::2]', 'forbidden'],
    ['192.168.1.5:4040', 'forbidden'],
  ])('Host %s: %s', (host, outcome) => {
    expect(knock(loopback('Profiles.example.net'), { host })).toBe(outcome)
  })

  it.each([
    ['http://localhost:4040', 'ok'],
    ['http://localhost:3000', 'forbidden'],
    ['http://evil.example', 'forbidden'],
    ['https://localhost.evil.example:4040', 'forbidden'],
    ['null', 'forbidden'],
    ['', 'forbidden'],
  ])('Origin %s: %s', (origin, outcome) => {
    expect(knock(loopback(), { host: 'localhost:4040', origin })).toBe(outcome)
  })

  it.each([
    ['none', 'ok'],
    ['same-origin', 'ok'],
    ['same-site', 'forbidden'],
    ['cross-site', 'forbidden'],
    ['anything', 'forbidden'],
  ])('Sec-Fetch-Site %s: %s', (site, outcome) => {
    expect(knock(loopback(), { host: 'localhost', 'sec-fetch-site': site })).toBe(outcome)
    expect(knock(loopback(), { host: 'localhost', 'sec-fetch-site': site }, 'login')).toBe(outcome)
  })

  it('lets no host through that is not loopback by its whole name', () => {
    fc.assert(
      fc.property(fc.domain(), (domain) => {
        expect(isLoopbackName(domain)).toBe(false)
        expect(knock(loopback(), { host: domain })).toBe('forbidden')
      }),
      { numRuns: 200 },
    )
  })
})

it('refuses a tenant that is not there', () => {
  expect(knock(loopback(), { host: 'localhost', 'x-scope-orgid': 'acme' })).toBe('forbidden')
  expect(knock(guarded(), { ...bearer(reader.token), 'x-scope-orgid': '../../x' })).toBe('forbidden')
  expect(knock(guarded(), { ...bearer(reader.token), 'x-scope-orgid': 'default' })).toBe('ok')
})

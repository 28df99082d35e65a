import { appendFileSync, chmodSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { createToken, listTokens, openTokenBook, revokeToken, TokenFileError } from './tokens.ts'

const place = (name = 'tokens') => path.join(mkdtempSync(path.join(tmpdir(), 'flametrail-tokens-')), name)
const silent = (line: string) => {
  throw new Error(`complained: ${line}`)
}
const DAY_MS = 86_400_000

describe('createToken', () => {
  it('shows a token once and keeps only its hash, in a file nobody else can read', () => {
    const file = place()
    const { token, id } = createToken({ file, scopes: ['write', 'read'] })
    expect(token).toMatch(/^flt_[0-9a-f]{12}_[A-Za-z0-9_-]{43}$/)
    expect(token).toContain(id)
    expect(readFileSync(file, 'utf8')).not.toContain(token.slice(17))
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(listTokens(file)).toMatchObject([{ id, scopes: ['read', 'write'], expires: undefined }])
  })

  it('adds to what is there, also behind a last line that an editor left open', () => {
    const file = place()
    const one = createToken({ file, scopes: ['read'] })
    writeFileSync(file, readFileSync(file, 'utf8').trimEnd())
    const two = createToken({ file, scopes: ['write'] })
    expect(listTokens(file).map(({ id }) => id)).toEqual([one.id, two.id])
  })

  it.each([
    [[], 'a token needs a scope; allowed: read, write, metrics, admin'],
    [['reed'], 'unknown scope "reed"; allowed: read, write, metrics, admin'],
    [['__proto__'], 'unknown scope "__proto__"'],
  ])('refuses the scopes %j', (scopes, words) => {
    expect(() => createToken({ file: place(), scopes })).toThrow(words)
  })

  it('refuses an expiry that is past, and a place it cannot write', () => {
    expect(() => createToken({ file: place(), scopes: ['read'], expires: new Date(1) })).toThrow(
      'which is past',
    )
    expect(() => createToken({ file: place('no/such/place'), scopes: ['read'] })).toThrow(TokenFileError)
  })
})

describe('a token file', () => {
  it.each([
    ['is missing', () => place(), /does not exist; make one with: flametrail token create --token-file/],
    ['is a directory', () => path.dirname(place()), /is not a regular file/],
    ['holds something else', () => written('listen: 127.0.0.1'), /line 1 is no token/],
    [
      'holds a bad scope',
      () => written(`aaaaaaaaaaaa ${'0'.repeat(64)} all - 2026-01-01T00:00:00Z`),
      /unknown scope "all"/,
    ],
    [
      'holds a bad expiry',
      () => written(`aaaaaaaaaaaa ${'0'.repeat(64)} read soon 2026-01-01T00:00:00Z`),
      /is no token/,
    ],
    ['can be read by others', () => open(place()), /mode 0644, others can read it; chmod 0600/],
  ])('is refused when it %s', (_, make, words) => {
    const file = make()
    expect(() => openTokenBook(file, silent)).toThrow(words)
    expect(() => listTokens(file)).toThrow(TokenFileError)
  })
})

const written = (text: string) => {
  const file = place()
  writeFileSync(file, `${text}\n`, { mode: 0o600 })
  return file
}
const open = (file: string) => {
  createToken({ file, scopes: ['read'] })
  chmodSync(file, 0o644)
  return file
}

describe('openTokenBook', () => {
  it('knows a token from a wrong, a malformed and an expired one', () => {
    const file = place()
    const expires = new Date(Date.now() + DAY_MS)
    const { token, id } = createToken({ file, scopes: ['read'], expires })
    const other = createToken({ file: place(), scopes: ['read'] }).token
    const book = openTokenBook(file, silent)
    const nowMs = Date.now()
    expect(book.check(token, nowMs)).toMatchObject({ id, scopes: ['read'] })
    expect(book.check(token, expires.getTime())).toBeUndefined()
    for (const wrong of [other, `${token}x`, token.slice(1), '', 'Bearer', `flt_${id}_${'A'.repeat(43)}`])
      expect(book.check(wrong, nowMs)).toBeUndefined()
  })

  it('sees a new and a revoked token within a second', () => {
    const file = place()
    const one = createToken({ file, scopes: ['read'] })
    const book = openTokenBook(file, silent)
    const nowMs = Date.now()
    expect(book.check(one.token, nowMs)).toBeDefined()
    const two = createToken({ file, scopes: ['write'] })
    expect(revokeToken(file, one.id)).toBe(true)
    expect(revokeToken(file, one.id)).toBe(false)
    expect(book.check(two.token, nowMs + 1_000)).toBeDefined()
    expect(book.check(one.token, nowMs + 1_000)).toBeUndefined()
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it('keeps what it knows when the file turns bad, and says so once', () => {
    const file = place()
    const { token } = createToken({ file, scopes: ['read'] })
    const said: string[] = []
    const book = openTokenBook(file, (line) => said.push(line))
    appendFileSync(file, 'garbage\n')
    const nowMs = Date.now()
    for (const later of [0, 1_000, 2_000]) expect(book.check(token, nowMs + later)).toBeDefined()
    expect(said).toEqual([expect.stringMatching(/line 3 is no token.*the tokens read before stay in force/)])
  })
})

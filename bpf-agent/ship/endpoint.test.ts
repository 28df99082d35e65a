import { describe, expect, it } from 'vitest'
import { endpointOf } from './endpoint.ts'

const urlOf = (url: string, token?: string) => {
  const result = endpointOf(url, token)
  return result.ok ? result.value.url.href : result.error.message
}

describe('endpointOf', () => {
  it.each([
    ['http://127.0.0.1:4040', 'http://127.0.0.1:4040/v1development/profiles'],
    ['https://host/flametrail/', 'https://host/flametrail/v1development/profiles'],
    ['http://host/v1development/profiles', 'http://host/v1development/profiles'],
  ])('finds the route below %s', (url, route) => {
    expect(urlOf(url)).toBe(route)
  })

  it.each([
    'http://127.0.0.1:4040',
    'http://127.8.9.1',
    'http://[::1]:4040',
    'http://localhost',
    'https://far.example',
  ])('sends the token to %s', (url) => {
    expect(endpointOf(url, 'flt_a')).toMatchObject({ ok: true, value: { authorization: 'Bearer flt_a' } })
  })

  it.each([
    'http://far.example',
    'http://10.0.0.1:4040',
    'http://127.0.0.1.far.example',
    'http://[::2]',
    'http://0.0.0.0',
  ])('sends no token to %s, which is neither this machine nor TLS', (url) => {
    const message = urlOf(url, 'flt_secret')
    expect(message).toMatch(/^will not send the token to \S+ without TLS; use https:/)
    expect(message).not.toContain('secret')
    expect(endpointOf(url, undefined)).toMatchObject({ ok: true, value: { authorization: undefined } })
  })

  it.each([
    ['nonsense', 'backend "nonsense" is not a URL; give one such as http://127.0.0.1:4040'],
    ['', 'backend "" is not a URL; give one such as http://127.0.0.1:4040'],
    ['ftp://host', 'backend "ftp://host" uses ftp; only http and https are spoken'],
    [
      'http://u:p@host',
      'the backend URL holds a user or password; put the token into a file and give --token-file',
    ],
  ])('refuses %s', (url, message) => {
    expect(urlOf(url)).toBe(message)
  })

  it('refuses a token that would split a header', () => {
    expect(urlOf('http://localhost', 'a\r\nX: y')).toMatch(/characters that no header may hold/)
  })
})

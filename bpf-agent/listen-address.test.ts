import { describe, expect, it } from 'vitest'
import { parseListenAddress } from './listen-address.ts'

describe('parseListenAddress', () => {
  it.each([
    ['127.0.0.1:4041', { host: '127.0.0.1', port: 4041 }],
    ['127.0.0.9:0', { host: '127.0.0.9', port: 0 }],
    ['localhost:80', { host: 'localhost', port: 80 }],
    ['[::1]:4041', { host: '::1', port: 4041 }],
    ['', undefined],
  ])('takes %j', (text, value) => {
    expect(parseListenAddress(text)).toEqual({ ok: true, value })
  })

  it.each(['4041', ':4041', '127.0.0.1', '127.0.0.1:x', '127.0.0.1:70000', '::1:4041', 'a b:1:2'])(
    'refuses %j with an example',
    (text) => {
      const parsed = parseListenAddress(text)
      expect(parsed.ok ? '' : parsed.error.message).toContain('--metrics-listen 127.0.0.1:4041')
    },
  )

  it.each(['0.0.0.0:4041', '10.0.0.1:4041', '[::]:4041', '127.0.0.1.example.net:4041'])(
    'refuses %j: not on this machine alone',
    (text) => {
      const parsed = parseListenAddress(text)
      expect(parsed.ok ? '' : parsed.error.message).toContain('loopback')
    },
  )
})

import { describe, expect, it } from 'vitest'
import { parseSettings } from '#profile/settings/parse'
import { limitsOf } from './limits.ts'
import { BACKEND_SETTINGS, limitsOfConfig, parseListen } from './settings.ts'

describe('parseListen', () => {
  it.each([
    ['127.0.0.1:4040', { host: '127.0.0.1', port: 4040 }],
    ['localhost:0', { host: 'localhost', port: 0 }],
    ['[::1]:4040', { host: '::1', port: 4040 }],
    [':4040', { host: '::', port: 4040 }],
  ])('reads %s', (text, address) => {
    expect(parseListen(text)).toEqual(address)
  })
  it.each([
    '',
    '4040',
    'localhost',
    'localhost:',
    'localhost:http',
    '::1:4040',
    'a b:1',
    '127.0.0.1:70000',
    '127.0.0.1:-1',
  ])('refuses "%s" with an example', (text) => {
    expect(() => parseListen(text)).toThrow(`--listen ${text}: wants HOST:PORT`)
  })
})

describe('limitsOfConfig', () => {
  it('reads numbers and texts with units, flat or nested', () => {
    expect(limitsOfConfig({ bodyBytes: '1MB', 'ingest.maxAhead': '1m', store: { minFree: 7 } })).toEqual(
      limitsOf({ bodyBytes: 2 ** 20, 'ingest.maxAhead': 60_000, 'store.minFree': 7 }),
    )
    expect(limitsOfConfig(undefined)).toEqual(limitsOf())
  })
  it.each([
    [{ bodyByte: 1 }, 'limits.bodyByte is no limit'],
    [{ bodyBytes: 'much' }, 'limits.bodyBytes: '],
    [{ bodyBytes: -1 }, 'limits.bodyBytes is -1'],
    [{ samplesMax: '10' }, 'limits.samplesMax is "10"'],
    [{ constructor: 1 }, 'limits.constructor is no limit'],
    [[1], 'must hold keys and values'],
    ['all', 'must hold keys and values'],
  ])('refuses %j', (part, words) => {
    expect(() => limitsOfConfig(part)).toThrow(words)
  })
})

it('has an example for every setting that its own parser takes', () => {
  for (const { name, example, kind } of BACKEND_SETTINGS) {
    const argv = kind === 'boolean' ? [example] : [`--${name}`, example]
    const parsed = parseSettings(BACKEND_SETTINGS, { argv, env: {}, file: undefined })
    expect(parsed.ok ? '' : parsed.error.message).toBe('')
  }
})

import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { sha256Base64 } from './sha256.ts'

const known = (text: string) => createHash('sha256').update(text, 'utf8').digest('base64')

it('is as node:crypto says for any text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (text) => {
      expect(sha256Base64(text)).toBe(known(text))
    }),
  )
})
it('is right at every length around the edges of a block, and for 200 kB', () => {
  for (let length = 50; length < 135; length++)
    expect(sha256Base64('a'.repeat(length))).toBe(known('a'.repeat(length)))
  expect(sha256Base64('größe '.repeat(30_000))).toBe(known('größe '.repeat(30_000)))
})

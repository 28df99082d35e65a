import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createKeyReader } from './keys.ts'

function keysOf(...chunks: readonly string[]) {
  const reader = createKeyReader()
  return [...chunks.flatMap((chunk) => reader.read(chunk)), ...reader.flush()]
}

describe('keys', () => {
  it.each([
    ['qs/?', ['q', 's', '/', '?']],
    ['é日🔥', ['é', '日', '🔥']],
    ['\u001b[A\u001bOB\u001b[5~\u001b[6~', ['up', 'down', 'page-up', 'page-down']],
    ['\u001b[H\u001b[1~\u001b[F\u001b[4~', ['home', 'home', 'end', 'end']],
    ['\r\n\u007f\b\u0003\u0015', ['enter', 'enter', 'backspace', 'backspace', 'interrupt', 'erase']],
    ['\u001b', ['escape']],
    ['\u001b\u001b', ['escape', 'escape']],
    ['\u001bq', ['escape', 'q']],
    ['\u001b[1;5A\u001b[24~a', ['unknown', 'unknown', 'a']], // Ctrl-Up, F12
    ['\u0000\u0085', ['unknown', 'unknown']],
    ['\u001b[', ['unknown']],
    ['', []],
  ])('%j', (bytes, keys) => {
    expect(keysOf(bytes)).toEqual(keys)
  })
  it('wait while they may become a sequence, and no longer', () => {
    const reader = createKeyReader()
    expect([reader.read('a\u001b'), reader.isPending]).toEqual([['a'], true])
    expect([reader.read('[B'), reader.isPending]).toEqual([['down'], false])
    reader.read('\u001b')
    expect([reader.flush(), reader.flush(), reader.isPending]).toEqual([['escape'], [], false])
  })
  it('do not wait for the end of a sequence that never ends', () => {
    const reader = createKeyReader()
    reader.read(`\u001b[${'1'.repeat(100_000)}`)
    expect(reader.isPending).toBe(false)
  })
  it('are the same in whatever pieces they come', () => {
    const piece = fc.constantFrom('\u001b', '[', 'O', 'A', '5~', '1;', 'q', '🔥', '\r', '\u001b[B', ' ')
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        expect(keysOf(...pieces)).toEqual(keysOf(pieces.join('')))
      }),
    )
  })
})

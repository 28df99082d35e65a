import { describe, expect, it } from 'vitest'
import { monotonicMs, wallMsOf } from './clock.ts'
import { hostName } from './host-name.ts'
import { parseStat, readBounded, readLink, readStat } from './proc.ts'
import { baseName, cleanText } from './text.ts'

describe('parseStat', () => {
  const fields = (flags: number, start: number) =>
    `S 1 1 1 0 -1 ${flags} 0 0 0 0 1 2 0 0 20 0 1 0 ${start} 1000 20 18446744073709551615`

  it('reads start and kind behind a name with spaces and parentheses', () => {
    expect(parseStat(`42 (a) b) (c d) ${fields(0x400000, 1234)}`)).toEqual({
      startTicks: 1234,
      isKernelThread: false,
    })
    expect(parseStat(`2 (kthreadd) ${fields(0x208040, 7)}`)).toEqual({ startTicks: 7, isKernelThread: true })
  })

  it('counts as the sampler does: modulo 2^32', () => {
    expect(parseStat(`2 (x) ${fields(0, 2 ** 32 + 5)}`)?.startTicks).toBe(5)
  })

  it.each(['', '42', '42 (x) S 1', ') '])('is undefined for %j', (text) => {
    expect(parseStat(text)).toBeUndefined()
  })

  it('knows this process and the threads of the kernel', () => {
    expect(readStat(process.pid)).toMatchObject({ isKernelThread: false })
    expect(readStat(2)).toMatchObject({ isKernelThread: true })
    expect(readStat(2 ** 30)).toBeUndefined()
  })
})

describe('reading /proc', () => {
  it('reads no more than asked for, across the pieces of /proc', () => {
    expect(readBounded('/proc/kallsyms', 200_000)?.length).toBe(200_000)
    expect(readBounded('/proc/self/stat', 5)?.length).toBe(5)
    expect(readBounded('/dev/null', 100)).toEqual(new Uint8Array())
  })

  it('is undefined for what is not there or no file', () => {
    expect(readBounded('/proc/0/maps', 10)).toBeUndefined()
    expect(readBounded('/proc/self', 10)).toBeUndefined()
    expect(readLink('/proc/self/maps')).toBeUndefined()
  })
})

describe('cleanText and baseName', () => {
  it('leaves nothing that moves a cursor', () => {
    expect(cleanText('a\u001b[2J\r\n\u009bb\u007f')).toBe('a?[2J???b?')
    expect(cleanText('x'.repeat(5000)).length).toBe(4096)
  })

  it('names a deleted program as it was', () => {
    expect(['/usr/bin/x (deleted)', '/usr/bin/x', 'x', '/', ''].map(baseName)).toEqual([
      'x',
      'x',
      'x',
      '',
      '',
    ])
  })
})

describe('clock and host', () => {
  it('puts a monotonic moment on the wall', () => {
    expect(Math.abs(wallMsOf(monotonicMs() - 5000) - (Date.now() - 5000))).toBeLessThan(1000)
  })

  it('has a name', () => {
    expect(hostName()).not.toBe('')
  })
})

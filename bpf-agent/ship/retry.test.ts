import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { judgeAnswer, waitMsBefore } from './retry.ts'

const judge = (status: number, retryAfter?: string) => judgeAnswer({ status, retryAfter, nowMs: 1_000_000 })

describe('judgeAnswer', () => {
  it('repeats exactly what time can cure', () => {
    const kinds = [200, 202, 301, 400, 401, 403, 404, 408, 413, 415, 429, 500, 501, 502, 503, 504].map(
      (status) => `${status} ${judge(status).kind}`,
    )
    expect(kinds.join(', ')).toBe(
      '200 stored, 202 stored, 301 refused, 400 refused, 401 refused, 403 refused, 404 refused, 408 later, ' +
        '413 refused, 415 refused, 429 later, 500 later, 501 refused, 502 later, 503 later, 504 later',
    )
  })

  it('reads Retry-After as seconds and as a date, bounded, and ignores nonsense', () => {
    expect(judge(503, '7')).toEqual({ kind: 'later', waitMs: 7000 })
    expect(judge(503, new Date(1_009_000).toUTCString())).toEqual({ kind: 'later', waitMs: 9000 })
    expect(judge(503, '999999999')).toEqual({ kind: 'later', waitMs: 300_000 })
    expect(judge(503, 'Thu, 01 Jan 1970 00:00:00 GMT')).toEqual({ kind: 'later', waitMs: 0 })
    for (const odd of ['', 'soon', '-5', '1e9']) expect(judge(503, odd)).toMatchObject({ kind: 'later' })
  })
})

describe('waitMsBefore', () => {
  const wait = (failures: number, failingMs: number, random: number, askedMs?: number) =>
    waitMsBefore({ failures, failingMs, random, askedMs })

  it('doubles up to 5 s in the first two minutes, up to a minute later', () => {
    expect([1, 2, 3, 4, 9].map((failures) => wait(failures, 0, 1))).toEqual([1000, 2000, 4000, 5000, 5000])
    expect([4, 7, 99].map((failures) => wait(failures, 200_000, 1))).toEqual([8000, 60_000, 60_000])
  })

  it('is anywhere below the bound, never a hot loop, and never earlier than the backend asked', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e6 }),
        fc.nat(1e9),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (n, ms, r) => {
          expect(wait(n, ms, r)).toBeGreaterThanOrEqual(100)
          expect(wait(n, ms, r)).toBeLessThanOrEqual(60_000)
          expect(wait(n, ms, r, 3000)).toBeGreaterThanOrEqual(3000)
        },
      ),
    )
  })
})

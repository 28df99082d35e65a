import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Account } from '../store/store.ts'
import { lostShare } from './lost-share.ts'

const FROM_MS = 1_000_000
const account = (over: Partial<Account>): Account => ({
  ...{ host: 'one', agentId: 'a', startedMs: 0, reportedMs: FROM_MS },
  ...{ expected: 0, idle: 0, received: 0, filtered: 0, lost: 0 },
  ...over,
})
const ask = (accounts: readonly Account[], host?: string) =>
  lostShare(accounts, {
    fromMs: FROM_MS,
    matchers: [
      { name: 'service_name', operator: '=', value: 'whatever' },
      ...(host === undefined ? [] : [{ name: 'host', operator: '=', value: host } as const]),
    ],
  })

describe('the share of lost samples', () => {
  const before = account({
    reportedMs: FROM_MS - 5_000,
    expected: 1_000,
    idle: 500,
    lost: 100,
    filtered: 100,
  })
  const after = account({
    reportedMs: FROM_MS + 5_000,
    expected: 2_000,
    idle: 1_000,
    lost: 110,
    filtered: 200,
  })

  it('is the difference of the last account and the last before the range', () => {
    // 1,000 expected, less 500 idle and 100 left out on purpose; 10 of these 400 are lost
    expect(ask([after, before])).toBe(10 / 400)
    const older = account({ reportedMs: FROM_MS - 60_000, lost: 0 })
    expect(ask([older, after, before])).toBe(10 / 400)
  })
  it('counts an agent that began in the range from nothing, and one without an earlier account from its first', () => {
    const young = account({ startedMs: FROM_MS + 1, reportedMs: FROM_MS + 9_000, expected: 100, lost: 50 })
    expect(ask([young])).toBe(0.5)
    const first = account({ reportedMs: FROM_MS + 1_000, expected: 500, lost: 400 })
    expect(ask([first, account({ reportedMs: FROM_MS + 9_000, expected: 600, lost: 401 })])).toBe(1 / 100)
  })
  it('adds up hosts, and asks those alone that are meant', () => {
    const other = [before, after].map((one) => ({ ...one, host: 'two', agentId: 'b', lost: 0 }))
    expect(ask([before, after, ...other])).toBe(10 / 800)
    expect(ask([before, after, ...other], 'two')).toBe(0)
    expect(ask([before, after, ...other], 'three')).toBeUndefined()
  })
  it('is unknown where nobody gave account, or nothing was expected', () => {
    expect(ask([])).toBeUndefined()
    expect(ask([before])).toBeUndefined()
    expect(ask([account({ reportedMs: FROM_MS + 1, startedMs: FROM_MS + 1 })])).toBeUndefined()
  })
  it('is a share, whatever strangers count', () => {
    const count = fc.double({ min: 0, max: 1e15, noNaN: true })
    const any = fc.record({
      host: fc.constantFrom('one', 'two'),
      agentId: fc.constantFrom('a', 'b'),
      startedMs: fc.nat(2 * FROM_MS),
      reportedMs: fc.nat(2 * FROM_MS),
      ...{ expected: count, idle: count, received: count, filtered: count, lost: count },
    })
    fc.assert(
      fc.property(fc.array(any, { maxLength: 8 }), (accounts) => {
        const share = ask(accounts) ?? 0
        expect(share >= 0 && share <= 1).toBe(true)
      }),
    )
  })
})

import { expect, it } from 'vitest'
import type { AgentReport } from '#profile/model/accounting'
import { accountsOf } from './accounts.ts'

const report = (over: Partial<AgentReport> = {}): AgentReport => ({
  ...{ host: 'h', agentId: 'id', version: '1', startedMs: 1, reportedMs: 2, frequencyHz: 19, cpus: 2 },
  ...{ expected: 100, idle: 40, received: 50, stops: new Map() },
  dropped: new Map([
    ['filtered', 7],
    ['ring_full', 2],
    ['missed_tick', 1],
  ]),
  ...over,
})

it('keeps what was left out on purpose apart from what was lost', () => {
  expect(accountsOf([report()])).toEqual([
    {
      ...{ host: 'h', agentId: 'id', startedMs: 1, reportedMs: 2 },
      ...{ expected: 100, idle: 40, received: 50, filtered: 7, lost: 3 },
    },
  ])
})

it('keeps nothing that is no count, and few accounts of a request', () => {
  expect(accountsOf([report({ expected: Number.NaN }), report({ idle: -1 })])).toEqual([])
  expect(accountsOf(Array.from({ length: 100 }, () => report()))).toHaveLength(8)
  expect(accountsOf([report({ host: 'x'.repeat(10_000) })])[0]!.host).toHaveLength(256)
})

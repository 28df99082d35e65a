import { describe, expect, it } from 'vitest'
import type { StatusAnswer } from '#profile/wire/query-api'
import { QueryError } from './client.ts'
import { healthOf, healthOfFailure } from './health.ts'

const NOW = 1_700_000_000_000
const agent = (host: string, lastSeenMs: number) => ({ host, lastSeenMs }) as StatusAnswer['agents'][number]

function status(newestMs: number | null, agents: StatusAnswer['agents'] = []): StatusAnswer {
  const retention = { ageMs: 7 * 86_400_000, bytes: 2e10 }
  const store = {
    files: 1,
    bytes: 1,
    oldestMs: newestMs,
    newestMs,
    series: 60,
    services: 48,
    hosts: 12,
    retention,
    quarantined: [],
  }
  const ingest = { requests: 1, samples: 1, duplicates: 0, discarded: {} }
  return { kind: 'status', version: '0.4.1', startedMs: NOW - 1e6, nowMs: NOW, store, ingest, agents }
}

describe('healthOf', () => {
  it('counts what is there', () => {
    expect(healthOf(status(NOW - 6_000)).message).toBe(
      'Connected to 0.4.1: 12 hosts, 48 services, 7 d kept, last profile 6 s ago',
    )
  })

  it('says what to do when no profile has come yet', () => {
    const { message } = healthOf(status(null))
    expect(message).toMatch(/no profile yet, agents seen: 0. Run `flametrail doctor`/)
  })

  it('names the host that was heard last when profiles have stopped coming', () => {
    const agents = [agent('node-1', NOW - 9e6), agent('node-3', NOW - 43 * 60_000)]
    expect(healthOf(status(NOW - 43 * 60_000, agents)).message).toMatch(/came 43 min ago from node-3/)
  })
})

describe('healthOfFailure', () => {
  const say = (message: string, parts: ConstructorParameters<typeof QueryError>[1]) => {
    const { status: outcome, message: sentence } = healthOfFailure(
      new QueryError(message, parts),
      'http://backend:4040',
    )
    expect(outcome).toBe('error')
    return sentence
  }

  it.each([
    ['no connection', say('', { status: 502 }), /cannot reach http:\/\/backend:4040 from its server/],
    ['a deadline', say('', { code: 'deadline' }), /cannot reach/],
    [
      'an unknown certificate',
      say('x509: certificate signed by unknown authority', { status: 502 }),
      /not trusted/,
    ],
    ['a refused token', say('', { status: 403, code: 'forbidden' }), /needs the scope `read`/],
    [
      'a 401 that the proxy made a 400',
      say('HTTP 400: Authentication to data source failed', { status: 400 }),
      /scope `read`/,
    ],
    [
      'another server',
      say('HTTP 404, without a word', { status: 404 }),
      /not a Flametrail backend \(Pyroscope uses 4040 too\)/,
    ],
    ['a page of HTML', say('HTTP 200, but not the answer', { status: 200 }), /not a Flametrail backend/],
    [
      "the backend's own refusal",
      say('the backend is starting', { status: 503, code: 'starting' }),
      /^the backend is starting$/,
    ],
  ])('says what to do about %s', (_, sentence, expected) => {
    expect(sentence).toMatch(expected)
  })
})

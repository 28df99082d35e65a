import { describe, expect, it } from 'vitest'
import type { TopAnswer } from '#profile/wire/query-api'
import { Refusal } from '../command.ts'
import { openBackendSource, viewOfAnswer } from './backend-source.ts'

const answer: TopAnswer = {
  kind: 'top',
  meta: {
    type: 'process_cpu:cpu:nanoseconds:cpu:nanoseconds',
    unit: 'nanoseconds',
    fromMs: 0,
    toMs: 60_000,
    samples: 1140,
    endEarly: 0.25,
    unnamed: 0,
    nodes: { sent: 0, folded: 0 },
    sampleProfile: false,
    coverage: { unreadable: [] },
    tookMs: 1,
  },
  total: 60e9,
  functions: 1,
  name: ['main'],
  file: [''],
  mapping: ['app'],
  self: [30e9],
  totals: [60e9],
}

describe('an answer', () => {
  it('becomes a view of CPU time', () => {
    const view = viewOfAnswer(answer)
    expect(view).toMatchObject({ all: 60e9, samples: 1140, seconds: 60, perCoreSecond: 1e9, endEarly: 0.25 })
    expect(view).toMatchObject({ rows: { name: ['main'], service: [''] }, services: undefined, notes: [] })
  })
  it('says what is missing in it', () => {
    const meta = { ...answer.meta, sampleProfile: true, coverage: { unreadable: ['a.duckdb'] } }
    expect(viewOfAnswer({ ...answer, functions: 1200, meta }).notes).toEqual([
      'the 1 heaviest of 1200 functions',
      'the sample profile, not a machine',
      'not readable: a.duckdb',
    ])
  })
})

describe('a backend', () => {
  /** Answers as told, one answer each; keeps what it was asked. */
  function open(...answers: (TopAnswer | Error)[]) {
    const asked: object[] = []
    const client = {
      async ask<Answer>(route: string, request: object): Promise<Answer> {
        asked.push({ route, ...request })
        const next = answers.shift()!
        if (next instanceof Error) throw next
        return next as Answer
      },
    }
    const options = { client, backend: 'http://b', selector: '{a="b"}', spanMs: 60_000, intervalMs: 1 }
    return { source: openBackendSource(options), asked }
  }
  const ask = { sort: 'cores', stopped: new Promise(() => {}) } as const

  it('is asked for what all agents have sent already', async () => {
    const { source, asked } = open(answer)
    await source.next(ask)
    expect(asked).toEqual([
      {
        route: 'top',
        type: 'cpu',
        query: '{a="b"}',
        from: 'now-80s',
        to: 'now-20s',
        sort: 'self',
        limit: 1000,
      },
    ])
    expect(source.words).toBe('http://b {a="b"}, 60 s until 20 s ago')
  })
  it('must answer at first; later its absence is a note', async () => {
    await expect(open(new Refusal('away')).source.next(ask)).rejects.toThrow('away')
    const { source } = open(answer, new Refusal('away'), answer)
    await source.next(ask)
    expect(await source.next(ask)).toMatchObject({ all: 60e9, notes: ['away'] })
    expect(await source.next(ask)).toMatchObject({ notes: [] })
  })
  it('does not hide our own mistakes', async () => {
    const { source } = open(answer, new TypeError('bug'))
    await source.next(ask)
    await expect(source.next(ask)).rejects.toThrow('bug')
  })
})

// What did the machines of a backend do a moment ago? Its answer to /top, asked again and again.

import type { TopAnswer } from '#profile/wire/query-api'
import { sleep } from '../../bpf-agent/host/clock.ts'
import type { Client } from '../client.ts'
import { Refusal } from '../command.ts'
import type { Source } from './source.ts'
import type { TopView } from './view.ts'

/** Agents send ten seconds at a time, and a window counts from its start: what is younger is not all there yet. */
const LAG_S = 20
const ROWS_MAX = 1000

export interface BackendOptions {
  readonly client: Pick<Client, 'ask'>
  readonly backend: string
  readonly selector: string
  readonly spanMs: number
  readonly intervalMs: number
}

/** Asks a backend.
 *  errors  the first question must be answered; after that a backend that is away is a note, and the last rows stay */
export function openBackendSource({ client, selector, spanMs, intervalMs, backend }: BackendOptions): Source {
  const spanS = Math.round(spanMs / 1000)
  let last: TopView | undefined
  return {
    words: `${backend}${selector === '{}' ? '' : ` ${selector}`}, ${spanS} s until ${LAG_S} s ago`,
    async next({ sort, stopped }) {
      if (last !== undefined) await Promise.race([stopped, sleep(intervalMs)])
      try {
        const answer = await client.ask<TopAnswer>('top', {
          type: 'cpu',
          query: selector,
          from: `now-${spanS + LAG_S}s`,
          to: `now-${LAG_S}s`,
          sort: sort === 'total' ? 'total' : 'self',
          limit: ROWS_MAX,
        })
        last = viewOfAnswer(answer)
        return last
      } catch (error) {
        if (last === undefined || !(error instanceof Refusal)) throw error
        return { ...last, notes: [error.message] }
      }
    },
    isOver: false,
    close: () => {},
  }
}

/** The answer as a view; values are nanoseconds of CPU time. */
export function viewOfAnswer(answer: TopAnswer): TopView {
  const { meta, name, file, mapping } = answer
  const notes = [
    answer.functions > name.length ? `the ${name.length} heaviest of ${answer.functions} functions` : '',
    meta.sampleProfile ? 'the sample profile, not a machine' : '',
    meta.coverage.unreadable.length > 0 ? `not readable: ${meta.coverage.unreadable.join(', ')}` : '',
  ]
  return {
    rows: {
      ...{ name, file, mapping },
      service: name.map(() => ''),
      self: Float64Array.from(answer.self),
      total: Float64Array.from(answer.totals),
    },
    all: answer.total,
    samples: meta.samples,
    seconds: (meta.toMs - meta.fromMs) / 1000,
    perCoreSecond: 1e9,
    services: undefined,
    endEarly: meta.endEarly,
    cpus: undefined,
    notes: notes.filter((note) => note !== ''),
  }
}
